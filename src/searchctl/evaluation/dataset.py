"""Judged queries as people keep them: a BEIR folder, TREC files, or JSON Lines."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchctl.errors import SourceError
from searchctl.evaluation.metrics import Qrels
from searchctl.translation import _
from searchctl.types import Document

_SPLITS = ("test", "dev", "train")
_IDS = ("_id", "id", "query_id", "qid", "query-id")
_TEXTS = ("text", "query", "question", "title")
_NAMED = 5  # queries in a message
_WHOLE = re.compile(r"[-+]?\d+")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_COLUMN = re.compile(
    r"(?i)^(?:(?:query|corpus|document|doc|topic|q|iter(?:ation)?|passage)[ _-]*(?:id)?|id|score|grade|rel(?:evance)?|label|judge?ment)$"
)
RELEVANT_NAMES = ("relevant", "qrels", "judgements", "positive_ctxs", "expected")


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query, and the documents someone judged for it: grade by id, 0 and less is not relevant."""

    id: str
    text: str
    grades: dict[str, int]


@dataclass(frozen=True, slots=True)
class DataSet:
    """Queries with a relevant document each. `corpus` is the file of the documents, None when only an index has them.

    `caveat` says what the numbers can't tell, and is empty for human judgements. `left_out` says which judged queries the set
    has not, and why, and is empty where it has all.
    """

    name: str
    queries: tuple[JudgedQuery, ...]
    corpus: Path | None = None
    caveat: str = ""
    left_out: str = ""

    @property
    def qrels(self) -> Qrels:
        """Return the grades by query."""
        return {query.id: query.grades for query in self.queries}


def read_dataset(path: Path, split: str | None = None) -> DataSet:
    """Read judged queries; raises SourceError when there are none, saying what was looked for, and where one can't be counted.

    A folder holds `queries.jsonl` and `qrels/SPLIT.tsv` (BEIR; `split` None takes test, else dev, else train), or TREC's
    `queries.tsv` and `qrels.txt`, or JSON Lines. A file is JSON Lines of
    `{"query": …, "relevant": ["id", …] or {"id": grade}}`.
    """
    if path.is_file():
        return _checked(path, *_json_lines(path), None)
    if not path.is_dir():
        raise SourceError(
            _("there is no {path}; name a folder or a JSON Lines file with judged queries").format(path=path)
        )
    corpus = _first(path, ("corpus.jsonl", "corpus.jsonl.gz"))
    queries = _first(path, ("queries.jsonl", "queries.jsonl.gz"))
    if queries is not None and (path / "qrels").is_dir():
        return _joined(path, _texts(_texts_of_json(queries)), _qrels(_split_file(path / "qrels", split)), corpus)
    topics = _first(path, ("queries.tsv", "topics.tsv", "queries.txt", "topics.txt"))
    judgements = _first(path, ("qrels.txt", "qrels.tsv", "qrels"))
    if topics is not None and judgements is not None:
        return _joined(path, _texts(_texts_of_table(topics)), _qrels(judgements), corpus)
    judged = queries or _first(path, ("judgements.jsonl", "judged.jsonl"))
    if judged is not None:
        return _checked(path, *_json_lines(judged), corpus)
    raise SourceError(
        _(
            "{path} holds no judged queries; expected queries.jsonl with qrels/test.tsv (BEIR), queries.tsv "
            'with qrels.txt or judgements.jsonl with lines like {{"query": "how do I return an item", '
            '"relevant": ["doc-1"]}}'
        ).format(path=path)
    )


