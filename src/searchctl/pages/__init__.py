"""HTML pages from templates: whatever a text holds, it stays text. A page is one file that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE = Path(__file__).parent
STYLE = _HERE.joinpath("style.css").read_text(encoding="utf-8")
WIDTH = 640  # of a drawing


def render(template: Path, **values: object) -> str:
    """Return the page that a template makes of values, all of them escaped.

    A template extends `page.html`, which has the head and the style, and may import the macros of `parts.html`.
    """
    return _environment(template.parent).get_template(template.name).render(values)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> str:
    """Return a table whose last `numbers` columns are right-aligned; cells are escaped here."""
    parts = _environment(_HERE).get_template("parts.html").module
    return str(parts.table(headings, rows, numbers))  # type: ignore[attr-defined]


def svg(height: int, content: str) -> str:
    """Return a drawing of this height, as wide as all are; its content is markup already."""
    return f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" font-size="13">{content}</svg>'


def _environment(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader([folder, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
