"""Answering queries: one round trip to the engine for both legs, fusion, and the documents of one page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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
                f"can't give {self.k} hits from number {self.start} on; ask for one or more within the first {MAX_HITS}"
            )

    @property
    def depth(self) -> int:
        """How many candidates each leg is asked for."""
        return max(WINDOW, self.start + self.k)


@dataclass(frozen=True, slots=True)
class _Question:
    """A query as it is put to the legs; a leg's part is None when it isn't asked."""

    text: str
    parsed: ParsedQuery
    match: Match | None
    nearest: Nearest | None
    encoding_ms: float


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the legs said to a question."""

    question: _Question
    statistics: TermStatistics
    lexical: Ranking | None
    vector: Ranking | None

    @property
    def rankings(self) -> tuple[Ranking, ...]:
        return tuple(ranking for ranking in (self.lexical, self.vector) if ranking is not None)

    @property
    def weights(self) -> dict[str, float]:
        """How much each of the query's words tells, for those which the index holds."""
        return {term: idf(self.statistics.documents, n) for term, n in self.statistics.frequencies.items() if n}


class Searcher:
    """Answers queries about one index. `encoder` is None when no vectors are wanted or there are none."""

    def __init__(self, engine: Engine, index: str, schema: Schema, encoder: Encoder | None) -> None:
        self._engine = engine
        self._index = index
        self._schema = schema
        self._encoder = encoder

    def search(self, texts: Sequence[str], request: Request) -> list[Results]:
        """Answer queries, in one round trip for all legs and one for each page of documents."""
        questions = self._questions(texts, request)
        asked = [part for one in questions for part in (one.match, one.nearest) if part is not None]
        rankings = iter(self._engine.search(self._index, asked))
        results = []
        for question in questions:
            lexical = next(rankings) if question.match is not None else None
            vector = next(rankings) if question.nearest is not None else None
            statistics = self._engine.term_statistics(self._index, question.parsed.text)
            results.append(self._results(_Answer(question, statistics, lexical, vector), request))
        return results

    def similar(self, text: str, vector: Vector, request: Request, *, without: str | None = None) -> Results:
        """Return the documents nearest to a vector, except one of them."""
        depth = request.start + request.k + (without is not None)
        nearest = Nearest(vector, depth, Scope(as_conditions(request.where)))
        (ranking,) = self._engine.search(self._index, [nearest])
        question = _Question(text, ParsedQuery(""), None, nearest, 0.0)
        answer = _Answer(question, TermStatistics(0, {}), None, _without(ranking, without))
        return self._results(answer, replace(request, mode="vector"))

    def _questions(self, texts: Sequence[str], request: Request) -> list[_Question]:
        parsed = [parse_query(text) for text in texts]
        conditions = as_conditions(request.where)
        began = time.perf_counter()
        vectors = self._encode(parsed, request.mode)
        encoding_ms = (time.perf_counter() - began) * 1000 / max(len(texts), 1)
        questions = []
        for text, one, vector in zip(texts, parsed, vectors, strict=True):
            scope = Scope(conditions, one.required, one.excluded)
            match = Match(one.text, request.depth, scope) if request.mode != "vector" else None
            nearest = Nearest(vector, request.depth, scope) if vector is not None else None
            questions.append(_Question(text, one, match, nearest, encoding_ms))
        return questions

    def _encode(self, parsed: Sequence[ParsedQuery], mode: Mode) -> list[Vector | None]:
        """Encode what can be encoded; None elsewhere."""
        vectors: list[Vector | None] = [None] * len(parsed)
        if self._encoder is None or mode == "lexical":
            return vectors
        places = [place for place, one in enumerate(parsed) if one.text]
        encoded = self._encoder.encode_queries([parsed[place].text for place in places])
        for place, vector in zip(places, encoded, strict=True):
            vectors[place] = vector
        return vectors

    def _results(self, answer: _Answer, request: Request) -> Results:
        fused = self._fuse(answer, request.fusion)
        page = range(request.start, min(request.start + request.k, len(fused.ids)))
        reports = {"lexical": _lexical_report(answer), "vector": _vector_report(answer, request.mode)}
        total = _total(answer, len(fused.ids))
        return Results(answer.question.text, request.mode, reports, total, self._hits(answer, fused, page))

    def _fuse(self, answer: _Answer, settings: FusionSettings) -> Fused:
        """Fuse the first WINDOW of each leg; what a deeper page needs beyond follows in a fixed order."""
        nearest, background = answer.question.nearest, self._schema.background
        if background is not None and nearest is not None:
            background = background.around(nearest.vector)
        fused = fuse(
            _first(answer.lexical),
            _first(answer.vector),
            bound=upper_bound(answer.statistics),
            background=background,
            settings=settings,
        )
        seen = set(fused.ids)
        later = dict.fromkeys(id for ranking in answer.rankings for id in ranking.ids if id not in seen)
        return fused.followed_by(tuple(later)) if later else fused

    def _hits(self, answer: _Answer, fused: Fused, page: range) -> tuple[Hit, ...]:
        vector = answer.vector
        best = dict(zip(vector.ids, vector.passages, strict=True)) if vector is not None else {}
        ids = [fused.ids[place] for place in page]
        weights = answer.weights
        hits = []
        for place, id, entry in zip(page, ids, self._engine.get(self._index, ids), strict=True):
            if entry is None:  # deleted since the legs answered
                continue
            document = entry.document
            passage = show_passage(document, entry.passages, best.get(id, -1), weights, self._schema.analyzer)
            score = float(fused.scores[place])
            hits.append(Hit(id, score, document.title, passage, document.fields, fused.legs(place), document))
        return tuple(hits)


