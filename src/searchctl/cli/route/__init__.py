"""`searchctl route`: texts to labels that have a handful of examples. Each of its commands is loaded when it is called."""

from __future__ import annotations

import difflib
import importlib

import click

from searchctl.cli.context import GroupWithExamples

COMMANDS: dict[str, tuple[str, str]] = {
    "add": ("examples", "Add examples of a label, or its description."),
    "import": ("examples", "Add labelled texts from a file."),
    "remove": ("examples", "Remove a label, or examples."),
    "labels": ("examples", "List the labels with their examples."),
    "undo": ("examples", "Take back the last change."),
    "predict": ("predict", "Route texts, with confidence and reasons."),
    "check": ("check", "Find what is wrong with the examples, and what to label next."),
    "impact": ("check", "Say what new examples would change, before adding them."),
    "discover": ("discover", "Find labels that are missing, in texts without one."),
    "apply": ("apply", "Label the documents of an index."),
    "evaluate": ("evaluate", "Measure few-shot routing on labelled texts."),
}
_FIT = (
    "there is nothing to fit: examples take effect at once, without training. Training a head isn't part of searchctl; one that "
    "was trained elsewhere decides as the `scorer` of Router.predict"
)


class RouteGroup(GroupWithExamples):
    """Knows its commands by name and imports the module of the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return what it calls `NAME_command`."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"searchctl.cli.route.{COMMANDS[cmd_name][0]}")
        found: click.Command = getattr(module, f"{cmd_name}_command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with the nearest name."""
        if args and args[0] == "fit":
            raise click.UsageError(_FIT, ctx)
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "see: searchctl route --help"
            raise click.UsageError(f"no command 'route {args[0]}'; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    "route",
    cls=RouteGroup,
    examples=(
        'searchctl route add billing/refund "I want my money back" "When do I get my refund?"',
        "searchctl route import tickets.csv --text message --label queue",
        'searchctl route predict "They charged me twice"',
        "searchctl route predict tickets.jsonl --target-precision 0.95",
    ),
)
def command() -> None:
    """Route texts to labels that have a handful of examples each, effective at once.

    Examples live in the index 'routes' of the engine, or in the one named with --index.
    """
