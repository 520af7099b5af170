"""TREC runs: a file of queries answered into a file that every evaluation tool reads."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from searchctl.errors import SourceError, StorageError
from searchctl.files import replacing
from searchctl.translation import _
from searchctl.types import Mode, Results, Where

if TYPE_CHECKING:
    from searchctl.index import Index
    from searchctl.ranking.fusion import FusionSettings
    from searchctl.search.rerank import Rerank

TAG = "searchctl"
_BATCH = 32
_ID_KEYS = ("_id", "id", "query_id", "qid")
_TEXT_KEYS = ("text", "query")


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a file."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run came to."""

    queries: int
    hits: int
    seconds: float


def read_queries(path: Path) -> list[Query]:
    """Read JSON Lines of `{"_id": …, "text": …}` (also `id` and `query`); raises SourceError naming the line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            _("can't read the queries {path}: {value}").format(
                path=path, value=getattr(error, "strerror", None) or error
            )
        ) from error
    queries = [_query(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    ids = [query.id for query in queries]
    if not queries:
        raise SourceError(
            _('{path} holds no queries; a line looks like {{"_id": "1", "text": "how do I return an item"}}').format(
                path=path
            )
        )
    if len(set(ids)) < len(ids):
        twice = next(id for place, id in enumerate(ids) if id in ids[:place])
        raise SourceError(
            _("{path} holds two queries with the id {twice!r}; give each its own").format(path=path, twice=twice)
        )
    return queries


def _query(line: str, where: str) -> Query:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise SourceError(_("{where} isn't JSON: {error}").format(where=where, error=error)) from error
    parts = data if isinstance(data, dict) else {}
    id = next((parts[key] for key in _ID_KEYS if key in parts), None)
    text = next((parts[key] for key in _TEXT_KEYS if key in parts), None)
    if id is None or not isinstance(text, str) or not text.strip():
        raise SourceError(
            _('{where} isn\'t a query; a line looks like {{"_id": "1", "text": "how do I return an item"}}').format(
                where=where
            )
        )
    return Query(str(id), text)


def write_run(
    index: Index,
    queries: Path,
    target: Path,
    k: int = 10,
    *,
    mode: Mode = "hybrid",
    where: Where | None = None,
    fusion: FusionSettings | str | None = None,
    min_relevance: float = 0.0,
    repair: bool = True,
    rerank: Rerank | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> RunReport:
    """Answer the queries of a file into a TREC run; the target appears whole or not at all.

    They are answered as `Index.search_many` does. `on_progress` is told how many queries of how many are answered. Raises
    SourceError and StorageError.
    """
    began = time.monotonic()
    texts = read_queries(queries)
    hits = 0
    try:
        with replacing(target) as draft, draft.open("w", encoding="utf-8") as file:
            for start in range(0, len(texts), _BATCH):
                part = texts[start : start + _BATCH]
                answers = index.search_many(
                    [query.text for query in part],
                    k,
                    mode=mode,
                    where=where,
                    fusion=fusion,
                    min_relevance=min_relevance,
                    repair=repair,
                    rerank=rerank,
                )
                hits += sum(map(len, answers))
                file.writelines(_lines(part, answers))
                if on_progress is not None:
                    on_progress(start + len(part), len(texts))
    except OSError as error:
        raise StorageError(
            _("can't write the run {target}: {strerror}; choose another file with --run").format(
                target=target, strerror=error.strerror
            )
        ) from error
    return RunReport(len(texts), hits, time.monotonic() - began)


def _lines(queries: Sequence[Query], answers: Iterable[Results]) -> Iterator[str]:
    for query, results in zip(queries, answers, strict=True):
        scores = _falling([hit.score for hit in results])
        for rank, (hit, score) in enumerate(zip(results, scores, strict=True), 1):
            yield f"{_token(query.id)} Q0 {_token(hit.id)} {rank} {score!r} {TAG}\n"


def _token(id: str) -> str:
    """Columns are parted by white space, so white space in an id is percent-encoded."""
    return "".join(quote(character) if character.isspace() else character for character in id)


def _falling(scores: Sequence[float]) -> list[float]:
    """Return the scores, ties broken downwards: trec_eval sorts by a 32-bit score and ignores the rank column."""
    falling: list[float] = []
    for score in scores:
        given = np.float32(score)
        if falling and given >= np.float32(falling[-1]):
            given = np.nextafter(np.float32(falling[-1]), np.float32(-np.inf))
        falling.append(float(given))
    return falling
