"""What an evaluation found: scores per query and mode, how sure the differences are, and what to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.evaluation.metrics import (
    Floats,
    Interval,
    Metric,
    Run,
    bootstrap_interval,
    holm,
    measure,
    paired_p_value,
)
from searchctl.types import Json

REPORT_FORMAT = 1
WORST = 25  # answers whose documents are kept
MOST_EXPECTED = 3  # documents of each that were expected


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds a search took, asked one at a time, encoding of the query included."""

    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better the reference mode is than another.

    `p_value` is of the randomisation test, corrected for the number of comparisons.
    """

    reference: str
    other: str
    metric: Metric
    difference: Interval
    p_value: float


@dataclass(frozen=True, slots=True)
class QueryFailure:
    """A query answered badly: where each mode put its best relevant document (None: nowhere), and what came first."""

    query: JudgedQuery
    score: float
    ranks: Mapping[str, int | None]
    first: str | None


@dataclass(frozen=True, slots=True)
class DocumentExcerpt:
    """A document as a reader of the report meets it: its title and how its text begins; both empty where it isn't there."""

    id: str
    title: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """Runs of several modes over one data set, with their scores: `scores[mode][metric]` has shape (queries,).

    `absent` counts judged documents that aren't in the index, which no mode could have found. `documents` are those that the worst
    answers tell of, by id.
    """

    dataset: DataSet
    index: Json
    metrics: tuple[Metric, ...]
    runs: Mapping[str, Run]
    latency: Mapping[str, Latency]
    absent: int
    scores: Mapping[str, Mapping[Metric, Floats]]
    documents: Mapping[str, DocumentExcerpt] = field(default_factory=dict)

    def __repr__(self) -> str:
        first = self.metrics[0]
        means = ", ".join(f"{mode} {self.mean(mode, first):.3f}" for mode in self.modes)
        return f"<{first} of {len(self.dataset.queries):,} queries of '{self.dataset.name}': {means}>"

    @property
    def modes(self) -> list[str]:
        """Return the modes in the order they were asked for."""
        return list(self.runs)

    @property
    def reference(self) -> str:
        """Return the mode the others are compared with: hybrid, or else the last."""
        return "hybrid" if "hybrid" in self.runs else self.modes[-1]

    def mean(self, mode: str, metric: Metric) -> float:
        """Return a metric's mean over all queries."""
        return float(self.scores[mode][metric].mean())

    def interval(self, mode: str, metric: Metric) -> Interval:
        """Return the mean with its bootstrap interval."""
        return bootstrap_interval(self.scores[mode][metric])

    def comparisons(self) -> list[Comparison]:
        """Compare the reference mode with every other one on every metric."""
        pairs = [(other, metric) for other in self.modes if other != self.reference for metric in self.metrics]
        ours = self.scores[self.reference]
        p_values = holm([paired_p_value(ours[metric], self.scores[other][metric]) for other, metric in pairs])
        return [
            Comparison(self.reference, other, metric, bootstrap_interval(ours[metric] - self.scores[other][metric]), p)
            for (other, metric), p in zip(pairs, p_values, strict=True)
        ]

    def failures(self, count: int = 10) -> list[QueryFailure]:
        """Return the queries that the reference mode answers worst by the first metric, worst first."""
        scores = self.scores[self.reference][self.metrics[0]]
        failures = []
        for row in np.argsort(scores, kind="stable")[:count].tolist():
            if scores[row] >= 1.0:
                break
            query = self.dataset.queries[row]
            ranks = {mode: _best_rank(run.get(query.id, ()), query.grades) for mode, run in self.runs.items()}
            answer = self.runs[self.reference].get(query.id, ())
            failures.append(QueryFailure(query, float(scores[row]), ranks, answer[0] if answer else None))
        return failures

    def to_json(self) -> Json:
        """Return everything as JSON values; `modes` holds the means."""
        return {
            "format": REPORT_FORMAT,
            "dataset": self.dataset.name,
            "caveat": self.dataset.caveat or None,
            "left_out": self.dataset.left_out or None,
            "index": self.index,
            "queries": len(self.dataset.queries),
            "absent_documents": self.absent,
            "modes": {mode: {str(metric): self.mean(mode, metric) for metric in self.metrics} for mode in self.modes},
            "intervals": {
                mode: {str(metric): _bounds(self.interval(mode, metric)) for metric in self.metrics}
                for mode in self.modes
            },
            "comparisons": [
                {
                    "reference": comparison.reference,
                    "other": comparison.other,
                    "metric": str(comparison.metric),
                    "difference": comparison.difference.value,
                    "interval": _bounds(comparison.difference),
                    "p_value": comparison.p_value,
                }
                for comparison in self.comparisons()
            ],
            "latency_ms": {mode: {"median": one.median, "p95": one.p95} for mode, one in self.latency.items()},
            "failures": [
                {
                    "query": failure.query.id,
                    "text": failure.query.text,
                    "score": failure.score,
                    "expected": [id for id, grade in failure.query.grades.items() if grade > 0],
                    "ranks": dict(failure.ranks),
                    "first": failure.first,
                }
                for failure in self.failures()
            ],
            "per_query": {
                mode: {
                    str(metric): dict(zip([query.id for query in self.dataset.queries], scores.tolist(), strict=True))
                    for metric, scores in self.scores[mode].items()
                }
                for mode in self.modes
            },
        }


def make_report(
    dataset: DataSet,
    index: Json,
    metrics: Sequence[Metric],
    runs: Mapping[str, Run],
    latency: Mapping[str, Latency],
    absent: int,
) -> Report:
    """Score runs against the data set's judgements."""
    scores = {mode: measure(dataset.qrels, run, metrics) for mode, run in runs.items()}
    return Report(dataset, index, tuple(metrics), runs, latency, absent, scores)


def _bounds(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _best_rank(answer: Sequence[str], grades: Mapping[str, int]) -> int | None:
    return next((rank for rank, id in enumerate(answer, 1) if grades.get(id, 0) > 0), None)
