"""Fusion: two legs' rankings become one, by normalised scores or by ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import compress, repeat
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.schema import METHODS, Background, FusionSettings, Method
from searchctl.types import LegScore, Ranking

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]
RANK_CONSTANT = 60.0
LEXICAL_EXPONENT = 1.75

__all__ = ["METHODS", "Fused", "FusionSettings", "Leg", "Method", "fuse"]


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg's part in a fused list, a row for each fused document.

    `ranks` (n,) count from 1, 0 where the leg didn't return the document; `raw` (n,) is NaN there; `normalised` (n,) is
    in [0, 1], but for outliers of "distribution"; `weights` (n,) are the leg's shares, so that a document's score is the sum
    over legs of weight · normalised.
    """

    ranks: Rows
    raw: Floats
    normalised: Floats
    weights: Floats

    def at(self, position: int) -> LegScore:
        """Return what the leg thought of one document."""
        rank = int(self.ranks[position])
        return LegScore(
            rank or None,
            float(self.raw[position]) if rank else None,
            float(self.normalised[position]),
            float(self.weights[position]),
        )

    def rows(self, rows: Rows) -> Leg:
        """Return the leg's part for these documents, in their order."""
        return Leg(self.ranks[rows], self.raw[rows], self.normalised[rows], self.weights[rows])

    def scaled(self, factors: Floats) -> Leg:
        """Return the leg with each document's weight times its factor (n,)."""
        return replace(self, weights=self.weights * factors)

    def followed_by(self, other: Leg) -> Leg:
        """Return the leg's part of one list and then of another."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("ranks", "raw", "normalised", "weights"))
        return Leg(*map(np.concatenate, pairs))


class _Part(NamedTuple):
    """A leg before documents have their order: which of all documents it returned, best first, and what it gives them."""

    rows: Rows
    raw: Floats
    given: Floats
    missing: float  # for those it didn't return
    weight: float

    def spread(self, count: int) -> Floats:
        """Return the normalised scores (count,) of all documents."""
        return _scattered(count, self.rows, self.given, self.missing)

    def leg(self, ranks: Rows) -> Leg:
        """Return the leg by rank in the fused list, where `ranks` (n,) says which each document has."""
        count, rows = len(ranks), ranks[self.rows]
        return Leg(
            _scattered(count, rows, np.arange(1, len(rows) + 1), 0),
            _scattered(count, rows, self.raw, np.nan),
            _scattered(count, rows, self.given, self.missing),
            np.full(count, self.weight),
        )


@dataclass(frozen=True, slots=True)
class Fused:
    """Documents best first, ties by id, with scores (n,); a leg that didn't run is None.

    `rerank` is what a reranker thought of the first documents. Scores are in [0, 1], but for outliers of "distribution".
    """

    ids: tuple[str, ...]
    scores: Floats
    lexical: Leg | None
    vector: Leg | None
    rerank: Leg | None = None

    def legs(self, position: int) -> dict[str, LegScore]:
        """Return what each leg that ran thought of the document at `position` from 0."""
        legs = {"lexical": self.lexical, "vector": self.vector, "rerank": self.rerank}
        return {name: leg.at(position) for name, leg in legs.items() if leg is not None and position < len(leg.ranks)}

    def only(self, rows: Rows) -> Fused:
        """Return the list with these rows only, in their order; they are ascending where a reranker had its say."""
        reranked = rows[rows < len(self.rerank.ranks)] if self.rerank is not None else rows
        lexical, vector = (leg.rows(rows) if leg is not None else None for leg in (self.lexical, self.vector))
        rerank = self.rerank.rows(reranked) if self.rerank is not None else None
        return Fused(tuple(self.ids[row] for row in rows), self.scores[rows], lexical, vector, rerank)

    def lowered(self, most: float) -> Fused:
        """Return the list with no score above `most`; weights fall with the scores."""
        factors = np.where(self.scores > most, most / np.maximum(self.scores, 1e-300), 1.0)
        legs = (leg.scaled(factors) if leg is not None else None for leg in (self.lexical, self.vector))
        return Fused(self.ids, np.minimum(self.scores, most), *legs)

    def followed_by(self, other: Fused) -> Fused:
        """Return the list continued by another, of which it says nothing that a reranker thought."""
        lexical, vector = (
            first.followed_by(second) if first is not None and second is not None else None
            for first, second in ((self.lexical, other.lexical), (self.vector, other.vector))
        )
        return Fused(self.ids + other.ids, np.concatenate([self.scores, other.scores]), lexical, vector, self.rerank)


class LegScores(NamedTuple):
    """A leg's raw scores (n,), best first, and what they are measured by."""

    raw: Floats
    lexical: bool
    bound: float
    background: Background | None


Normaliser: TypeAlias = (
    "Callable[[LegScores], tuple[Floats, float]]"  # scores (n,), and that of documents it didn't return
)


def _by_reference(leg: LegScores) -> tuple[Floats, float]:
    if leg.lexical:
        return lexical_scores(leg.raw, leg.bound), 0.0
    given = vector_scores(leg.raw, leg.background)
    return given, float(given.min(initial=1.0)) if len(given) else 0.0


def _by_rank(leg: LegScores) -> tuple[Floats, float]:
    return reciprocal_ranks(len(leg.raw)), 0.0


def _by_distribution(leg: LegScores) -> tuple[Floats, float]:
    return distribution_scores(leg.raw), 0.0


NORMALISERS: Mapping[Method, Normaliser] = {
    "weighted": _by_reference,
    "rrf": _by_rank,
    "distribution": _by_distribution,
}


