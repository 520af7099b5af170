"""Answering queries: one round trip to the engine for both legs, fusion, and the documents of one page."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from searchctl.bm25 import idf, upper_bound
from searchctl.encoders.base import Encoder
from searchctl.engines.base import Engine
from searchctl.errors import UsageError
from searchctl.fields import as_conditions
from searchctl.fusion import Fused, FusionSettings, fuse
from searchctl.highlight import show_passage
from searchctl.query import ParsedQuery, parse_query
from searchctl.schema import Schema
from searchctl.types import (
    MODES,
    Hit,
    LegReport,
    Match,
    Mode,
    Nearest,
    Ranking,
    Results,
    Scope,
    TermStatistics,
    Total,
    Vector,
    Where,
)

WINDOW = 100  # each leg's candidates; fixed, so that the order of hits never depends on the page asked for
MAX_HITS = 10_000  # how deep paging may go


@dataclass(frozen=True, slots=True)
class Request:
    """How to answer: `k` hits from number `start` (0 is the best) among the documents that `where` allows."""

    k: int = 10
    mode: Mode = "hybrid"
    where: Where | None = None
    start: int = 0
    fusion: FusionSettings = field(default_factory=FusionSettings)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"no mode '{self.mode}'; choose one of: {', '.join(MODES)}")
        if self.k < 1 or self.start < 0 or self.start + self.k > MAX_HITS:
            raise UsageError(
                f"can't give hits {self.start} to {self.start + self.k}; ask for at least one, within the first {MAX_HITS}"
            )


@dataclass(frozen=True, slots=True)
class _Asked:
    """One query with what both legs gave."""

    text: str
    parsed: ParsedQuery
    statistics: TermStatistics
    lexical: Ranking | None
    vector: Ranking | None
    reports: Mapping[str, LegReport]

    @property
    def weights(self) -> dict[str, float]:
        return {term: idf(self.statistics.documents, n) for term, n in self.statistics.frequencies.items() if n}


def search(
    engine: Engine, index: str, schema: Schema, encoder: Encoder | None, texts: Sequence[str], request: Request
) -> list[Results]:
    """Answer queries. `encoder` is None when no vectors are wanted or there are none."""
    parsed = [parse_query(text) for text in texts]
    conditions = as_conditions(request.where)
    scopes = [Scope(conditions, one.required, one.excluded) for one in parsed]
    depth = max(WINDOW, request.start + request.k)
    began = time.perf_counter()
    vectors = _encode(encoder, parsed, request.mode)
    encoding_ms = (time.perf_counter() - began) * 1000 / max(len(texts), 1)
    asked = _ask(engine, index, texts, parsed, scopes, vectors, depth, request.mode, encoding_ms)
    return [_answer(engine, index, schema, one, request) for one in asked]


def _encode(encoder: Encoder | None, parsed: Sequence[ParsedQuery], mode: Mode) -> list[Vector | None]:
    """Encode what can be encoded; None elsewhere."""
    vectors: list[Vector | None] = [None] * len(parsed)
    if encoder is None or mode == "lexical":
        return vectors
    places = [place for place, one in enumerate(parsed) if one.text]
    for place, vector in zip(places, encoder.encode_queries([parsed[place].text for place in places]), strict=True):
        vectors[place] = vector
    return vectors


def _ask(
    engine: Engine,
    index: str,
    texts: Sequence[str],
    parsed: Sequence[ParsedQuery],
    scopes: Sequence[Scope],
    vectors: Sequence[Vector | None],
    depth: int,
    mode: Mode,
    encoding_ms: float,
) -> list[_Asked]:
    questions: list[Match | Nearest] = []
    for one, scope, vector in zip(parsed, scopes, vectors, strict=True):
        if mode != "vector":
            questions.append(Match(one.text, depth, scope))
        if vector is not None:
            questions.append(Nearest(vector, depth, scope))
    rankings = iter(engine.search(index, questions))
    asked = []
    for text, one, vector in zip(texts, parsed, vectors, strict=True):
        lexical = next(rankings) if mode != "vector" else None
        nearest = next(rankings) if vector is not None else None
        statistics = engine.term_statistics(index, one.text)
        reports = {
            "lexical": _lexical_report(lexical, statistics),
            "vector": _vector_report(nearest, mode, one, encoding_ms),
        }
        asked.append(_Asked(text, one, statistics, lexical, nearest, reports))
    return asked


def _lexical_report(ranking: Ranking | None, statistics: TermStatistics) -> LegReport:
    if ranking is None:
        return LegReport(False, "mode is vector")
    reason: str | None = None if ranking.ids else "no document matches"
    if not statistics.frequencies:
        reason = "the query has no words to look for"
    elif not any(statistics.frequencies.values()):
        reason = "no word of the query is in the index"
    return LegReport(True, reason, round(ranking.took_ms, 3))


def _vector_report(ranking: Ranking | None, mode: Mode, parsed: ParsedQuery, encoding_ms: float) -> LegReport:
    if ranking is not None:
        return LegReport(True, None if ranking.ids else "no document matches", round(ranking.took_ms + encoding_ms, 3))
    if mode == "lexical":
        return LegReport(False, "mode is lexical")
    return LegReport(False, "the query has no words to look for" if not parsed.text else "the index has no vectors")


def _answer(engine: Engine, index: str, schema: Schema, asked: _Asked, request: Request) -> Results:
    fused = _fuse(asked, schema, request)
    page = range(request.start, min(request.start + request.k, len(fused.ids)))
    return Results(
        asked.text,
        request.mode,
        asked.reports,
        _total(asked, len(fused.ids)),
        _hits(engine, index, schema, asked, fused, page),
    )


def _fuse(asked: _Asked, schema: Schema, request: Request) -> Fused:
    """Fuse the first WINDOW of each leg; what a deeper page needs beyond follows in a fixed order."""
    fused = fuse(
        _first(asked.lexical),
        _first(asked.vector),
        bound=upper_bound(asked.statistics),
        background=schema.background,
        settings=request.fusion,
    )
    seen = set(fused.ids)
    later = [
        id for ranking in (asked.lexical, asked.vector) if ranking is not None for id in ranking.ids if id not in seen
    ]
    return fused.followed_by(tuple(dict.fromkeys(later))) if later else fused


def _first(ranking: Ranking | None) -> Ranking | None:
    if ranking is None or len(ranking.ids) <= WINDOW:
        return ranking
    return Ranking(
        ranking.ids[:WINDOW], ranking.scores[:WINDOW], ranking.passages[:WINDOW], ranking.total, ranking.took_ms
    )


def _total(asked: _Asked, candidates: int) -> Total:
    """Count matches: a hybrid answer has at least what its words match, and exactly what was fused if that was all of it."""
    if asked.lexical is None:
        return asked.vector.total if asked.vector is not None else Total(0)
    lexical = asked.lexical.total
    if asked.vector is None:
        return lexical
    complete = lexical.relation == "eq" and lexical.value <= len(asked.lexical.ids)
    return Total(max(lexical.value, candidates), "eq" if complete else "gte")


def _hits(engine: Engine, index: str, schema: Schema, asked: _Asked, fused: Fused, page: range) -> tuple[Hit, ...]:
    best = dict(zip(asked.vector.ids, asked.vector.passages, strict=True)) if asked.vector is not None else {}
    ids = [fused.ids[place] for place in page]
    weights = asked.weights
    hits = []
    for place, id, entry in zip(page, ids, engine.get(index, ids), strict=True):
        if entry is None:  # deleted since the legs answered
            continue
        document = entry.document
        passage = show_passage(document, entry.passages, best.get(id, -1), weights, schema.analyzer)
        hits.append(
            Hit(id, float(fused.scores[place]), document.title, passage, document.fields, fused.legs(place), document)
        )
    return tuple(hits)


def similar(
    engine: Engine,
    index: str,
    schema: Schema,
    text: str,
    vector: Vector,
    request: Request,
    *,
    without: str | None = None,
) -> Results:
    """Return the documents nearest to a vector, except one of them."""
    scope = Scope(as_conditions(request.where))
    depth = request.start + request.k + (without is not None)
    (ranking,) = engine.search(index, [Nearest(vector, depth, scope)])
    keep = [place for place, id in enumerate(ranking.ids) if id != without]
    total = Total(max(ranking.total.value - (len(keep) < len(ranking.ids)), 0), ranking.total.relation)
    ranking = Ranking(
        tuple(ranking.ids[place] for place in keep),
        ranking.scores[np.array(keep, dtype=np.int64)],
        tuple(ranking.passages[place] for place in keep),
        total,
        ranking.took_ms,
    )
    reports = {
        "lexical": LegReport(False, "similarity is a matter of vectors"),
        "vector": LegReport(True, None, round(ranking.took_ms, 3)),
    }
    asked = _Asked(text, ParsedQuery(""), TermStatistics(0, {}), None, ranking, reports)
    fused = fuse(None, ranking, bound=0.0, background=schema.background, settings=request.fusion)
    page = range(request.start, min(request.start + request.k, len(fused.ids)))
    return Results(text, "vector", reports, total, _hits(engine, index, schema, asked, fused, page))
