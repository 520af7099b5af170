"""`searchctl suggest`: what the beginning of a query may become."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import say
from searchctl.cli.listing import print_listing
from searchctl.cli.output import printable
from searchctl.cli.progress import Meter
from searchctl.errors import UsageError
from searchctl.search.as_json import suggestion_json
from searchctl.translation import _


@click.command(
    "suggest",
    cls=Command,
    examples=(
        "searchctl suggest retu",
        "searchctl suggest djpdhfn",
        "searchctl suggest retu --index shop,help",
        'searchctl suggest "how to retrun" --json',
    ),
)
@click.argument("typed", nargs=-1, required=True)
@click.option("-k", type=click.IntRange(1, 50), default=8, show_default=True, help="Number of suggestions.")
@framed
def command(frame: Frame, typed: tuple[str, ...], k: int) -> None:
    """Complete the beginning of a query from titles and from frequent phrases and words of the index.

    A wrong keyboard layout and one typing error are corrected. After a change of the index, the first call reads it once and
    keeps the result beside it.
    """
    text = as_text(" ".join(typed))
    if not text.strip():
        raise UsageError(_("there is nothing typed yet; type: searchctl suggest retu"))
    with frame.open_searched() as index, Meter(frame, _("documents"), _("reading")) as meter:
        given = index.suggest(text, k, on_progress=meter.update)
    if frame.for_programs:
        print_listing(frame, "suggestions", "suggestion", "suggestions", map(suggestion_json, given), typed=text)
    else:
        for one in given:
            notes = ", ".join(filter(None, [one.repair, printable(one.index)]))
            click.echo(f"{one.kind:<7} {printable(one.text)}" + (f"  ({notes})" if notes else ""))
    if not given and not frame.quiet:
        say(_("searchctl: nothing in the index begins like '{text}'").format(text=printable(text)))
