"""An evaluation as one HTML page: tables and drawings inside, nothing loaded from elsewhere. `report.html` is its template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from searchctl import pages
from searchctl.evaluation.metrics import Floats, Metric
from searchctl.evaluation.report import Report
from searchctl.pages import WIDTH, Table
from searchctl.translation import _

_ROW = 26
_LABEL = 110
_HEIGHT = 120  # of a histogram's highest bar
_WORST = 25


@dataclass(frozen=True, slots=True)
class MeanBar:
    """One mode's mean, in [0, 1], as a bar with its interval as a line from `low` to `high`; lengths in drawing units."""

    mode: str
    mean: float
    top: int
    width: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MeanDrawing:
    """Every mode's mean of one metric; bars begin at `left`."""

    metric: Metric
    left: int
    height: int
    bars: Sequence[MeanBar]


@dataclass(frozen=True, slots=True)
class CountBar:
    """How many queries differ by `edge` or a little more; lengths in drawing units."""

    edge: float
    count: int
    x: float
    top: float
    width: float
    colour: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many queries gained and lost, by how much, against another mode."""

    mode: str
    height: int
    bars: Sequence[CountBar]


def render(report: Report) -> str:
    """Return the page."""
    return pages.render(
        Path(__file__).with_name("report.html"),
        title=f"searchctl: {report.dataset.name}",
        report=report,
        width=WIDTH,
        modes=_modes(report),
        means=[_means(report, metric) for metric in report.metrics],
        comparisons=_comparisons(report),
        differences=_differences(report),
        failures=_failures(report),
        queries=_queries(report),
    )


def _modes(report: Report) -> Table:
    headings = [_("mode"), *map(str, report.metrics), _("median ms"), _("p95 ms")]
    rows = []
    for mode in report.modes:
        latency = report.latency[mode]
        means = [f"{report.mean(mode, metric):.4f}" for metric in report.metrics]
        rows.append([mode, *means, f"{latency.median:.1f}", f"{latency.p95:.1f}"])
    return Table(headings, rows, len(headings) - 1)


def _means(report: Report, metric: Metric) -> MeanDrawing:
    left = max(_LABEL, 9 * max(map(len, report.modes)))  # no letter of the font is wider
    scale = WIDTH - left - 70
    bars = []
    for row, mode in enumerate(report.modes):
        interval = report.interval(mode, metric)
        low, high = left + scale * interval.low, left + scale * interval.high
        bars.append(MeanBar(mode, interval.value, row * _ROW, scale * interval.value, low, high))
    return MeanDrawing(metric, left, _ROW * len(report.modes), bars)


def _comparisons(report: Report) -> Table:
    rows = [
        [
            comparison.other,
            str(comparison.metric),
            f"{comparison.difference.value:+.4f}",
            _("{low:+.4f} to {high:+.4f}").format(low=comparison.difference.low, high=comparison.difference.high),
            f"{comparison.p_value:.4f}",
        ]
        for comparison in report.comparisons()
    ]
    return Table([_("other"), _("metric"), _("difference"), _("95 % interval"), _("p, corrected")], rows, 3)


def _differences(report: Report) -> list[Histogram]:
    metric = report.metrics[0]
    ours = report.scores[report.reference][metric]
    others = [mode for mode in report.modes if mode != report.reference]
    return [_histogram(mode, ours - report.scores[mode][metric]) for mode in others]


def _histogram(mode: str, values: Floats) -> Histogram:
    """Count differences, each in [-1, 1], in 21 bins; the middle one has those near 0."""
    counts, edges = np.histogram(values, bins=21, range=(-1.0, 1.0))
    width = WIDTH / len(counts)
    highest = np.sqrt(
        max(int(counts.max()), 1)
    )  # roots, or the many queries without a difference would hide the others
    bars = []
    for number, (count, edge) in enumerate(zip(counts.tolist(), edges.tolist(), strict=False)):
        top = _HEIGHT - _HEIGHT * float(np.sqrt(count) / highest)
        colour = "#9aa7b4" if number == 10 else "#b5524a" if number < 10 else "#4d9a62"
        bars.append(CountBar(edge, count, number * width, top, width - 2, colour))
    return Histogram(mode, _HEIGHT, bars)


def _failures(report: Report) -> Table:
    rows = [
        [
            failure.query.text,
            ", ".join(id for id, grade in failure.query.grades.items() if grade > 0),
            failure.first or _("nothing"),
            *("-" if failure.ranks[mode] is None else str(failure.ranks[mode]) for mode in report.modes),
        ]
        for failure in report.failures(_WORST)
    ]
    headings = [
        *(_("query"), _("expected"), _("came first")),
        *(_("rank in {mode}").format(mode=mode) for mode in report.modes),
    ]
    return Table(headings, rows, len(report.modes))


def _queries(report: Report) -> Table:
    metric = report.metrics[0]
    rows = [
        [query.id, query.text, *(f"{report.scores[mode][metric][row]:.3f}" for mode in report.modes)]
        for row, query in enumerate(report.dataset.queries)
    ]
    return Table(["id", _("query"), *report.modes], rows, len(report.modes))
