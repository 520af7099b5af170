"""`searchctl doctor`: whether everything a search stands on is well."""

from __future__ import annotations

import os
import sys

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import FAILED
from searchctl.cli.lazy import LazyGroup
from searchctl.cli.listing import print_listing
from searchctl.cli.output import on_terminal, printable
from searchctl.cli.wrapping import width_of, wrapped
from searchctl.translation import _, marked

_COLOURS = {marked("ok"): "green", marked("warning"): "yellow", marked("error"): "red"}


@click.command(
    "doctor", cls=Command, examples=("searchctl doctor", "searchctl doctor --deep --engine ./my-index --json")
)
@click.option("--deep", is_flag=True, help="Read all files of the index too, and compare them with their checksums.")
@framed
def command(frame: Frame, *, deep: bool) -> None:
    """Check this machine, the index, its encoder and plugins; exit with 1 if something is broken."""
    from searchctl.cli.plugins import examine_plugins
    from searchctl.lifecycle.doctor import examine

    where = frame.settings
    program = click.get_current_context().find_root().command
    assert isinstance(program, LazyGroup)
    findings = [
        *examine(where.engine, where.index, encoder=where.encoder, connection=where.connection, deep=deep),
        *examine_plugins(program.is_own),
    ]
    well = all(one.level != "error" for one in findings)
    if frame.for_programs:
        rows = [
            {"level": one.level, "subject": one.subject, "message": frame.public(one.message), "fix": one.fix}
            for one in findings
        ]
        print_listing(frame, "checkup", "finding", "findings", rows, ok=well)
    else:
        for one in findings:
            if frame.quiet and one.level == "ok":
                continue
            _print_line(one.level, f"{_(one.level):<8} {one.subject:<12} {printable(frame.public(one.message))}")
            if one.fix:
                _print_line("", f"{'':8} {'':12} → {one.fix}")
    if not well:
        click.get_current_context().exit(FAILED)


def _print_line(level: str, line: str) -> None:
    """Print a line wrapped to the terminal, its level, which it begins with, in its colour."""
    width = width_of(sys.stdout)
    line = line if width is None else wrapped(line, width, " " * 22)
    coloured = level and on_terminal() and not os.environ.get("NO_COLOR")
    click.echo(click.style(line[: len(_(level))], fg=_COLOURS[level]) + line[len(_(level)) :] if coloured else line)
