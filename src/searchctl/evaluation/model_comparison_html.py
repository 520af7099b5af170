"""A comparison of encoders as one HTML page; `model_comparison.html` is its template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from searchctl import pages
from searchctl.evaluation.model_comparison import LEXICAL, SURE, ModelMeasures, advice, pareto
from searchctl.models.catalogue import sources
from searchctl.pages import Table

_PUBLISHED = {"retrieval": "search", "sts": "similarity", "classification": "classes"}


def render(measured: Sequence[ModelMeasures], documents: int) -> str:
    """Return the page; `documents` is for how many passages the size of an index is told."""
    return pages.render(
        Path(__file__).with_name("model_comparison.html"),
        title="searchctl: encoders compared",
        sentences=advice(measured),
        scores=score_table(measured),
        costs=cost_table(measured, documents),
        published=_published(measured),
        source=sources()["rumteb"],
        first=measured[0].name,
        sure=SURE,
    )


def score_table(measured: Sequence[ModelMeasures]) -> Table:
    """Return a row a task and measure, a column a model: the score, its interval, and a star where it differs from the first's."""
    rows = []
    for score in measured[0].scores:
        cells = [one.score(score.task, score.measure) for one in measured]
        shown = [
            f"{cell.interval.value:.3f} ({cell.interval.low:.3f}–{cell.interval.high:.3f})"
            + (" *" if cell.p_value is not None and cell.p_value < SURE else "")
            if cell
            else "-"
            for cell in cells
        ]
        rows.append(
            [score.task, score.measure, *(shown if score.measure != LEXICAL else [shown[0], *["="] * (len(shown) - 1)])]
        )
    return Table(["task", "measure", *(one.name for one in measured)], rows, len(measured))


def cost_table(measured: Sequence[ModelMeasures], documents: int) -> Table:
    """Return a row a model: its mean, what it costs, and whether no other one is better and quicker."""
    front = pareto(measured)
    rows = [
        [
            one.name,
            f"{one.mean:.3f}",
            f"{one.texts_a_second:,.0f}",
            f"{one.query_ms:.1f}",
            str(one.dim),
            f"{4 * one.dim * documents / 1e6:,.0f}",
            "yes" if one.name in front else "",
        ]
        for one in measured
    ]
    headings = ["encoder", "mean", "texts/s", "ms a query", "dimension", f"MB of {documents:,} vectors", "unbeaten"]
    return Table(headings, rows, 6)


def _published(measured: Sequence[ModelMeasures]) -> Table:
    rows = [
        [one.name, *(f"{one.published[kind]:.1f}" if kind in one.published else "-" for kind in _PUBLISHED)]
        for one in measured
    ]
    return Table(["encoder", *_PUBLISHED.values()], rows, len(_PUBLISHED))
