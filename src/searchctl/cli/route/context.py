"""What the commands of `searchctl route` share: the router they work with, and files of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from searchctl.cli.context import Frame
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, printable
from searchctl.errors import IndexMissing
from searchctl.sources.formats import row_formats
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.router import Router
    from searchctl.routing.rows import Columns, SkippedRow

Function = TypeVar("Function", bound=Callable[..., Any])
FORMATS = ("txt", *row_formats())
ROUTES = "routes"
_REASONS = 10  # that are shown
_PLACES = 10  # rows that are named for a reason


def routed(frame: Frame) -> Frame:
    """Return the frame with the index of examples, unless another one was named."""
    default = any(one.key == "index" and one.origin == "default" for one in frame.settings.shown)
    return replace(frame, settings=replace(frame.settings, index=ROUTES)) if default else frame


def open_router(frame: Frame, *, create: bool = False) -> Router:
    """Open the router of this call; raises IndexMissing where there is none and `create` is false."""
    from searchctl.index import Index
    from searchctl.routing.examples import FIELDS
    from searchctl.routing.router import Router

    settings = routed(frame).settings
    try:
        index = Index.open(
            settings.engine,
            settings.index,
            encoder=settings.encoder,
            connection=settings.connection,
            create=create,
            fields=FIELDS,
        )
    except IndexMissing as error:
        begin = frame.hint("route", "add", "LABEL", "an example of it")
        raise IndexMissing(
            _("there are no labels yet, nor an index '{index}' for them; begin with: {begin}").format(
                index=settings.index, begin=begin
            )
        ) from error
    return Router(index)


def file_options(function: Function) -> Function:
    """Add the options that say which columns of a file hold what."""
    options = (
        click.option(
            "--text", "text_columns", metavar="COLUMNS", help="Columns that hold the text, a comma between them."
        ),
        click.option(
            "--label",
            "label_column",
            metavar="COLUMN",
            help="Column that holds the label [default: label, …]; GROUP/TOPIC takes the levels from two columns.",
        ),
        click.option("--separator", metavar="SIGN", help="What stands between several labels in one cell."),
        click.option(
            "--outside", "outside_label", metavar="LABEL", help="Label that means: none of the labels, as in oos."
        ),
        click.option(
            "--format", "format_name", type=click.Choice(FORMATS), help="Format, where the name doesn't tell it."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def say_skipped(path: str, skipped: Sequence[SkippedRow]) -> None:
    """Report the rows of a file that gave no example: how many, why, and where."""
    if not skipped:
        return
    reasons: dict[str, list[int]] = {}
    for row in skipped:
        reasons.setdefault(row.reason, []).append(row.place)
    say(_("searchctl: {rows} of {path} left out:").format(rows=count_of(len(skipped), "row"), path=path))
    for reason, places in list(reasons.items())[:_REASONS]:
        shown = ", ".join(map(str, places[:_PLACES]))
        more = _(" and {count} more").format(count=len(places) - _PLACES) if len(places) > _PLACES else ""
        say(printable(_("  row {shown}{more}: {reason}").format(shown=shown, more=more, reason=reason)))
    if len(reasons) > _REASONS:
        say(_("  and {count} other reasons").format(count=len(reasons) - _REASONS))


def say_guessed(path: str, names: Sequence[str]) -> None:
    """Say which columns were joined to a text, where several were and nobody named them."""
    if len(names) > 1:
        told = ", ".join(map(repr, names[:_PLACES]))
        text = _(
            "searchctl: of {path} these columns are read as text: {columns}; name the right ones with: --text COLUMN"
        )
        say(printable(text.format(path=path, columns=told)))


def columns_of(text: str | None, label: str | None, separator: str | None, outside: str | None) -> Columns:
    """Return what the options of files say."""
    from searchctl.routing.rows import Columns

    names = tuple(filter(None, (name.strip() for name in (text or "").split(","))))
    return Columns(names, label, separator, outside)
