"""PowerPoint to text: a section a slide, with its tables and the speaker's notes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from searchctl.sources.model import Unreadable
from searchctl.sources.package import OLD_OFFICE, check_archive
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.translation import _

_DEEPEST = 20  # groups within each other


def slides(given: PageInput) -> Page:
    """Read a presentation; raises Unreadable."""
    from pptx import Presentation

    if given.data.startswith(OLD_OFFICE):
        raise Unreadable(_("the file has a password or is an old .ppt; save it as .pptx without one"))
    check_archive(given.data, "PPTX")
    try:
        deck = Presentation(io.BytesIO(given.data))
        text = PageText(given.limits.file)
        title = ""
        for number, slide in enumerate(deck.slides, 1):
            heading = _heading(slide)
            title = title or heading
            text.begin_section(heading, page=number)
            for words in _words(slide):
                text.add(words)
        stated = (deck.core_properties.title or "").strip()
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file can raise nearly anything
        raise Unreadable(_("broken PPTX: {value}").format(value=error or type(error).__name__)) from error
    usual = "" if stated.lower() in ("powerpoint presentation", "презентация powerpoint") else stated
    return Page(text.text(), usual or title, sections=text.sections())


def _heading(slide: Any) -> str:
    shape = slide.shapes.title
    return " ".join(shape.text_frame.text.split()) if shape is not None and shape.has_text_frame else ""


def _words(slide: Any) -> Iterator[str]:
    yield from _of_shapes(slide.shapes, 0)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield slide.notes_slide.notes_text_frame.text


def _of_shapes(shapes: Any, depth: int) -> Iterator[str]:
    for shape in shapes:
        if getattr(shape, "has_text_frame", False):
            yield shape.text_frame.text.replace("\v", "\n")
        elif getattr(shape, "has_table", False):
            rows = [[" ".join(cell.text.split()) for cell in row.cells] for row in shape.table.rows]
            yield "\n".join(" | ".join(cell for cell in row if cell) for row in rows)
        elif getattr(shape, "has_chart", False):
            yield "\n".join(_of_chart(shape.chart))
        elif hasattr(shape, "shapes") and depth < _DEEPEST:
            yield from _of_shapes(shape.shapes, depth + 1)


def _of_chart(chart: Any) -> Iterator[str]:
    """Yield a chart's title, and the names of what it compares."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield chart.chart_title.text_frame.text
    for plot in chart.plots:
        yield " | ".join(str(name) for name in (*plot.categories, *(series.name for series in plot.series)))
