"""`searchctl compact`: an index's files as small as they can be."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.output import print_json
from searchctl.translation import _


@click.command("compact", cls=Command, examples=("searchctl compact", "searchctl compact --engine ./my-index"))
@framed
def command(frame: Frame) -> None:
    """Free the space of deleted and replaced documents; searching goes on meanwhile.

    This also happens by itself once a large part of an index is unused. The disk needs room for a second copy while it runs.
    """
    from searchctl.lifecycle.compact import compact

    with frame.open_index() as index:
        report = compact(index)
    if frame.reports_json:
        print_json("compaction", {"index": frame.settings.index, "before": report.before, "after": report.after})
    elif not frame.quiet:
        click.echo(
            _("{before:,.1f} MB before, {after:,.1f} MB after").format(
                before=report.before / 1000000.0, after=report.after / 1000000.0
            )
        )
