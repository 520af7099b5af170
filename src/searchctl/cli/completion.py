"""`searchctl completion`: the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from searchctl.cli.context import Command, Frame, framed


@click.command(
    "completion",
    cls=Command,
    examples=(
        'eval "$(searchctl completion bash)"     # in ~/.bashrc',
        'eval "$(searchctl completion zsh)"      # in ~/.zshrc',
        "searchctl completion fish > ~/.config/fish/completions/searchctl.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@framed
def command(frame: Frame, shell: str) -> None:
    """Print the completion script of a shell."""
    writer = get_completion_class(shell)
    assert writer is not None
    group = click.get_current_context().find_root().command
    click.echo(writer(group, {}, "searchctl", "_SEARCHCTL_COMPLETE").source())
