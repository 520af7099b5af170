"""The command line: parse, call one library function, print. One module a command, loaded when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from searchctl.cli.context import META_ARGV, frame_options, remember_options
from searchctl.cli.failures import explain, guard
from searchctl.cli.language import choose_language, translate_click, translated
from searchctl.cli.lazy import LazyGroup
from searchctl.cli.program_versions import print_versions
from searchctl.translation import _

COMMANDS: dict[str, tuple[str, str]] = {
    "ingest": ("searchctl.cli.ingest", "Read files into an index, resumably."),
    "search": ("searchctl.cli.search", "Find documents by words and by meaning."),
    "suggest": ("searchctl.cli.suggest", "Complete the beginning of a query."),
    "similar": ("searchctl.cli.similar", "Find documents like one of the index, or like a text."),
    "get": ("searchctl.cli.get", "Print stored documents."),
    "delete": ("searchctl.cli.delete", "Delete documents by id or by filter."),
    "indexes": ("searchctl.cli.indexes", "List the indexes there are."),
    "info": ("searchctl.cli.info", "Show what an index holds and how it was made."),
    "doctor": ("searchctl.cli.doctor", "Check the index, the encoder and this machine."),
    "compact": ("searchctl.cli.compact", "Free the space of deleted documents."),
    "evaluate": ("searchctl.cli.evaluate", "Measure how good the hits are, mode by mode."),
    "tune": ("searchctl.cli.tune", "Fit an index's settings to judged queries."),
    "synonyms": ("searchctl.cli.synonyms", "Show or change synonyms."),
    "vectorize": ("searchctl.cli.vectorize", "Add the vectors that are missing."),
    "reembed": ("searchctl.cli.reembed", "Change an index's encoder without downtime."),
    "rollback": ("searchctl.cli.rollback", "Go back to the version of an index before the last change."),
    "pipeline": ("searchctl.cli.pipeline", "Set up OpenSearch's own hybrid search, for other clients."),
    "dump": ("searchctl.cli.dump", "Write an index to portable files."),
    "restore": ("searchctl.cli.restore", "Make an index from a dump, on any engine."),
    "train": ("searchctl.cli.train", "Train an encoder, a reranker or a classifier on your own texts."),
    "improve": ("searchctl.cli.improve", "Train an encoder on an index; taken only if proven better."),
    "route": ("searchctl.cli.route", "Route texts to labels that have a handful of examples."),
    "generate": ("searchctl.cli.generate", "Have a language model write data to measure, tune and train with."),
    "models": ("searchctl.cli.models", "List, fetch and convert encoders."),
    "gateway": ("searchctl.cli.gateway", "Make the search of an app hybrid without changing it."),
    "answer": ("searchctl.cli.answer", "Answer a question with a sentence of a document."),
    "cluster": ("searchctl.cli.cluster", "Sort a collection into topics, with names and a map."),
    "duplicates": ("searchctl.cli.duplicates", "Find texts that say the same."),
    "serve": ("searchctl.cli.serve", "Serve a search page and an HTTP API."),
    "mcp": ("searchctl.cli.mcp", "Offer search as tools for agents."),
    "config": ("searchctl.cli.config", "Show the effective settings and where they come from."),
    "completion": ("searchctl.cli.completion", "Print the completion script of a shell."),
    "schema": ("searchctl.cli.schema", "Print the JSON Schema of what commands print."),
    "version": ("searchctl.cli.program_versions", "Print the versions of searchctl and what it runs on."),
    "help": ("searchctl.cli.help", "Show the help of a command."),
}
SECTIONS: dict[str, tuple[str, ...]] = {
    "Start here": ("ingest", "search", "answer", "suggest", "similar", "serve"),
    "Indexes and documents": ("indexes", "info", "get", "delete", "synonyms", "doctor", "compact"),
    "Quality": ("evaluate", "tune", "train", "improve", "generate"),
    "Classify and explore": ("route", "cluster", "duplicates"),
    "Models and moving data": ("models", "reembed", "rollback", "vectorize", "dump", "restore"),
    "Other programs": ("gateway", "pipeline", "mcp"),
    "This program": ("help", "version", "config", "completion", "schema"),
}
_SERVE = "a search page and an HTTP API are served by: searchctl serve"
_INGEST = "files are read into an index by: searchctl ingest FOLDER"
_INDEXES = "the indexes there are: searchctl indexes; what one of them holds: searchctl info"
MEANT: dict[str, str] = {  # commands of other programs, and where the same is done here
    **dict.fromkeys(("list", "ls", "collections", "show"), _INDEXES),
    **dict.fromkeys(("web", "ui", "api", "server", "http"), _SERVE),
    **dict.fromkeys(("index", "load", "import", "add", "insert", "init"), _INGEST),
    **dict.fromkeys(
        ("query", "find", "ask"), "searching is: searchctl search WORDS; a question's answer: searchctl answer"
    ),
    **dict.fromkeys(
        ("remove", "rm", "drop"),
        "documents are deleted by: searchctl delete ID; a version of an index by: searchctl rollback --drop VERSION",
    ),
    **dict.fromkeys(("classify", "predict", "label"), "texts are labelled by: searchctl route predict TEXT"),
    **dict.fromkeys(("status", "stats"), "what an index holds: searchctl info; what is wrong: searchctl doctor"),
    **dict.fromkeys(("bench", "benchmark", "eval"), "quality is measured by: searchctl evaluate"),
    **dict.fromkeys(("export", "backup"), "an index is written to files by: searchctl dump FOLDER"),
}
EXIT_CODES = (
    ("0", "done"),
    ("1", "failed"),
    ("2", "wrong usage or settings"),
    ("3", "finished, but some documents became dead letters, or requests had no answer"),
    ("4", "a server can't be reached or refuses the credentials"),
    ("5", "a quality gate wasn't met"),
    ("130", "interrupted; what was done is kept"),
)


class SearchctlGroup(LazyGroup):
    """The program itself: what its commands raise becomes a sentence and an exit code."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, then the exit codes."""
        super().format_commands(ctx, formatter)
        with formatter.section(_("Exit codes")):
            formatter.write_dl([(code, _(meaning)) for code, meaning in EXIT_CODES])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the last paragraph of the help."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(translated(self.epilog or ""))

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
        translate_click()
        choose_language(sys.argv[1:] if args is None else args)

        def call() -> Any:
            return click.Group.main(self, args, name, complete_var, standalone_mode=False, **extra)

        return sys.exit(guard(call)) if standalone_mode else call()


@click.group(
    cls=SearchctlGroup,
    commands=COMMANDS,
    sections=SECTIONS,
    takes_plugins=True,
    refused=MEANT,
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
