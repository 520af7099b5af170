"""A trial as one HTML page: learning curve, calibration, confusions; nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape

import numpy as np

from searchctl.pages import STYLE, WIDTH, svg, table
from searchctl.routing.evaluation import RoutingTrial
from searchctl.routing.evaluation_report import METRICS, confusion_matrix, confusions, per_label, shots_name, summary

_HEIGHT = 220
_SHOWN = 30  # labels in the heat map: those most confused


def render(trial: RoutingTrial, title: str) -> str:
    """Return the page."""
    most = list(trial.draws)[-1]
    material = trial.material
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>searchctl route: {escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1><p>{len(material.labels)} labels, {len(material.test.texts)} test texts, "
        f"{len(material.outside)} texts of no label, {trial.settings.seeds} drawings of each size; encoder "
        f"{escape(material.encoder)}</p><h2>By number of examples</h2>{_numbers(trial)}{_curve(trial)}"
        f"<h2>Is the confidence right?</h2>{_calibration(trial, most)}<h2>What is confused</h2>"
        f"<p><small>With {shots_name(most)} examples a label; rows are what is true, columns what was given.</small></p>"
        f"{_heat_map(trial, most)}{_confusions(trial, most)}<h2>Labels</h2>{_labels(trial, most)}</body></html>\n"
    )


def _numbers(trial: RoutingTrial) -> str:
    rows = []
    for shots in trial.draws:
        found = summary(trial, shots)
        cells = [f"{one['mean']:.3f} ± {one['std']:.3f}" if (one := found[name]) else "-" for name in METRICS]
        rows.append([shots_name(shots), *cells])
    return table(["examples", *(name.replace("_", " ") for name in METRICS)], rows, len(METRICS))


def _curve(trial: RoutingTrial) -> str:
    """Draw accuracy against the number of examples, each drawing a dot, the means joined."""
    sizes = list(trial.draws)
    values = {shots: trial.values(shots, "accuracy") for shots in sizes}
    low = max(0.0, np.floor(min(map(min, values.values())) * 10) / 10)
    step = (WIDTH - 90) / max(len(sizes) - 1, 1)

    def place(number: int, value: float) -> tuple[float, float]:
        return 50 + number * step, 20 + (_HEIGHT - 50) * (1 - (value - low) / max(1 - low, 1e-9))

    parts, line = [], []
    for number, shots in enumerate(sizes):
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="#4f8ccb" fill-opacity=".5"/>'
            for x, y in (place(number, value) for value in values[shots])
        ]
        x, y = place(number, float(np.mean(values[shots])))
        line.append(f"{x:.1f},{y:.1f}")
        parts.append(f'<text x="{x - 12:.1f}" y="{y - 8:.1f}" font-size="11">{np.mean(values[shots]):.3f}</text>')
        parts.append(f'<text x="{x - 6:.1f}" y="{_HEIGHT - 8}">{shots_name(shots)}</text>')
    for value in (low, 1.0):
        y = place(0, value)[1]
        parts.append(f'<text x="0" y="{y + 4:.1f}">{value:.1f}</text>')
        parts.append(f'<line x1="40" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#9aa7b4" stroke-width=".5"/>')
    parts.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="#d2691e" stroke-width="2"/>')
    return f"<h3>Accuracy by examples a label</h3>{svg(_HEIGHT, ''.join(parts))}"


def _calibration(trial: RoutingTrial, shots: int) -> str:
    confidence = np.concatenate([draw.confidence for draw in trial.draws[shots]])
    right = np.concatenate([draw.right for draw in trial.draws[shots]])
    bins = np.minimum((confidence * 10).astype(int), 9)
    rows = [
        [
            f"{at / 10:.1f} to {(at + 1) / 10:.1f}",
            f"{(bins == at).mean():.1%}",
            f"{confidence[bins == at].mean():.3f}",
            f"{right[bins == at].mean():.3f}",
        ]
        for at in np.unique(bins).tolist()
    ]
    return table(["confidence", "of texts", "mean confidence", "right"], rows, 3)


def _heat_map(trial: RoutingTrial, shots: int) -> str:
    """Draw the labels that are confused most as a square of coloured cells."""
    matrix = confusion_matrix(trial, shots)
    wrong = matrix - np.diag(np.diag(matrix))
    chosen = np.sort(np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")[:_SHOWN])
    left, cell = 190, (WIDTH - 190) / max(len(chosen), 1)
    labels = [trial.material.labels[at] for at in chosen.tolist()]
    foot = cell * len(labels) + 8
    parts = [
        f'<text x="0" y="0" font-size="10" text-anchor="end" transform="translate({left + (at + 0.6) * cell:.1f},{foot:.1f}) '
        f'rotate(-60)">{escape(label[:26])}</text>'
        for at, label in enumerate(labels)
    ]
    for row, label in enumerate(labels):
        y = row * cell
        parts.append(f'<text x="0" y="{y + cell * 0.7:.1f}" font-size="10">{escape(label[:34])}</text>')
        for column, other in enumerate(labels):
            share = float(matrix[chosen[row], chosen[column]])
            if share <= 0 and row != column:
                continue
            colour = "#4d9a62" if row == column else "#b5524a"
            parts.append(
                f'<rect x="{left + column * cell:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" '
                f'fill="{colour}" fill-opacity="{share:.3f}"><title>{escape(label)} → {escape(other)}: {share:.1%}'
                "</title></rect>"
            )
    return svg(round(foot) + 130, "".join(parts))


def _confusions(trial: RoutingTrial, shots: int) -> str:
    rows = [[one.label, one.given, f"{one.share:.1%}"] for one in confusions(trial, shots)]
    return table(["texts of", "went to", "share"], rows, 1) if rows else "<p>Nothing.</p>"


def _labels(trial: RoutingTrial, shots: int) -> str:
    rows = [
        [label, str(one["texts"]), f"{one['precision']:.3f}", f"{one['recall']:.3f}"]
        for label, one in zip(trial.material.labels, per_label(trial, shots), strict=True)
    ]
    return table(["label", "test texts", "precision", "recall"], rows, 3)
