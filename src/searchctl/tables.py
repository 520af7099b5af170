"""Rows of values as a table that a notebook shows, or as a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import import_module
from typing import Any

from searchctl.errors import MissingExtra
from searchctl.translation import _

_CELL = 300  # letters of a value that a notebook's table shows


def html_table(caption: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return a table in HTML; whatever the values hold is text there."""
    head = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td style='text-align:left;vertical-align:top'>{_cell(row.get(name))}</td>" for name in columns)
        + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_frame(page: str, height: int = 640) -> str:
    """Return a whole page as a frame of a notebook: its scripts run apart from the notebook's."""
    style = f"width:100%;height:{height}px;border:0"
    return (
        f'<iframe sandbox="allow-scripts allow-downloads" style="{style}" srcdoc="{escape(page, quote=True)}"></iframe>'
    )


def data_frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return a pandas DataFrame with a row each; raises MissingExtra."""
    try:
        pandas = import_module("pandas")
    except ImportError as error:
        raise MissingExtra(_("to_pandas()"), "notebook") from error
    return pandas.DataFrame(list(rows))


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
    return escape(text if len(text) <= _CELL else f"{text[:_CELL]}…")
