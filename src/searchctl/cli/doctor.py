"""`searchctl doctor`: whether everything a search stands on is well."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import FAILED
from searchctl.cli.output import echo, on_terminal, print_json, printable

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command(
    "doctor", cls=Command, examples=("searchctl doctor", "searchctl doctor --deep --engine ./my-index --json")
)
@click.option("--deep", is_flag=True, help="Read all files of the index too, and compare them with their checksums.")
@framed
def command(frame: Frame, *, deep: bool) -> None:
    """Check this machine, the index and its encoder; fails when something is broken."""
    from searchctl.lifecycle.doctor import examine

    where = frame.settings
    findings = examine(where.engine, where.index, encoder=where.encoder, connection=where.connection, deep=deep)
    well = all(one.level != "error" for one in findings)
    if frame.json:
        rows = [
            {"level": one.level, "subject": one.subject, "message": frame.public(one.message), "fix": one.fix}
            for one in findings
        ]
        print_json({"ok": well, "findings": rows})
    else:
        for one in findings:
            if frame.quiet and one.level == "ok":
                continue
            echo(f"{_level(one.level)} {one.subject:<12} {printable(frame.public(one.message))}")
            if one.fix:
                echo(f"{'':8} {'':12} → {one.fix}")
    if not well:
        click.get_current_context().exit(FAILED)


def _level(level: str) -> str:
    import os

    word = f"{level:<8}"
    return click.style(word, fg=_COLOURS[level]) if on_terminal() and not os.environ.get("NO_COLOR") else word
