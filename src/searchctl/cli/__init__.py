"""The command line: parse, call one library function, print. One module a command, loaded when it is called."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from searchctl.cli.context import META_ARGV, GroupWithExamples, frame_options, remember_options
from searchctl.cli.failures import explain, guard
from searchctl.cli.program_versions import print_versions

COMMANDS: dict[str, tuple[str, str]] = {
    "ingest": ("searchctl.cli.ingest", "Read files into an index, resumably."),
    "search": ("searchctl.cli.search", "Find documents by words and by meaning."),
    "similar": ("searchctl.cli.similar", "Find documents like one of the index, or like a text."),
    "get": ("searchctl.cli.get", "Print stored documents."),
    "delete": ("searchctl.cli.delete", "Delete documents by id or by filter."),
    "info": ("searchctl.cli.info", "Show what an index holds and how it was made."),
    "doctor": ("searchctl.cli.doctor", "Check the index, the encoder and this machine."),
    "evaluate": ("searchctl.cli.evaluate", "Measure how good the answers are, mode by mode."),
    "tune": ("searchctl.cli.tune", "Fit how an index joins its legs to judged queries."),
    "synonyms": ("searchctl.cli.synonyms", "Show or change the words that searches look for as well."),
    "vectorize": ("searchctl.cli.vectorize", "Add the vectors that are missing."),
    "reembed": ("searchctl.cli.reembed", "Change an index's encoder without downtime."),
    "rollback": ("searchctl.cli.rollback", "Go back to the version of an index before the last change."),
    "pipeline": ("searchctl.cli.pipeline", "Set up OpenSearch's own hybrid search, for other clients."),
    "dump": ("searchctl.cli.dump", "Write an index to portable files."),
    "restore": ("searchctl.cli.restore", "Make an index from a dump, on any engine."),
    "route": ("searchctl.cli.route", "Route texts to labels that have a handful of examples."),
    "answer": ("searchctl.cli.answer", "Answer a question with the sentence that says it."),
    "cluster": ("searchctl.cli.cluster", "Sort a collection into topics, with names and a map."),
    "duplicates": ("searchctl.cli.duplicates", "Find texts that say the same."),
    "config": ("searchctl.cli.config", "Show the effective settings and where they come from."),
    "completion": ("searchctl.cli.completion", "Print the completion script of a shell."),
}
EXIT_CODES = (
    ("0", "done"),
    ("1", "failed"),
    ("2", "wrong usage or settings"),
    ("3", "finished, but some documents became dead letters"),
    ("4", "a server can't be reached or refuses the credentials"),
    ("5", "a quality gate wasn't met"),
    ("130", "interrupted; what was done is kept"),
)


class LazyGroup(GroupWithExamples):
    """A group which knows its commands by name and loads the module of the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return its `command`."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with the nearest name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "see: searchctl --help"
            raise click.UsageError(f"no command '{args[0]}'; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands and the exit codes without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])
        with formatter.section("Exit codes"):
            formatter.write_dl(EXIT_CODES)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Complete command names without importing them."""
        names = [CompletionItem(name, help=COMMANDS[name][1]) for name in COMMANDS if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what was typed, for the command that resumes an interrupted one."""
        ctx.meta[META_ARGV] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it raises becomes one line on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            ctx.exit(explain(error, ctx.meta))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line as click does, with this project's messages and exit codes."""
        name = prog_name or "searchctl"

        def call() -> Any:
            return click.Group.main(self, args, name, complete_var, standalone_mode=False, **extra)

        return sys.exit(guard(call)) if standalone_mode else call()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings: flag > environment > .env > searchctl.toml > ~/.config/searchctl/config.toml; "
    "see them with: searchctl config show",
    examples=(
        "searchctl ingest docs/",
        'searchctl search "how do I return an item"',
        'searchctl search "возврат товара" --where lang=ru -k 5',
        "searchctl info",
    ),
)
@frame_options
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_versions,
    help="Print the versions of searchctl and what it runs on.",
)
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """Hybrid text search, by words and by meaning: on a folder, OpenSearch or Elasticsearch."""
    remember_options(ctx, options)