def read_corpus(path: Path) -> Iterator[Document]:
    """Yield the documents of a BEIR corpus: `{"_id", "title", "text"}` a line. Raises SourceError naming the line that isn't one."""
    for where, data in _objects(path):
        id = _value(data, _IDS)
        if id is None:
            raise SourceError(
                _('{where} has no id; a line looks like {{"_id": "1", "title": "…", "text": "…"}}').format(where=where)
            )
        yield Document(str(id), str(data.get("text") or ""), str(data.get("title") or ""))


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _checked(
    path: Path, queries: list[JudgedQuery], caveat: str, corpus: Path | None, without_text: Sequence[str] = ()
) -> DataSet:
    judged = tuple(query for query in queries if any(grade > 0 for grade in query.grades.values()))
    reasons = [f"{_named(without_text)} no text"] if without_text else []
    if not judged:
        reason = _(" ({reasons} in it)").format(reasons=reasons[0]) if reasons else ""
        raise SourceError(
            _(
                "{path} judges no document relevant for any query it holds{reason}, so there is nothing to measure"
            ).format(path=path, reason=reason)
        )
    nothing = [query.id for query in queries if not any(grade > 0 for grade in query.grades.values())]
    reasons += [f"{_named(nothing)} no relevant document"] if nothing else []
    left_out = f"left out: {' and '.join(reasons)}" if reasons else ""
    return DataSet(path.resolve().name, judged, corpus, caveat, left_out)


