"""HTML pages from templates: whatever a text holds, it stays text. A page is one file that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from searchctl.translation import _, language_in_use

_HERE = Path(__file__).parent
WIDTH = 640  # of a drawing


@dataclass(frozen=True, slots=True)
class Table:
    """What a table shows: its last `numbers` columns are right-aligned. The macro `table` of `parts.html` draws it."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: int


def render(template: Path, **values: object) -> str:
    """Return the page that a template makes of values, all of them escaped.

    A template may extend `page.html`, which has the head and the style, and import the macros of `parts.html`. `value | tojson`
    is JSON that can stand inside a script element; `_("…")` is a message in the language in use, which is called `language`.
    Raises jinja2.UndefinedError for a name that isn't among the values.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"_": _, "language": language_in_use()}
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return environment.get_template(template.name).render(values)
