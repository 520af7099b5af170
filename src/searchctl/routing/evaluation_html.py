"""A trial as one HTML page: learning curve, calibration, confusions; nothing loaded from elsewhere. `evaluation.html` is its template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import numpy as np

from searchctl import pages
from searchctl.pages import WIDTH, Table
from searchctl.routing.beside import ClassifierTrial
from searchctl.routing.evaluation import METRICS, RoutingTrial
from searchctl.routing.evaluation_report import confusion_matrix, confusions, per_label, shots_name, summary
from searchctl.translation import _

_HEIGHT = 220  # of the learning curve
_SHOWN = 30  # labels in the heat map: those most confused
_LEFT = 190  # where its cells begin; names stand before
_LETTERS = 34  # of a name in one line
_LINE = 11  # from line to line
_TALLEST = 40  # of a row whose name is one line


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A place in the drawing, in its units, and the accuracy that it stands for, in [0, 1]; `shots` is its name below."""

    x: float
    y: float
    value: float
    shots: str = ""


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Accuracy against the number of examples: a dot for each drawing, means that are joined, lines at both ends of the scale."""

    height: int
    dots: Sequence[CurvePoint]
    means: Sequence[CurvePoint]
    lines: Sequence[CurvePoint]

    @property
    def told(self) -> str:
        """The means in words."""
        return ", ".join(f"{mean.value:.3f} with {mean.shots}" for mean in self.means)


@dataclass(frozen=True, slots=True)
class HeatCell:
    """What share of a label's texts, in [0, 1], was given which label; lengths in drawing units."""

    x: float
    y: float
    height: float
    label: str
    given: str
    share: float


