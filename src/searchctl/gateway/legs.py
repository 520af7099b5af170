"""What the server said to both legs, as the searcher's own values: from here on its fusion, gates and relevance do the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from searchctl.engines.base import VectorLeg
from searchctl.gateway.dsl import QueryReading
from searchctl.gateway.plan import Key
from searchctl.gateway.target import VectorIndexes
from searchctl.ranking.bm25 import upper_bound
from searchctl.schema import Background, FusionSettings
from searchctl.search.leg_answers import WINDOW, LegAnswers, Ordered, Question
from searchctl.search.query import ParsedQuery
from searchctl.types import Json, LexicalQuery, Ranking, TermStatistics, Total, Vector, VectorQuery

LEGACY_FACTOR = 2.2  # k1 + 1, which all servers but OpenSearch from 3 on leave in BM25


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as the encoder sees it: its vector (dim,), what cosines unrelated texts have, the share in [0, 1] it can't read."""

    vector: Vector
    background: Background | None = None
    unread: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as both legs answer it. `statistics` and `coverage` tell how much the query's words say.

    `coverage` in [0, 1] is the most of the query's words, by what they tell, that one document holds.
    """

    parsed: ParsedQuery
    encoded: Encoded
    statistics: TermStatistics
    coverage: float


def key_of(hit: Mapping[str, Any]) -> Key:
    """Return what tells a document from all others."""
    return str(hit["_index"]), str(hit["_id"])


def as_id(key: Key) -> str:
    """Return a key as one string, which the fusion sorts ties by."""
    return f"{key[1]}\0{key[0]}"


def as_key(id: str) -> Key:
    """Return the key that a string of `as_id` stands for."""
    name, _, index = id.rpartition("\0")
    return index, name


def read_statistics(answer: Json, words: Mapping[str, str], factor: float) -> tuple[TermStatistics, float]:
    """Return how common the words are, and the coverage of the best document; `factor` is what the server leaves in BM25."""
    everything = _aggregation(answer["aggregations"], "all")
    buckets = _aggregation(everything, "words")["buckets"]
    statistics = TermStatistics(int(everything["doc_count"]), {term: int(buckets[term]["doc_count"]) for term in words})
    best, bound = float(answer["hits"].get("max_score") or 0.0), upper_bound(statistics)
    return statistics, min(best / factor / bound, 1.0) if bound > 0 else 0.0


def _aggregation(answer: Json, name: str) -> Json:
    """Return an aggregation by its name, before which its type stands where the app wants that (`typed_keys`)."""
    return next(value for key, value in answer.items() if key.rpartition("#")[2] == name)


def bm25_factor(explanation: Any) -> float | None:
    """Return what a server's explanation multiplies the product of idf and tf by; None where that can't be read."""
    if not isinstance(explanation, Mapping):
        return None
    details = explanation.get("details") or []
    parts = {str(one.get("description", "")).split(",")[0]: float(one.get("value", 0)) for one in details}
    if str(explanation.get("description", "")).startswith("score(freq=") and parts.get("idf") and parts.get("tf"):
        return float(explanation["value"]) / (parts["idf"] * parts["tf"])
    return next((factor for factor in map(bm25_factor, details) if factor is not None), None)


def own_ranking(answer: Json, asked: Asked) -> Ranking | None:
    """Return the app's own order with its scores in BM25's unit, of which the best has what the words' coverage gives it.

    An app's scores have units of their own: boosts, decay, popularity. None where hits came without scores.
    """
    hits = answer["hits"]["hits"]
    raw = [hit.get("_score") for hit in hits]
    if any(score is None for score in raw):
        return None
    scores = np.maximum(np.array(raw, dtype=np.float64), 0.0)
    best = float(scores.max(initial=0.0))
    unit = asked.coverage * upper_bound(asked.statistics) / best if best > 0 else 0.0
    ids = tuple(as_id(key_of(hit)) for hit in hits)
    return Ranking(ids, scores * unit, (-1,) * len(hits), Total(len(hits), "gte" if len(hits) >= WINDOW else "eq"))


def near_ranking(answer: Json, leg: VectorLeg) -> Ranking:
    """Return the vector leg's order."""
    hits = [{**hit, "_id": as_id(key_of(hit))} for hit in answer["hits"]["hits"]]
    return leg.ranking({**answer, "hits": {**answer["hits"], "hits": hits}}, WINDOW)


def order(
    asked: Asked,
    reading: QueryReading,
    lexical: Ranking,
    vector: Ranking,
    target: VectorIndexes,
    settings: FusionSettings | None,
) -> Ordered:
    """Join the legs as `Searcher` does, by rank alone where scores tell more than words do."""
    chosen = settings or target.schema.fusion or FusionSettings()
    if reading.by_rank:
        chosen = replace(chosen, method="rrf")
    encoded = asked.encoded
    question = Question(
        reading.text,
        asked.parsed,
        LexicalQuery(asked.parsed.text),
        VectorQuery(encoded.vector),
        background=target.schema.background or encoded.background,
        unread=encoded.unread,
    )
    answer = LegAnswers(question, asked.statistics, lexical if lexical.ids else _nothing(), vector)
    ordered = answer.ordered(target.schema, chosen)
    return ordered if not reading.pinned else _pinned(ordered, reading.pinned)


def only(ordered: Ordered, kept: Sequence[int]) -> Ordered:
    """Return some of the documents, in their order."""
    rows = np.array(kept, dtype=np.int64)
    return replace(ordered, fused=ordered.fused.only(rows), relevance=ordered.relevance[rows])


def _nothing() -> Ranking:
    return Ranking((), np.zeros(0), (), Total(0))


def _pinned(ordered: Ordered, pinned: Sequence[str]) -> Ordered:
    """Put pinned documents first, in the order they are named."""
    ranks = {name: place for place, name in enumerate(pinned)}
    ids = [as_key(id)[1] for id in ordered.fused.ids]
    rows = sorted(range(len(ids)), key=lambda row: (ranks.get(ids[row], len(ranks)), row))
    first = only(ordered, rows)
    falling = np.minimum.accumulate(np.maximum.accumulate(first.fused.scores[::-1])[::-1])
    return replace(first, fused=replace(first.fused, scores=falling))
