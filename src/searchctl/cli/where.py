"""The option `--where`, the same for every command that has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from searchctl.cli.completions import complete_field
from searchctl.cli.context import as_text

if TYPE_CHECKING:
    from searchctl.types import Filter

_Command = TypeVar("_Command", bound=Callable[..., Any])
_HELP = (
    "lang=ru · lang=ru,en · price>=10 · updated<=2026-01-31 · rating=* · lang!=ru · id=manual/* · tags ALL (a, b) · "
    "\"(lang=ru OR year<2020) AND NOT city='Washington, DC'\". Repeated filters all hold."
)


def where_option(what: str = "") -> Callable[[_Command], _Command]:
    """Return the option as a decorator; `what` says what the filtered documents are for."""
    return click.option(
        "--where", multiple=True, metavar="FILTER", shell_complete=complete_field, help=f"{what}{_HELP}"
    )


def where_of(typed: tuple[str, ...]) -> Filter | None:
    """Return the filter that was typed; raises UsageError, which marks the column."""
    from searchctl.filters import parse_where

    return parse_where(tuple(map(as_text, typed)))