def _first(ranking: Ranking | None) -> Ranking | None:
    if ranking is None or len(ranking.ids) <= WINDOW:
        return ranking
    return replace(
        ranking, ids=ranking.ids[:WINDOW], scores=ranking.scores[:WINDOW], passages=ranking.passages[:WINDOW]
    )


def _without(ranking: Ranking, id: str | None) -> Ranking:
    """Return the ranking without one document."""
    if id not in ranking.ids:
        return ranking
    place = ranking.ids.index(id)
    return replace(
        ranking,
        ids=ranking.ids[:place] + ranking.ids[place + 1 :],
        scores=np.delete(ranking.scores, place),
        passages=ranking.passages[:place] + ranking.passages[place + 1 :],
        total=replace(ranking.total, value=ranking.total.value - 1),
    )


def _lexical_report(answer: _Answer) -> LegReport:
    ranking, frequencies = answer.lexical, answer.statistics.frequencies
    if ranking is None:
        return LegReport(False, "only vectors were asked for")
    reason = None if ranking.ids else "no document matches"
    if not frequencies:
        reason = "the query has no words to look for"
    elif not any(frequencies.values()):
        reason = "no word of the query is in the index"
    return LegReport(True, reason, round(ranking.took_ms, 3))


def _vector_report(answer: _Answer, mode: Mode) -> LegReport:
    ranking, question = answer.vector, answer.question
    if ranking is not None:
        reason = None if ranking.ids else "no document matches"
        return LegReport(True, reason, round(ranking.took_ms + question.encoding_ms, 3))
    if mode == "lexical":
        return LegReport(False, "only words were asked for")
    return LegReport(
        False, "the index has no vectors" if question.parsed.text else "the query has no words to look for"
    )


def _total(answer: _Answer, candidates: int) -> Total:
    """Count matches: a hybrid answer has at least what its words match, and exactly what was fused if that was all."""
    if answer.lexical is None:
        return answer.vector.total if answer.vector is not None else Total(0)
    lexical = answer.lexical.total
    if answer.vector is None:
        return lexical
    complete = lexical.relation == "eq" and lexical.value <= len(answer.lexical.ids)
    return Total(max(lexical.value, candidates), "eq" if complete else "gte")
