"""`searchctl help`: the help of the program or of a command, for those who type it as a word."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.translation import _


@click.command("help", cls=Command, examples=("searchctl help search", "searchctl help route predict"))
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
@framed
def command(frame: Frame, names: tuple[str, ...]) -> None:
    """Show the help of a command, or of the program."""
    ctx = click.get_current_context()
    found = ctx.find_root()
    for name in names:
        group = found.command
        if not isinstance(group, click.Group):
            raise click.UsageError(
                _("'{info_name}' has no commands of its own; see: {command_path} --help").format(
                    info_name=found.info_name, command_path=found.command_path
                ),
                ctx,
            )
        _name, inner, _rest = group.resolve_command(found, [name])
        assert inner is not None
        found = click.Context(inner, parent=found, info_name=name, **inner.context_settings)
    click.echo(found.get_help())