def _named(ids: Sequence[str]) -> str:
    """Return `2 judged queries (q77, q78) have`."""
    shown = ", ".join(ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    verb = "query has" if len(ids) == 1 else "queries have"
    return f"{len(ids)} judged {verb.split()[0]} ({shown}{more}) {verb.split()[1]}"


def _joined(path: Path, texts: dict[str, str], qrels: dict[str, dict[str, int]], corpus: Path | None) -> DataSet:
    known = [JudgedQuery(id, texts[id], grades) for id, grades in qrels.items() if texts.get(id, "").strip()]
    return _checked(path, known, "", corpus, [id for id in qrels if not texts.get(id, "").strip()])


def _texts(read: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Return texts by id, given with their places; raises SourceError for an id with two different texts."""
    texts: dict[str, str] = {}
    for where, id, text in read:
        if texts.setdefault(id, text) != text:
            raise SourceError(
                _("{where} has the id '{id}' again, with another text; give each query an id of its own").format(
                    where=where, id=id
                )
            )
    return texts


def _split_file(folder: Path, split: str | None) -> Path:
    splits = sorted(one.stem for one in folder.glob("*.tsv"))
    chosen = split or next((one for one in _SPLITS if one in splits), splits[0] if splits else "")
    if chosen not in splits:
        raise SourceError(
            _("{folder} has no split '{chosen}'; found: {value}").format(
                folder=folder, chosen=chosen, value=", ".join(splits) or "none"
            )
        )
    return folder / f"{chosen}.tsv"


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read BEIR's three columns (query, document, grade, with a heading) or TREC's four (query, 0, document, grade)."""
    qrels: dict[str, dict[str, int]] = {}
    for where, line in _lines(path):
        cells = line.split("\t") if "\t" in line else line.split()
        cells = [cell.strip() for cell in cells]
        if len(cells) not in (3, 4):
            raise SourceError(
                _("{where} has {count} columns; expected query, document, grade or TREC's four").format(
                    where=where, count=len(cells)
                )
            )
        if where.endswith(":1") and _is_heading(cells):
            continue
        query, document, grade = cells[0], cells[-2], _grade(cells[-1], where)
        if qrels.setdefault(query, {}).setdefault(document, grade) != grade:
            raise SourceError(
                _(
                    "{where} judges document '{document}' for query '{query}' again, with another grade; keep one"
                ).format(where=where, document=document, query=query)
            )
    return qrels


def _is_heading(cells: Sequence[str]) -> bool:
    """Tell whether a first row names columns: its grade is a word, and some cell is what columns are called."""
    return _NUMBER.fullmatch(cells[-1]) is None and any(_COLUMN.search(cell) for cell in cells)


def _grade(value: Any, where: str) -> int:
    """Return a grade as a whole number; raises SourceError for any other value."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    whole = whole or (isinstance(value, float) and value.is_integer())
    if whole or (isinstance(value, str) and _WHOLE.fullmatch(value.strip())):
        return int(value)
    raise SourceError(
        _(
            "{where} has the grade {value!r}; expected a whole number, 0 for not relevant: write degrees as 1, 2, 3"
        ).format(where=where, value=value)
    )


def _json_lines(path: Path) -> tuple[list[JudgedQuery], str]:
    """Return the queries of a file, and what its numbers can't tell where a language model wrote or judged them."""
    queries: dict[str, JudgedQuery] = {}
    caveat = ""
    for number, (where, data) in enumerate(_objects(path), 1):
        text, relevant = _value(data, _TEXTS), _value(data, RELEVANT_NAMES)
        if not isinstance(text, str) or not isinstance(relevant, (list, dict, str)):
            raise SourceError(
                _('{where} isn\'t a judged query; a line looks like {{"query": "…", "relevant": ["doc-1"]}}').format(
                    where=where
                )
            )
        if not text.strip():
            raise SourceError(
                _("{where} has an empty query; write its text, or leave the line out").format(where=where)
            )
        given = _value(data, _IDS)
        id = _id(given, where) if given is not None else str(number)
        if id in queries:
            raise SourceError(
                _("{where} has the id '{id}' again; give each query an id of its own, or none has one").format(
                    where=where, id=id
                )
            )
        queries[id] = JudgedQuery(id, text, _grades(relevant, where))
        caveat = caveat or _caveat_of(data.get("generated"))
    return list(queries.values()), caveat


def _caveat_of(generated: Any) -> str:
    """Return what is said of lines that `searchctl generate` wrote."""
    if not isinstance(generated, dict):
        return ""
    model = str(generated.get("model", "unknown"))[:80]
    if "judgements" in generated:
        return f"the judgements are a language model's ({model}), not people's"
    return (
        f"the queries were written by a language model ({model}) and kept where the index found their document, so numbers are "
        "higher than for real questions; use them to compare settings, not to judge quality"
    )


def _grades(relevant: list[Any] | dict[str, Any] | str, where: str) -> dict[str, int]:
    if isinstance(relevant, dict):
        return {str(id): _grade(grade, where) for id, grade in relevant.items()}
    return {_id(id, where): 1 for id in ([relevant] if isinstance(relevant, str) else relevant)}


def _id(value: Any, where: str) -> str:
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise SourceError(
        _("{where} has {value!r} where an id is expected; write it as text or a whole number").format(
            where=where, value=value
        )
    )


def _texts_of_json(path: Path) -> Iterator[tuple[str, str, str]]:
    for where, data in _objects(path):
        id, text = _value(data, _IDS), _value(data, _TEXTS)
        if id is None or not isinstance(text, str):
            raise SourceError(
                _('{where} isn\'t a query; a line looks like {{"_id": "1", "text": "how do I return an item"}}').format(
                    where=where
                )
            )
        yield where, _id(id, where), text


def _texts_of_table(path: Path) -> Iterator[tuple[str, str, str]]:
    for where, line in _lines(path):
        id, blank, text = line.partition("\t") if "\t" in line else line.partition(" ")
        if not blank:
            raise SourceError(
                _("{where} isn't a query; a line looks like: 1<tab>how do I return an item").format(where=where)
            )
        yield where, id.strip(), text.strip()


def _value(data: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((data[key] for key in keys if data.get(key) is not None), None)


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, line in _lines(path):
        try:
            data = json.loads(line)
        except ValueError as error:
            raise SourceError(_("{where} isn't JSON: {error}").format(where=where, error=error)) from error
        if not isinstance(data, dict):
            raise SourceError(_("{where} isn't a JSON object").format(where=where))
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
        raise SourceError(
            _("can't read {path}: {value}").format(path=path, value=getattr(error, "strerror", None) or error)
        ) from error