@dataclass(frozen=True, slots=True)
class HeatName:
    """A label's number and name beside its row, in lines, or its number above its column; lengths in drawing units."""

    x: float
    y: float
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The labels that are confused most, as rows and columns of cells, each `side` wide and as high as its label needs."""

    height: int
    side: float
    columns: Sequence[HeatName]
    rows: Sequence[HeatName]
    cells: Sequence[HeatCell]


def render(trial: RoutingTrial, title: str, classifiers: Sequence[ClassifierTrial] = ()) -> str:
    """Return the page."""
    most = list(trial.draws)[-1]
    return pages.render(
        Path(__file__).with_name("evaluation.html"),
        title=f"searchctl route: {title}",
        name=title,
        width=WIDTH,
        material=trial.material,
        seeds=trial.settings.seeds,
        most=shots_name(most),
        numbers=_numbers(trial, classifiers),
        curve=_curve(trial),
        calibration=_calibration(trial, most),
        outcome=_outcome(trial, most),
        heat=_heat_map(trial, most),
        confusions=_confusions(trial, most),
        labels=_labels(trial, most),
    )


def _numbers(trial: RoutingTrial, classifiers: Sequence[ClassifierTrial]) -> Table:
    rows = []
    for shots in trial.draws:
        measured = summary(trial, shots)
        cells = [
            f"{spread['mean']:.3f} ± {spread['std']:.3f}" if (spread := measured[name]) else "-" for name in METRICS
        ]
        rows.append([shots_name(shots), *cells])
    for classifier in classifiers:
        values = [classifier.run.values[name] for name in METRICS]
        shown = ["-" if value != value else f"{value:.3f}" for value in values]
        rows.append([_("{name} ({count} texts)").format(name=classifier.name, count=classifier.trained_on), *shown])
    return Table([_("examples"), *(name.replace("_", " ") for name in METRICS)], rows, len(METRICS))


def _curve(trial: RoutingTrial) -> LearningCurve:
    values = {shots: trial.values(shots, "accuracy") for shots in trial.draws}
    low = max(0.0, float(np.floor(min(map(min, values.values())) * 10) / 10))
    step = (WIDTH - 90) / max(len(values) - 1, 1)

    def point(number: int, value: float, shots: str = "") -> CurvePoint:
        height = 20 + (_HEIGHT - 50) * (1 - (value - low) / max(1 - low, 1e-9))
        return CurvePoint(50 + number * step, height, value, shots)

    dots = [point(number, value) for number, shots in enumerate(values) for value in values[shots]]
    means = [point(number, float(np.mean(values[shots])), shots_name(shots)) for number, shots in enumerate(values)]
    return LearningCurve(_HEIGHT, dots, means, [point(0, low), point(0, 1.0)])


def _calibration(trial: RoutingTrial, shots: int) -> Table:
    confidence = np.concatenate([draw.confidence for draw in trial.draws[shots]])
    right = np.concatenate([draw.right for draw in trial.draws[shots]])
    bins = np.minimum((confidence * 10).astype(int), 9)
    rows = [
        [
            _("{low:.1f} to {high:.1f}").format(low=number / 10, high=(number + 1) / 10),
            f"{(bins == number).mean():.1%}",
            f"{confidence[bins == number].mean():.3f}",
            f"{right[bins == number].mean():.3f}",
        ]
        for number in np.unique(bins).tolist()
    ]
    return Table([_("confidence"), _("of texts"), _("mean confidence"), _("right")], rows, 3)


def _heat_map(trial: RoutingTrial, shots: int) -> HeatMap:
    matrix = confusion_matrix(trial, shots)
    wrong = matrix - np.diag(np.diag(matrix))
    chosen = np.sort(np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")[:_SHOWN])
    side = (WIDTH - _LEFT) / max(len(chosen), 1)
    labels = [trial.material.labels[number] for number in chosen.tolist()]
    names = [wrap(f"{number} {label}", _LETTERS) for number, label in enumerate(labels, 1)]
    heights = [max(min(side, _TALLEST), _LINE * len(lines) + 3) for lines in names]
    tops = [_LINE + 4 + sum(heights[:row]) for row in range(len(labels))]
    shares = matrix[np.ix_(chosen, chosen)].tolist()
    cells = [
        HeatCell(_LEFT + column * side, tops[row], heights[row] - 1, label, given, shares[row][column])
        for row, label in enumerate(labels)
        for column, given in enumerate(labels)
        if row == column or shares[row][column] > 0
    ]
    columns = [HeatName(_LEFT + (column + 0.5) * side, _LINE, [str(column + 1)]) for column in range(len(labels))]
    rows = [HeatName(0, tops[row] + _LINE, lines) for row, lines in enumerate(names)]
    return HeatMap(round(_LINE + 4 + sum(heights)), side - 1, columns, rows, cells)


def _outcome(trial: RoutingTrial, most: int) -> str:
    """Return in a sentence how many texts get their label, and what is confused most."""
    accuracy = summary(trial, most)["accuracy"]
    if not accuracy:
        return _("Nothing was measured.")
    mean = f"{accuracy['mean']:.1%}"
    reached = (
        _("With all examples {mean} of texts get their label").format(mean=mean)
        if most == 0
        else _("With {most} examples a label {mean} of texts get their label").format(most=most, mean=mean)
    )
    worst = next(iter(confusions(trial, most)), None)
    missed = (
        _("most often missed: {share} of '{label}' go to '{given}'").format(
            share=f"{worst.share:.1%}", label=worst.label, given=worst.given
        )
        if worst
        else _("none is confused")
    )
    return f"{reached}; {missed}."


def _confusions(trial: RoutingTrial, shots: int) -> Table:
    rows = [[confusion.label, confusion.given, f"{confusion.share:.1%}"] for confusion in confusions(trial, shots)]
    return Table([_("texts of"), _("went to"), _("share")], rows, 1)


def _labels(trial: RoutingTrial, shots: int) -> Table:
    rows = [
        [label, str(numbers["texts"]), f"{numbers['precision']:.3f}", f"{numbers['recall']:.3f}"]
        for label, numbers in zip(trial.material.labels, per_label(trial, shots), strict=True)
    ]
    return Table([_("label"), _("test texts"), _("precision"), _("recall")], rows, 3)
