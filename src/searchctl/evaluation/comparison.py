"""Two indexes compared on the same judged queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from searchctl.evaluation.dataset import DataSet
from searchctl.evaluation.evaluate import OnProgress, evaluate
from searchctl.evaluation.metrics import Interval, Metric, bootstrap_interval, paired_p_value, parse_metric
from searchctl.index import Index
from searchctl.types import Json

REFERENCE = "hybrid"
_METRIC = parse_metric("ndcg@10")


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
            "differences": [difference.to_json() for difference in self.differences],
        }


def compare(
    old: Index,
    new: Index,
    dataset: DataSet,
    measures: Sequence[tuple[str, Metric]] = (),
    *,
    on_progress: OnProgress | None = None,
) -> IndexComparison:
    """Ask both indexes all queries, in the hybrid mode by ndcg@10, and in the modes and by the metrics of `measures`."""
    modes = list(dict.fromkeys((REFERENCE, *(mode for mode, _ in measures))))
    metrics = list(dict.fromkeys((*(metric for _, metric in measures), _METRIC)))
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


def _half(tell: OnProgress | None, number: int) -> OnProgress | None:
    """Return what tells the progress of the first or the second of two equal parts."""
    if tell is None:
        return None
    return lambda done, total: tell(number * total + done, 2 * total)
