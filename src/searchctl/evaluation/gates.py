"""Gates: what an evaluation, or a new index beside the old one, has to reach; sentences say what it doesn't."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from searchctl.errors import SourceError, UsageError
from searchctl.evaluation.comparison import REFERENCE, IndexComparison
from searchctl.evaluation.metrics import Metric, parse_metric
from searchctl.evaluation.report import Report
from searchctl.translation import _

_MODES = ("lexical", "vector", "hybrid")


@dataclass(frozen=True, slots=True)
class Gate:
    """The least mean a metric may have in a mode."""

    mode: str | None
    metric: Metric
    least: float


def parse_gate(text: str) -> Gate:
    """Read `ndcg@10=0.70` (the reference mode) or `vector:ndcg@10=0.70`; raises UsageError."""
    name, equals, least = text.partition("=")
    mode, colon, metric = name.rpartition(":")
    try:
        value = float(least)
    except ValueError:
        value = -1.0
    if not equals or not 0.0 <= value <= 1.0:
        raise UsageError(
            _("'{text}' isn't a gate; write a metric and the least it may be, as in: ndcg@10=0.70").format(text=text)
        )
    return Gate(mode if colon else None, parse_metric(metric), value)


def missed_gates(report: Report, gates: Sequence[Gate]) -> list[str]:
    """Return a sentence for each gate that the report doesn't meet; raises UsageError for what wasn't measured."""
    missed = []
    for gate in gates:
        mode = gate.mode or report.reference
        if mode not in report.scores or gate.metric not in report.scores[mode]:
            raise UsageError(
                _("the gate {mode}:{metric} wasn't measured; add it with --modes and --metrics").format(
                    mode=mode, metric=gate.metric
                )
            )
        mean = report.mean(mode, gate.metric)
        if mean < gate.least:
            missed.append(f"{mode} {gate.metric} is {mean:.4f}, below {gate.least:g}")
    return missed


def read_means(path: Path) -> Mapping[str, Mapping[str, float]]:
    """Read the means of an earlier report (`searchctl evaluate --json`); raises SourceError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {mode: {name: float(value) for name, value in means.items()} for mode, means in data["modes"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            _(
                "{path} isn't a report of this tool ({error}); make one with: searchctl evaluate DIR --json > {path}"
            ).format(path=path, error=error)
        ) from error


def drops(report: Report, before: Mapping[str, Mapping[str, float]], most: float) -> list[str]:
    """Return a sentence for each metric that fell by more than `most` since an earlier report.

    Modes and metrics that only one of the two has are left out; having none in common raises UsageError.
    """
    shared = [
        (mode, metric) for mode in report.modes for metric in report.metrics if str(metric) in before.get(mode, {})
    ]
    if not shared:
        raise UsageError(
            _("the reports have no mode and metric in common; run both with the same --modes and --metrics")
        )
    fallen = []
    for mode, metric in shared:
        old, new = before[mode][str(metric)], report.mean(mode, metric)
        if old - new > most:
            fallen.append(f"{mode} {metric} fell from {old:.4f} to {new:.4f}, by more than {most:g}")
    return fallen


@dataclass(frozen=True, slots=True)
class DifferenceGate:
    """The least difference, new minus old, that a metric's mean may have in a mode."""

    mode: str
    metric: Metric
    least: float


def parse_difference_gate(text: str) -> DifferenceGate:
    """Read `ndcg@10>=-0.01` (of the hybrid answers) or `vector:ndcg@10>=0`; raises UsageError."""
    match = re.fullmatch(r"\s*(?:(\w+):)?\s*([a-z]+(?:@\d+)?)\s*>=\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*", text)
    mode = (match[1] if match else None) or REFERENCE
    if match is None or mode not in _MODES or abs(float(match[3])) > 1:
        raise UsageError(
            _(
                "'{text}' isn't a gate; write a metric and the least difference to the old index, as in: --gate "
                '"ndcg@10>=-0.01" or --gate "vector:recall@100>=0"'
            ).format(text=text)
        )
    return DifferenceGate(mode, parse_metric(match[2]), float(match[3]))


def missed_differences(trial: IndexComparison, gates: Sequence[DifferenceGate]) -> tuple[str, ...]:
    """Return a sentence for each gate that isn't met."""
    differences = {(each.mode, each.metric): each for each in trial.differences}
    sentences = []
    for gate in gates:
        difference = differences[gate.mode, gate.metric]
        if difference.change.value < gate.least:
            sentences.append(
                f"{gate.mode} {gate.metric} goes from {difference.old:.4f} to {difference.new:.4f}, by {difference.change.value:+.4f}; "
                f"the gate allows {gate.least:+g}"
            )
    return tuple(sentences)
