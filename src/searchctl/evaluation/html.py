"""An evaluation as one HTML page: tables and drawings inside, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from searchctl.evaluation.metrics import Floats, Metric
from searchctl.evaluation.report import Report

WIDTH = 640
_ROW = 26
_LABEL = 110
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2733;background:#fff}
table{border-collapse:collapse;margin:1rem 0;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #dfe5ec;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.note{background:#fff6dd;padding:.6rem .9rem;border-radius:.4rem} small{color:#5b6875} svg{max-width:100%}
@media(prefers-color-scheme:dark){body{background:#14191f;color:#dfe5ec}th,td{border-color:#323c47}
.note{background:#3a3113}svg text{fill:#dfe5ec}}
"""


def render(report: Report) -> str:
    """Return the page."""
    about = ", ".join(f"{escape(str(key))} {escape(str(value))}" for key, value in report.index.items())
    caveat = f'<p class="note">{escape(report.dataset.caveat)}</p>' if report.dataset.caveat else ""
    absent = f'<p class="note">{report.absent} judged documents are not in the index.</p>' if report.absent else ""
    plots = "".join(f"<h3>{escape(str(metric))}</h3>{_means(report, metric)}" for metric in report.metrics)
    name = escape(report.dataset.name)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>searchctl: {name}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{name}</h1><p>{len(report.dataset.queries)} queries; {about}</p>{caveat}{absent}"
        f"<h2>Modes</h2>{_modes(report)}{plots}"
        f"<h2>{escape(report.reference)} against the others</h2>{_comparisons(report)}{_differences(report)}"
        f"<h2>Worst answers</h2>{_failures(report)}<h2>Every query</h2>{_queries(report)}</body></html>\n"
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> str:
    """Return a table whose last `numbers` columns are right-aligned; cells are escaped here."""
    first = len(headings) - numbers

    def cells(values: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if place >= first else ''}>{escape(value)}</{tag}>"
            for place, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{cells(headings, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def _modes(report: Report) -> str:
    headings = ["mode", *map(str, report.metrics), "median ms", "p95 ms"]
    rows = []
    for mode in report.modes:
        latency = report.latency[mode]
        means = [f"{report.mean(mode, metric):.4f}" for metric in report.metrics]
        rows.append([mode, *means, f"{latency.median:.1f}", f"{latency.p95:.1f}"])
    return table(headings, rows, len(headings) - 1)


def _means(report: Report, metric: Metric) -> str:
    """Draw each mode's mean as a bar with its interval as a line."""
    left = max(_LABEL, 9 * max(map(len, report.modes)))  # no letter of the font is wider
    scale = WIDTH - left - 70
    parts = []
    for place, mode in enumerate(report.modes):
        interval = report.interval(mode, metric)
        y = place * _ROW
        start, end = left + scale * interval.low, left + scale * interval.high
        parts.append(
            f'<text x="0" y="{y + 16}">{escape(mode)}</text>'
            f'<rect x="{left}" y="{y + 4}" width="{scale * interval.value:.1f}" height="16" fill="#4f8ccb"/>'
            f'<line x1="{start:.1f}" x2="{end:.1f}" y1="{y + 12}" y2="{y + 12}" stroke="#d2691e" stroke-width="2"/>'
            f'<text x="{WIDTH - 60}" y="{y + 16}">{interval.value:.4f}</text>'
        )
    return svg(_ROW * len(report.modes), "".join(parts))


def _comparisons(report: Report) -> str:
    rows = [
        [
            one.other,
            str(one.metric),
            f"{one.difference.value:+.4f}",
            f"{one.difference.low:+.4f} to {one.difference.high:+.4f}",
            f"{one.p_value:.4f}",
        ]
        for one in report.comparisons()
    ]
    return table(["other", "metric", "difference", "95 % interval", "p, corrected"], rows, 3) if rows else ""


def _differences(report: Report) -> str:
    """Draw how many queries gained and lost, by how much, against each other mode."""
    metric = report.metrics[0]
    ours = report.scores[report.reference][metric]
    others = [mode for mode in report.modes if mode != report.reference]
    return "".join(
        f"<h3>{escape(report.reference)} − {escape(mode)}, {escape(str(metric))}, queries by difference</h3>"
        + _histogram(ours - report.scores[mode][metric])
        for mode in others
    )


def _histogram(values: Floats) -> str:
    counts, edges = np.histogram(values, bins=21, range=(-1.0, 1.0))
    height, width = 120, WIDTH / len(counts)
    highest = np.sqrt(
        max(int(counts.max()), 1)
    )  # roots, or the many queries without a difference would hide the others
    parts = []
    for place, (count, edge) in enumerate(zip(counts.tolist(), edges.tolist(), strict=False)):
        tall = height * float(np.sqrt(count) / highest)
        colour = "#9aa7b4" if place == 10 else "#b5524a" if place < 10 else "#4d9a62"
        parts.append(
            f'<rect x="{place * width:.1f}" y="{height + 16 - tall:.1f}" width="{width - 2:.1f}" height="{tall:.1f}" '
            f'fill="{colour}"><title>{edge:+.2f}: {count}</title></rect>'
            + (
                f'<text x="{place * width:.1f}" y="{height + 12 - tall:.1f}" font-size="11">{count}</text>'
                if count
                else ""
            )
        )
    return svg(
        height + 34,
        "".join(parts) + f'<text x="0" y="{height + 31}">−1</text><text x="{WIDTH - 20}" y="{height + 31}">+1</text>',
    )


def _failures(report: Report) -> str:
    rows = [
        [
            one.query.text,
            ", ".join(id for id, grade in one.query.grades.items() if grade > 0),
            one.first or "nothing",
            *("-" if one.ranks[mode] is None else str(one.ranks[mode]) for mode in report.modes),
        ]
        for one in report.failures(25)
    ]
    if not rows:
        return "<p>None: every query is answered perfectly.</p>"
    return table(
        ["query", "expected", "came first", *(f"rank in {mode}" for mode in report.modes)], rows, len(report.modes)
    )


def _queries(report: Report) -> str:
    metric = report.metrics[0]
    rows = [
        [query.id, query.text, *(f"{report.scores[mode][metric][place]:.3f}" for mode in report.modes)]
        for place, query in enumerate(report.dataset.queries)
    ]
    return f"<p><small>{escape(str(metric))}</small></p>" + table(
        ["id", "query", *report.modes], rows, len(report.modes)
    )


def svg(height: int, content: str) -> str:
    """Return a drawing of this height, as wide as all are."""
    return f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" font-size="13">{content}</svg>'
