"""Letting a slower model reorder the best of a fused list: best first, within a budget, and never at the cost of an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from searchctl.errors import UsageError
from searchctl.models.hub import first_line
from searchctl.ranking.fusion import Floats, Fused, Leg, Rows
from searchctl.rerankers.base import Reranker
from searchctl.translation import _
from searchctl.types import LegReport

DEPTH = 10  # documents that are reranked unless told otherwise
DEEPEST = 100
_BATCH = 5  # documents between two looks at the clock
_CERTAIN = 0.99  # relevance of a first hit ...
_AHEAD = 0.25  # ... that is so far ahead of the second that nothing is left to decide
Texts = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Rerank:
    """What reorders the first `depth` documents. `budget_ms` is when it stops; None lets it finish."""

    reranker: Reranker
    depth: int = DEPTH
    budget_ms: float | None = None

    def __post_init__(self) -> None:
        if not 2 <= self.depth <= DEEPEST:
            raise UsageError(
                _("can't rerank {depth} documents; give 2 to {DEEPEST}, as in --rerank maxsim:{DEPTH}").format(
                    depth=self.depth, DEEPEST=DEEPEST, DEPTH=DEPTH
                )
            )
        if self.budget_ms is not None and self.budget_ms <= 0:
            raise UsageError(
                _("a budget of {budget_ms} ms leaves no time to rerank; give more, or leave --rerank out").format(
                    budget_ms=self.budget_ms
                )
            )


def rerank(how: Rerank, query: str, fused: Fused, relevance: Floats, texts: Texts) -> tuple[Fused, Floats, LegReport]:
    """Return the list and its relevance (n,) reordered, and a report of what was done.

    `texts` gives the texts of documents by id. Reordered are the first documents, as many as were scored; the others follow
    as they were, with scores scaled to stay below. A reranker that fails leaves the list as it is, and the report says so.
    """
    began = time.perf_counter()
    depth = min(how.depth, len(fused.ids))
    if depth < 2:
        return fused, relevance, LegReport(False, "fewer than two documents to reorder")
    if relevance[0] >= _CERTAIN and fused.scores[0] - fused.scores[1] >= _AHEAD:
        return fused, relevance, LegReport(False, "the first hit is certain")
    try:
        scores = _score(how, query, texts(fused.ids[:depth]), began)
    except Exception as error:  # noqa: BLE001 - whatever a model's library raises, there is an answer without it
        reason = first_line(error)
        return fused, relevance, LegReport(False, f"it failed ({reason}); hits are in the fused order", _since(began))
    order, reranked = _reordered(fused, scores, how.reranker.weight)
    partly = f"{len(scores)} of {depth} documents within the budget" if len(scores) < depth else None
    return reranked, relevance[order], LegReport(True, partly, _since(began))


def _score(how: Rerank, query: str, texts: Sequence[str], began: float) -> Floats:
    """Score texts in batches, best first, while a batch as slow as the slowest would end within the budget."""
    scores: list[Floats] = []
    slowest = 0.0
    for at in range(0, len(texts), _BATCH):
        if at and how.budget_ms is not None and _since(began) + slowest > how.budget_ms:
            break
        start = time.perf_counter()
        scores.append(np.asarray(how.reranker.score(query, texts[at : at + _BATCH]), np.float64))
        slowest = max(slowest, _since(start))
    joined = np.concatenate(scores)
    if not np.isfinite(joined).all():
        raise ValueError("its scores aren't numbers")
    return joined


def _reordered(fused: Fused, scores: Floats, weight: float) -> tuple[Rows, Fused]:
    count = len(scores)
    joined = (1.0 - weight) * fused.scores[:count] + weight * scores
    first = np.array(sorted(range(count), key=lambda row: (-joined[row], fused.ids[row])))
    order = np.concatenate([first, np.arange(count, len(fused.ids))])
    kept = fused.only(order)
    after, factors = np.zeros(len(order)), np.ones(len(order))
    after[:count], factors[:count] = joined[first], 1.0 - weight
    if count < len(order) and fused.scores[count] > 0.0:  # the others stay below what was reordered
        factors[count:] = min(1.0, float(after[count - 1] / fused.scores[count]))
        after[count:] = fused.scores[count:] * factors[count:]
    ranks, raw, normalised = np.zeros(len(order), np.int64), np.full(len(order), np.nan), np.zeros(len(order))
    ranks[:count] = 1 + np.argsort(np.argsort(-scores[first], kind="stable"))
    raw[:count] = normalised[:count] = scores[first]
    lexical, vector = (leg.scaled(factors) if leg is not None else None for leg in (kept.lexical, kept.vector))
    return order, Fused(kept.ids, after, lexical, vector, Leg(ranks, raw, normalised, np.full(len(order), weight)))


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 3)
