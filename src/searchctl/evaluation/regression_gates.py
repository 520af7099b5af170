"""Comparing two indexes on the same judged queries, and gates: how much worse the new one may be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from searchctl.errors import UsageError
from searchctl.evaluation.dataset import DataSet
from searchctl.evaluation.evaluate import OnProgress, evaluate
from searchctl.evaluation.metrics import Interval, Metric, bootstrap_interval, paired_p_value, parse_metric
from searchctl.index import Index
from searchctl.types import Json

REFERENCE = "hybrid"
_MODES = ("lexical", "vector", "hybrid")
_METRIC = parse_metric("ndcg@10")


@dataclass(frozen=True, slots=True)
class DifferenceGate:
    """The least difference, new minus old, that a metric's mean may have in a mode."""

    mode: str
    metric: Metric
    least: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric's means in the old and the new index; `change` is new minus old with its interval, `p_value` the chance of it."""

    mode: str
    metric: Metric
    old: float
    new: float
    change: Interval
    p_value: float

    def to_json(self) -> Json:
        """Return the difference as JSON values."""
        return {
            "mode": self.mode,
            "metric": str(self.metric),
            "old": self.old,
            "new": self.new,
            "change": self.change.value,
            "interval": [self.change.low, self.change.high],
            "p_value": self.p_value,
        }


@dataclass(frozen=True, slots=True)
class IndexComparison:
    """How two indexes answered the same queries. `absent` counts judged documents that the new one doesn't hold."""

    dataset: DataSet
    differences: tuple[Difference, ...]
    absent: int

    def to_json(self) -> Json:
        """Return the trial as JSON values."""
        return {
            "dataset": self.dataset.name,
            "queries": len(self.dataset.queries),
            "caveat": self.dataset.caveat or None,
            "absent_documents": self.absent,
            "differences": [one.to_json() for one in self.differences],
        }


def parse_difference_gate(text: str) -> DifferenceGate:
    """Read `ndcg@10>=-0.01` (of the hybrid answers) or `vector:ndcg@10>=0`; raises UsageError."""
    match = re.fullmatch(r"\s*(?:(\w+):)?\s*([a-z]+(?:@\d+)?)\s*>=\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*", text)
    mode = (match[1] if match else None) or REFERENCE
    if match is None or mode not in _MODES or abs(float(match[3])) > 1:
        raise UsageError(
            f"'{text}' isn't a gate; write a metric and the least difference to the old index, as in: "
            '--gate "ndcg@10>=-0.01" or --gate "vector:recall@100>=0"'
        )
    return DifferenceGate(mode, parse_metric(match[2]), float(match[3]))


def compare(
    old: Index,
    new: Index,
    dataset: DataSet,
    gates: Sequence[DifferenceGate],
    *,
    on_progress: OnProgress | None = None,
) -> IndexComparison:
    """Ask both indexes all queries, in the hybrid mode and those the gates name."""
    modes = list(dict.fromkeys((REFERENCE, *(gate.mode for gate in gates))))
    metrics = list(dict.fromkeys((*(gate.metric for gate in gates), _METRIC)))
    before = evaluate(old, dataset, modes=modes, metrics=metrics, on_progress=_half(on_progress, 0))
    after = evaluate(new, dataset, modes=modes, metrics=metrics, on_progress=_half(on_progress, 1))
    differences = []
    for mode in modes:
        for metric in metrics:
            first, second = before.scores[mode][metric], after.scores[mode][metric]
            differences.append(
                Difference(
                    mode,
                    metric,
                    before.mean(mode, metric),
                    after.mean(mode, metric),
                    bootstrap_interval(second - first),
                    paired_p_value(second, first),
                )
            )
    return IndexComparison(dataset, tuple(differences), after.absent)


def missed(trial: IndexComparison, gates: Sequence[DifferenceGate]) -> tuple[str, ...]:
    """Return a sentence for each gate that isn't met."""
    differences = {(one.mode, one.metric): one for one in trial.differences}
    sentences = []
    for gate in gates:
        difference = differences[gate.mode, gate.metric]
        if difference.change.value < gate.least:
            sentences.append(
                f"{gate.mode} {gate.metric} goes from {difference.old:.4f} to {difference.new:.4f}, by {difference.change.value:+.4f}; "
                f"the gate allows {gate.least:+g}"
            )
    return tuple(sentences)


def _half(tell: OnProgress | None, number: int) -> OnProgress | None:
    """Return what tells the progress of the first or the second of two equal parts."""
    if tell is None:
        return None
    return lambda done, total: tell(number * total + done, 2 * total)
