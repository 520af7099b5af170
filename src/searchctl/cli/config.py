"""`searchctl config`: the effective settings."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, GroupWithExamples, framed
from searchctl.cli.listing import print_listing
from searchctl.cli.output import print_table
from searchctl.translation import _


@click.group("config", cls=GroupWithExamples, examples=("searchctl config show",))
def command() -> None:
    """Show the settings."""


@command.command("show", cls=Command, examples=("searchctl config show", "searchctl --profile prod config show --json"))
@framed
def show(frame: Frame) -> None:
    """Show each setting, secrets masked, and where it comes from."""
    if frame.for_programs:
        rows = [
            {"setting": one.key, "value": one.value, "origin": frame.public(one.origin)} for one in frame.settings.shown
        ]
        print_listing(frame, "settings", "setting", "settings", rows)
        return
    cells = [(one.key, "-" if one.value is None else str(one.value), one.origin) for one in frame.settings.shown]
    print_table((_("setting"), _("value"), _("from")), [tuple(map(frame.public, row)) for row in cells])
