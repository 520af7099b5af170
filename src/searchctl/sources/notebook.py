"""Jupyter notebooks to text: their Markdown as Markdown, their code as it is. Outputs are left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from searchctl.sources.markdown import markdown_page
from searchctl.sources.model import Unreadable
from searchctl.sources.pages import Page, PageInput
from searchctl.translation import _

_TEXT = ("markdown", "heading", "raw")


def notebook(given: PageInput) -> Page:
    """Read a notebook of any version; raises Unreadable."""
    try:
        data = json.loads(given.text().lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(_("broken notebook: {error}").format(error=error)) from error
    cells = _cells(data)
    if cells is None:
        raise Unreadable(_("the file has no cells, so it isn't a notebook"))
    blocks, outputs = [], 0
    for cell in cells:
        source = _joined(cell.get("source", cell.get("input", "")))
        kind = cell.get("cell_type")
        if kind in _TEXT:
            level = cell.get("level")
            blocks.append(f"{'#' * level} {source}" if isinstance(level, int) and 0 < level < 7 else source)
        elif source.strip():
            fence = "`" * max(3, _longest_run(source) + 1)
            blocks.append(f"{fence}\n{source}\n{fence}")
        outputs += bool(cell.get("outputs"))
    remarks = ("outputs of notebook cells left out",) if outputs else ()
    return markdown_page("\n\n".join(blocks), given.limits.file, remarks=remarks, lines=False)


def _cells(data: Any) -> list[Mapping[str, Any]] | None:
    if not isinstance(data, Mapping):
        return None
    sheets = data.get("worksheets")
    lists = (
        [data.get("cells")]
        if "cells" in data
        else [sheet.get("cells") for sheet in sheets if isinstance(sheet, Mapping)]
        if isinstance(sheets, list)
        else []
    )
    if not lists:
        return None
    return [cell for cells in lists if isinstance(cells, list) for cell in cells if isinstance(cell, Mapping)]


def _joined(source: Any) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _longest_run(text: str) -> int:
    run = longest = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest
