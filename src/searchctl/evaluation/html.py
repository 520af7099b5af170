"""An evaluation as one HTML page: tables and drawings inside, nothing loaded from elsewhere. `report.html` is its template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from searchctl import pages
from searchctl.evaluation.metrics import Floats, Metric
from searchctl.evaluation.report import MOST_EXPECTED, WORST, DocumentExcerpt, Report
from searchctl.pages import WIDTH, Table
from searchctl.translation import _

_ROW = 26
_LABEL = 110
_HEIGHT = 120  # of a histogram's highest bar
SURE = 0.05  # a p value below it is more than chance


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

    @property
    def told(self) -> str:
        """The means in words."""
        return ", ".join(f"{bar.mode} {bar.mean:.4f}" for bar in self.bars)


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

    @property
    def told(self) -> str:
        """The counts in words; the middle bar has those near 0."""
        middle = len(self.bars) // 2
        worse, better = (sum(bar.count for bar in side) for side in (self.bars[:middle], self.bars[middle + 1 :]))
        return f"{better} better, {worse} worse, {self.bars[middle].count} alike"


@dataclass(frozen=True, slots=True)
class AnswerSide:
    """Documents under a heading: those that were expected, or that came first."""

    name: str
    documents: Sequence[DocumentExcerpt]


@dataclass(frozen=True, slots=True)
class WorstAnswer:
    """A query that was answered badly, where each mode has the expected document, and what came instead of it."""

    query: str
    score: float
    ranks: str
    sides: Sequence[AnswerSide]


def render(report: Report) -> str:
    """Return the page."""
    return pages.render(
        Path(__file__).with_name("report.html"),
        title=f"searchctl: {report.dataset.name}",
        report=report,
        width=WIDTH,
        outcome=_outcome(report),
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


def _failures(report: Report) -> list[WorstAnswer]:
    worst = []
    for failure in report.failures(WORST):
        expected = [id for id, grade in failure.query.grades.items() if grade > 0]
        places = [
            _("{mode} has it at {rank}").format(mode=mode, rank=rank)
            if rank
            else _("{mode} hasn't it").format(mode=mode)
            for mode, rank in failure.ranks.items()
        ]
        sides = [
            AnswerSide(_("Expected"), [_shown(report, id) for id in expected[:MOST_EXPECTED]]),
            AnswerSide(
                _("Came first in {mode}").format(mode=report.reference),
                [_shown(report, failure.first)] if failure.first else [],
            ),
        ]
        worst.append(WorstAnswer(failure.query.text, failure.score, ", ".join(places), sides))
    return worst


def _shown(report: Report, id: str) -> DocumentExcerpt:
    return report.documents.get(id, DocumentExcerpt(id))


def _outcome(report: Report) -> str:
    """Return in a sentence which mode answers best by the first metric, and whether that is more than chance."""
    metric, count = report.metrics[0], f"{len(report.dataset.queries):,}"
    ordered = sorted(report.modes, key=lambda mode: -report.mean(mode, metric))
    best = ordered[0]
    mean = f"{report.mean(best, metric):.3f}"
    if len(ordered) == 1:
        return _("{mode} reaches {metric} {mean} over {count} queries.").format(
            mode=best, metric=metric, mean=mean, count=count
        )
    second = ordered[1] if best == report.reference else report.reference
    pair = next(
        one
        for one in report.comparisons()
        if one.metric == metric and one.other == (second if best == report.reference else best)
    )
    template = (
        _(
            "{mode} answers best: {metric} {mean} over {count} queries, {lead} above {other}, "
            "which is more than chance (p = {p}, corrected)."
        )
        if pair.p_value < SURE
        else _(
            "{mode} answers best: {metric} {mean} over {count} queries, {lead} above {other}, "
            "which is not more than chance may give (p = {p}, corrected)."
        )
    )
    lead = report.mean(best, metric) - report.mean(second, metric)
    return template.format(
        mode=best,
        metric=metric,
        mean=mean,
        count=count,
        lead=f"{lead:.3f}",
        other=second,
        p=f"{pair.p_value:.3f}",
    )


def _queries(report: Report) -> Table:
    metric = report.metrics[0]
    rows = [
        [query.id, query.text, *(f"{report.scores[mode][metric][row]:.3f}" for mode in report.modes)]
        for row, query in enumerate(report.dataset.queries)
    ]
    return Table(["id", _("query"), *report.modes], rows, len(report.modes))