def fuse(
    lexical: Ranking | None,
    vector: Ranking | None,
    *,
    bound: float,
    background: Background | None,
    settings: FusionSettings,
) -> Fused:
    """Join two rankings; None is a leg that didn't run, and then the other counts alone.

    `bound` is the most that BM25 could give for the query (see `bm25.upper_bound`); `background` says what cosines
    unrelated texts have. Scores are never NaN, and never fall when a leg's score for the document rises.
    """
    ids, rows = _union(lexical, vector)
    total = settings.lexical * (lexical is not None) + settings.vector * (vector is not None)
    if total == 0:  # only the leg with weight 0 ran
        settings, total = replace(settings, lexical=0.5, vector=0.5), 0.5
    parts: list[_Part | None] = []
    for ranking, leg_rows, weight in ((lexical, rows[0], settings.lexical), (vector, rows[1], settings.vector)):
        if ranking is None:
            parts.append(None)
            continue
        scores = np.asarray(ranking.scores, dtype=np.float64)
        given, missing = NORMALISERS[settings.method](LegScores(scores, ranking is lexical, bound, background))
        parts.append(_Part(leg_rows, scores, given, missing, weight / total))
    fused = np.zeros(len(ids))
    for part in parts:
        if part is not None:
            fused += part.weight * part.spread(len(ids))
    if settings.method != "distribution":
        fused = _bounded(fused)  # a sum of shares may be rounded up
    order = _best_first(fused, ids)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    first, second = (None if part is None else part.leg(ranks) for part in parts)
    return Fused(tuple(map(ids.__getitem__, order.tolist())), fused[order], first, second)


def lexical_scores(scores: Floats, bound: float) -> Floats:
    """Scale BM25 (n,) into [0, 1]: its share of the most the query could give, to the power of 1.75.

    By the power a document that answers a third of the query counts for less than a third of one that answers two thirds.
    So a leg that knows few of the words is weak, without a threshold. Scaling by the best score instead would make the
    best of a bad lot look perfect (both measured: benchmarks/results.md). Scores and bound may be in any unit.
    """
    best = float(scores.max(initial=0.0))
    if best <= 0.0:
        return np.zeros(len(scores))
    share: Floats = _bounded(scores / max(bound, best)) ** LEXICAL_EXPONENT
    return share


def vector_scores(scores: Floats, background: Background | None) -> Floats:
    """Scale cosines (n,) into [0, 1]: 0 is what unrelated texts have, or else the leg's lowest; 1 is equality."""
    if not len(scores):
        return np.zeros(0)
    floor = background.mean if background is not None else float(scores.min())
    return _bounded((scores - floor) / max(1.0 - floor, 1e-9))


def distribution_scores(scores: Floats) -> Floats:
    """Scale scores (n,) so that mean - 3 and mean + 3 standard deviations are 0 and 1; equal scores are all 0.5.

    Qdrant's and Haystack's "distribution-based score fusion", after Mazzeschi, "Distribution-Based Score Fusion" (2023).
    Like theirs it doesn't cut off what lies beyond: the best few often do, and would all be equal.
    """
    if not len(scores):
        return np.zeros(0)
    largest = float(np.abs(scores).max())
    if largest < 1e-300:
        return np.full(len(scores), 0.5)
    scores = scores / largest  # whose squares don't vanish, however small the scores
    spread = 3.0 * float(scores.std(ddof=1)) if len(scores) > 1 else 0.0
    if spread <= 1e-12:
        return np.full(len(scores), 0.5)
    scaled: Floats = (scores - scores.mean() + spread) / (2.0 * spread)
    return scaled


def reciprocal_ranks(count: int) -> Floats:
    """Return (60 + 1) / (60 + rank) for ranks 1 to `count`: reciprocal rank fusion, scaled so that the first has 1.

    Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods",
    SIGIR 2009.
    """
    return (RANK_CONSTANT + 1.0) / (RANK_CONSTANT + 1.0 + np.arange(count, dtype=np.float64))


def _bounded(scores: Floats) -> Floats:
    """Cut scores off at 0 and 1; on a page's worth of numbers half the time of `np.clip`."""
    cut: Floats = np.minimum(np.maximum(scores, 0.0), 1.0)
    return cut


def _union(lexical: Ranking | None, vector: Ranking | None) -> tuple[list[str], tuple[Rows, Rows]]:
    """Return all ids, and for each leg the rows its documents have among them."""
    first = lexical.ids if lexical is not None else ()
    second = vector.ids if vector is not None else ()
    rows = dict(zip(first, range(len(first)), strict=True))
    shared = np.fromiter(map(rows.get, second, repeat(-1)), np.int64, len(second))
    new = shared < 0
    shared[new] = len(first) + np.arange(int(new.sum()))
    return [*first, *compress(second, new.tolist())], (np.arange(len(first)), shared)


def _scattered(count: int, rows: Rows, values: NDArray[Any], missing: float) -> NDArray[Any]:
    """Return (count,) with the values at these rows, and `missing` elsewhere."""
    scattered = np.full(count, missing)
    scattered[rows] = values
    return scattered


def _best_first(scores: Floats, ids: list[str]) -> Rows:
    """Return the order by falling score, ties by id. Only tied ids are compared: sorting all takes longer."""
    order = np.argsort(-scores, kind="stable")
    equal = scores[order][1:] == scores[order][:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if len(tied):
        by_id = np.array(sorted(order[tied].tolist(), key=ids.__getitem__), dtype=np.int64)
        order[tied] = by_id[np.argsort(-scores[by_id], kind="stable")]
    return order
