"""Judged queries as people keep them: a BEIR folder, TREC files, or JSON Lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchctl.errors import SourceError
from searchctl.evaluation.metrics import Qrels
from searchctl.types import Document

_SPLITS = ("test", "dev", "train")
_IDS = ("_id", "id", "query_id", "qid", "query-id")
_TEXTS = ("text", "query", "question", "title")
_RELEVANT = ("relevant", "qrels", "judgements", "positive_ctxs", "expected")


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query, and the documents someone judged for it: grade by id, 0 and less is not relevant."""

    id: str
    text: str
    grades: dict[str, int]


@dataclass(frozen=True, slots=True)
class DataSet:
    """Queries with a relevant document each. `corpus` is the file of the documents, None when only an index has them.

    `caveat` says what the numbers can't tell, and is empty for human judgements.
    """

    name: str
    queries: tuple[JudgedQuery, ...]
    corpus: Path | None = None
    caveat: str = ""

    @property
    def qrels(self) -> Qrels:
        """Return the grades by query."""
        return {query.id: query.grades for query in self.queries}


def read_dataset(path: Path, split: str | None = None) -> DataSet:
    """Read judged queries; raises SourceError when there are none, saying what was looked for.

    A folder holds `queries.jsonl` and `qrels/SPLIT.tsv` (BEIR; `split` None takes test, else dev, else train), or TREC's
    `queries.tsv` and `qrels.txt`, or JSON Lines. A file is JSON Lines of
    `{"query": …, "relevant": ["id", …] or {"id": grade}}`.
    """
    if path.is_file():
        return _checked(path, _json_lines(path), None)
    if not path.is_dir():
        raise SourceError(f"there is no {path}; name a folder or a JSON Lines file with judged queries")
    corpus = _first(path, ("corpus.jsonl", "corpus.jsonl.gz"))
    queries = _first(path, ("queries.jsonl", "queries.jsonl.gz"))
    if queries is not None and (path / "qrels").is_dir():
        texts = dict(_texts_of_json(queries))
        return _checked(path, _joined(texts, _qrels(_split_file(path / "qrels", split))), corpus)
    topics = _first(path, ("queries.tsv", "topics.tsv", "queries.txt", "topics.txt"))
    judgements = _first(path, ("qrels.txt", "qrels.tsv", "qrels"))
    if topics is not None and judgements is not None:
        return _checked(path, _joined(dict(_texts_of_table(topics)), _qrels(judgements)), corpus)
    judged = queries or _first(path, ("judgements.jsonl", "judged.jsonl"))
    if judged is not None:
        return _checked(path, _json_lines(judged), corpus)
    raise SourceError(
        f"{path} holds no judged queries; expected queries.jsonl with qrels/test.tsv (BEIR), queries.tsv with qrels.txt "
        'or judgements.jsonl with lines like {"query": "how do I return an item", "relevant": ["doc-1"]}'
    )


def read_corpus(path: Path) -> Iterator[Document]:
    """Yield the documents of a BEIR corpus: `{"_id", "title", "text"}` a line."""
    for where, data in _objects(path):
        id = _value(data, _IDS)
        if id is None:
            raise SourceError(f'{where} has no id; a line looks like {{"_id": "1", "title": "…", "text": "…"}}')
        yield Document(str(id), str(data.get("text") or ""), str(data.get("title") or ""))


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _checked(path: Path, queries: list[JudgedQuery], corpus: Path | None) -> DataSet:
    judged = tuple(query for query in queries if any(grade > 0 for grade in query.grades.values()))
    if not judged:
        raise SourceError(f"{path} judges no document relevant for any query it holds, so there is nothing to measure")
    return DataSet(path.resolve().name, judged, corpus)


def _joined(texts: dict[str, str], qrels: dict[str, dict[str, int]]) -> list[JudgedQuery]:
    return [JudgedQuery(id, texts[id], grades) for id, grades in qrels.items() if texts.get(id, "").strip()]


def _split_file(folder: Path, split: str | None) -> Path:
    found = sorted(one.stem for one in folder.glob("*.tsv"))
    chosen = split or next((one for one in _SPLITS if one in found), found[0] if found else "")
    if chosen not in found:
        raise SourceError(f"{folder} has no split '{chosen}'; found: {', '.join(found) or 'none'}")
    return folder / f"{chosen}.tsv"


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read BEIR's three columns (query, document, grade, with a heading) or TREC's four (query, 0, document, grade)."""
    qrels: dict[str, dict[str, int]] = {}
    for where, line in _lines(path):
        cells = line.split("\t") if "\t" in line else line.split()
        cells = [cell.strip() for cell in cells]
        if len(cells) not in (3, 4):
            raise SourceError(f"{where} has {len(cells)} columns; expected query, document, grade or TREC's four")
        try:
            grade = int(cells[-1])
        except ValueError as error:
            if where.endswith(":1"):
                continue
            raise SourceError(f"{where} has the grade {cells[-1]!r}; expected a whole number") from error
        qrels.setdefault(cells[0], {})[cells[-2]] = grade
    return qrels


def _json_lines(path: Path) -> list[JudgedQuery]:
    queries = []
    for number, (where, data) in enumerate(_objects(path), 1):
        text, relevant = _value(data, _TEXTS), _value(data, _RELEVANT)
        if not isinstance(text, str) or not isinstance(relevant, (list, dict, str)):
            raise SourceError(
                f'{where} isn\'t a judged query; a line looks like {{"query": "…", "relevant": ["doc-1"]}}'
            )
        if isinstance(relevant, dict):
            grades = {str(id): int(grade) for id, grade in relevant.items()}
        else:
            grades = {str(id): 1 for id in ([relevant] if isinstance(relevant, str) else relevant)}
        queries.append(JudgedQuery(str(_value(data, _IDS) or number), text, grades))
    return queries


def _texts_of_json(path: Path) -> Iterator[tuple[str, str]]:
    for where, data in _objects(path):
        id, text = _value(data, _IDS), _value(data, _TEXTS)
        if id is None or not isinstance(text, str):
            raise SourceError(
                f'{where} isn\'t a query; a line looks like {{"_id": "1", "text": "how do I return an item"}}'
            )
        yield str(id), text


def _texts_of_table(path: Path) -> Iterator[tuple[str, str]]:
    for where, line in _lines(path):
        id, blank, text = line.partition("\t") if "\t" in line else line.partition(" ")
        if not blank:
            raise SourceError(f"{where} isn't a query; a line looks like: 1<tab>how do I return an item")
        yield id.strip(), text.strip()


def _value(data: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((data[key] for key in keys if data.get(key) is not None), None)


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, line in _lines(path):
        try:
            data = json.loads(line)
        except ValueError as error:
            raise SourceError(f"{where} isn't JSON: {error}") from error
        if not isinstance(data, dict):
            raise SourceError(f"{where} isn't a JSON object")
        yield where, data


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield lines that aren't blank, each with its place."""
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as file
        ):
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", line.rstrip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceError(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from error
