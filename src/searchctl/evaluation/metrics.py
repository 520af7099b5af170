"""Measures of a ranking against judgements, and whether a difference between two of them is more than chance."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import UsageError
from searchctl.translation import _

Qrels: TypeAlias = Mapping[str, Mapping[str, int]]  # query -> document -> grade; 0 and less is not relevant
Run: TypeAlias = Mapping[str, Sequence[str]]  # query -> documents, best first
Floats: TypeAlias = NDArray[np.float64]
_CHUNK = 2_000_000  # numbers drawn at once, to bound memory
_DISCOUNT = 1.0 / np.log2(np.arange(2, 10_002))


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of the first `k` documents of a ranking, or of all of them."""

    name: str
    k: int | None = None

    def __str__(self) -> str:
        return self.name if self.k is None else f"{self.name}@{self.k}"

    def of(self, ranked: Sequence[str], grades: Mapping[str, int]) -> float:
        """Return the measure of one ranking, in [0, 1]; `grades` must hold a relevant document."""
        first = ranked if self.k is None else ranked[: self.k]
        gains = np.array([max(grades.get(id, 0), 0) for id in first], dtype=np.float64)
        ideal = np.sort(np.array([grade for grade in grades.values() if grade > 0], dtype=np.float64))[::-1]
        return float(_MEASURES[self.name](gains, ideal, self.k))


def parse_metric(text: str) -> Metric:
    """Read `ndcg@10`, `recall@100`, `mrr@10`, `map`, `precision@5`, `hit@1`; raises UsageError."""
    match = re.fullmatch(r"([a-z]+)(?:@([1-9]\d{0,3}))?", text.strip().lower())
    if match is None or match[1] not in _MEASURES:
        names = ", ".join(f"{name}@10" for name in _MEASURES)
        raise UsageError(
            _("no metric '{text}'; choose from {names} (any cut-off to 9999, or none for the whole ranking)").format(
                text=text, names=names
            )
        )
    return Metric(match[1], int(match[2]) if match[2] else None)


def parse_metrics(text: str) -> tuple[Metric, ...]:
    """Read metrics parted by blanks or commas, each once, in the order given."""
    return tuple(dict.fromkeys(map(parse_metric, re.split(r"[\s,]+", text.strip()))))


def judged_queries(qrels: Qrels) -> list[str]:
    """Return the queries that have a relevant document: the others can't be measured."""
    return [query for query, grades in qrels.items() if any(grade > 0 for grade in grades.values())]


def measure(qrels: Qrels, run: Run, metrics: Sequence[Metric]) -> dict[Metric, Floats]:
    """Return each metric for every query of `judged_queries`, in that order: (n,). A query without an answer has 0."""
    queries = judged_queries(qrels)
    return {metric: np.array([metric.of(run.get(query, ()), qrels[query]) for query in queries]) for metric in metrics}


def _ndcg(gains: Floats, ideal: Floats, k: int | None) -> float:
    """Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002), with the grade as gain."""
    return _dcg(gains) / _dcg(ideal[:k])


def _dcg(gains: Floats) -> float:
    discount = _DISCOUNT[: len(gains)] if len(gains) <= len(_DISCOUNT) else 1.0 / np.log2(np.arange(2, len(gains) + 2))
    return float(gains @ discount)


def _recall(gains: Floats, ideal: Floats, k: int | None) -> float:
    return int((gains > 0).sum()) / len(ideal)


def _precision(gains: Floats, ideal: Floats, k: int | None) -> float:
    return int((gains > 0).sum()) / max(k or len(gains), 1)


def _reciprocal_rank(gains: Floats, ideal: Floats, k: int | None) -> float:
    ranks = np.flatnonzero(gains > 0)
    return 1.0 / (int(ranks[0]) + 1) if len(ranks) else 0.0


def _average_precision(gains: Floats, ideal: Floats, k: int | None) -> float:
    ranks = np.flatnonzero(gains > 0)
    return float(np.sum(np.arange(1, len(ranks) + 1) / (ranks + 1))) / len(ideal)


def _hit(gains: Floats, ideal: Floats, k: int | None) -> float:
    return float((gains > 0).any())


_MEASURES: dict[str, Callable[[Floats, Floats, int | None], float]] = {
    "ndcg": _ndcg,
    "recall": _recall,
    "mrr": _reciprocal_rank,
    "map": _average_precision,
    "precision": _precision,
    "hit": _hit,
}


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the bounds of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def bootstrap_interval(values: Floats, *, samples: int = 10_000, seed: int = 0) -> Interval:
    """Return the mean of values (n,), n > 0, with the 2.5 % and 97.5 % percentiles of the means of resamples."""
    count = len(values)
    random = np.random.default_rng(seed)
    means = np.empty(samples)
    step = max(_CHUNK // count, 1)
    for start in range(0, samples, step):
        size = min(step, samples - start)
        means[start : start + size] = values[random.integers(0, count, (size, count))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def paired_p_value(first: Floats, second: Floats, *, samples: int = 10_000, seed: int = 0) -> float:
    """Return how likely a mean difference at least this large is if each pair's order is chance: in (0, 1].

    Fisher's randomisation test, two-sided, as Smucker, Allan and Carterette recommend ("A Comparison of Statistical
    Significance Tests for Information Retrieval Evaluation", CIKM 2007). Exact where there are at most `samples` ways
    to flip the signs of the pairs that differ, else estimated from as many random ones.
    """
    difference = (first - second)[first != second]
    count = len(difference)
    if not count:
        return 1.0
    observed = abs(float(difference.sum())) * (1 - 1e-12)  # rounding may not make an equal sum look smaller
    if 2**count <= samples:
        flips = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        return float((np.abs((1 - 2 * flips) @ difference) >= observed).mean())
    random = np.random.default_rng(seed)
    extreme = 0
    step = max(_CHUNK // count, 1)
    for start in range(0, samples, step):
        signs = random.integers(0, 2, (min(step, samples - start), count), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ difference) >= observed).sum())
    return (extreme + 1) / (samples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for there being many.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure" (1979).
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for number, row in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - number) * p_values[row]))
        corrected[row] = highest
    return corrected
