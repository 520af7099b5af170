"""What every command shares: the global options, the settings they lead to, and how much is said."""

from __future__ import annotations

import copy
import functools
import logging
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from searchctl.cli.completions import complete_encoder, complete_index
from searchctl.cli.language import OPTION, translated
from searchctl.cli.output import on_terminal, printable
from searchctl.settings.config import Settings, load_settings
from searchctl.settings.secrets import mask, passwords_in
from searchctl.translation import LANGUAGES, _

if TYPE_CHECKING:
    from searchctl.across import Indexes
    from searchctl.index import Index

META_ARGV = "searchctl.argv"
META_SECRETS = "searchctl.settings.secrets"
META_VERBOSITY = "searchctl.verbosity"
_META_OPTIONS = "searchctl.options"
_NAMES = ("engine", "index", "encoder", "profile", "ca_certs", "insecure", "quiet", "verbose", "json_output")

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Frame:
    """The settings of this call, and how its output is wanted."""

    settings: Settings
    quiet: bool
    verbosity: int
    json: bool
    argv: tuple[str, ...]

    @property
    def for_programs(self) -> bool:
        """Whether a program reads standard output: with --json one object, in a pipe JSON Lines."""
        return self.json or not on_terminal()

    @property
    def reports_json(self) -> bool:
        """The same for what merely tells that something was done, which -q keeps back."""
        return self.json or not (self.quiet or on_terminal())

    def open_index(self) -> Index:
        """Open the index the settings name, which must be there."""
        from searchctl.index import Index

        where = self.settings
        return Index.open(where.engine, where.index, encoder=where.encoder, connection=where.connection, create=False)

    def open_searched(self) -> Index | Indexes:
        """Open the index the settings name, or all of those that they name with commas between."""
        from searchctl.across import Indexes
        from searchctl.errors import IndexFormatError, IndexMissing, UsageError

        where = self.settings
        if "," not in where.index:
            return self.open_index()
        try:
            return self.open_index()  # on a server a name with commas may mean indexes of others, which are one there
        except (IndexMissing, IndexFormatError, UsageError):
            return Indexes.open(where.engine, where.index, connection=where.connection)

    def public(self, text: str) -> str:
        """Return the text without secrets."""
        return mask(text, self.settings.secrets)

    def hint(self, *words: str) -> str:
        """Return a command for the same index, naming the engine and the index where they were typed."""
        found = {one.key: one for one in self.settings.shown}
        options = ["--engine", self.settings.engine] if found["engine"].origin == "--engine" else []
        if self.settings.index != found["index"].value or found["index"].origin == "--index":
            options += ["--index", self.settings.index]
        return self.public(shlex.join(["searchctl", *words, *options]))


class GlobalOption(click.Option):
    """An option that is listed apart, because every command has it."""


ALSO: Mapping[str, str] = {  # what other programs call an option, and what this one called it before
    "--top-k": "-k",
    "--topk": "-k",
    "--limit": "-k",
    "--top": "-k",
    "--size": "-k",
    "-n": "-k",
    "--model": "--encoder",
    "--filter": "--where",
    "--offset": "--from",
    "--host": "--engine",
    "--url": "--engine",
    "--out": "--output",
    "--run": "--output",
    "--html": "--output",
    "--judgements": "--judgments",
    "--qrels": "--judgments",
    "--text-field": "--text",
    "--title-field": "--title",
    "--id-field": "--id",
}


class Command(click.Command):
    """A command whose help shows examples, and its own options before the global ones.

    It understands the names in `ALSO` too, as far as it has what they mean and no option of that name itself.
    """

    def __init__(self, *args: Any, examples: Sequence[str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.examples = tuple(examples)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what was typed, its options by the names they have here."""
        own = {name for option in self.get_params(ctx) for name in (*option.opts, *option.secondary_opts)}
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [*(_own_name(word, own) for word in args[:end]), *args[end:]])

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description, then the examples."""
        _write_description(self.help, formatter)
        _write_examples(self.examples, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write two sections of options."""
        write_options(self, ctx, formatter)


def _own_name(word: str, own: Set[str]) -> str:
    if word[:2] == "-n" and word[2:].isdecimal() and "-n" not in own and "-k" in own:
        return f"-k{word[2:]}"
    name, equals, value = word.partition("=")
    meant = ALSO.get(name)
    if name in own or meant is None or meant not in own:
        return word
    if not equals:
        return meant
    return f"{meant}={value}" if meant.startswith("--") else meant + value


def write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write a command's own options, then the global ones."""
    own: list[tuple[str, str]] = []
    shared: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        record = _translated(parameter).get_help_record(ctx)
        if record and record[1]:
            (shared if isinstance(parameter, GlobalOption) else own).append(record)
    for title, records in ((_("Options"), own), (_("Global options"), shared)):
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


class GroupWithExamples(click.Group):
    """A group whose help shows examples."""

    def __init__(self, *args: Any, examples: Sequence[str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.examples = tuple(examples)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description, then the examples."""
        _write_description(self.help, formatter)
        _write_examples(self.examples, formatter)


def _translated(parameter: click.Parameter) -> click.Parameter:
    if not isinstance(parameter, click.Option) or not parameter.help:
        return parameter
    shown = copy.copy(parameter)
    shown.help = _(parameter.help)
    return shown


def _write_description(text: str | None, formatter: click.HelpFormatter) -> None:
    if text:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(translated(text))


def _write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    with formatter.section(_("Examples")):
        for line in examples:
            formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def frame_options(function: Function) -> Function:
    """Add the global options."""
    options = (
        click.option(
            "--engine", metavar="URL", cls=GlobalOption, help="Folder or server of the index [default: .searchctl]."
        ),
        click.option(
            "--index",
            metavar="NAME",
            cls=GlobalOption,
            help="Index in it; search takes a,b too [default: default; of route: routes].",
            shell_complete=complete_index,
        ),
        click.option(
            "--encoder",
            metavar="NAME",
            cls=GlobalOption,
            shell_complete=complete_encoder,
            help="Encoder, by name or path [default: the index's own].",
        ),
        click.option("--profile", metavar="NAME", cls=GlobalOption, help="Profile of ~/.config/searchctl/config.toml."),
        click.option(
            "--ca-certs",
            metavar="PATH",
            cls=GlobalOption,
            help="Certificates to trust a server by [default: the system's].",
        ),
        click.option("--insecure", is_flag=True, cls=GlobalOption, help="Don't verify a server's certificate."),
        click.option("-q", "--quiet", is_flag=True, cls=GlobalOption, help="Print results only, no notes or progress."),
        click.option("-v", "--verbose", count=True, cls=GlobalOption, help="Say more; -vv shows tracebacks."),
        click.option(
            OPTION,
            type=click.Choice(LANGUAGES),
            cls=GlobalOption,
            expose_value=False,  # it's known before, from what was typed (cli/language.py)
            help="Language of help and messages [default: the environment's].",
        ),
        click.option(
            "--json", "json_output", is_flag=True, cls=GlobalOption, help="Print one JSON object and nothing else."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def as_text(argument: str) -> str:
    """Return what was typed as valid Unicode, whatever the locale made of it; bytes that aren't UTF-8 escaped."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def remember_options(ctx: click.Context, options: dict[str, Any]) -> None:
    """Keep the global options that stand before the command's name."""
    ctx.meta[_META_OPTIONS] = options


def framed(function: Callable[..., None]) -> Callable[..., None]:
    """Add the global options to a command, and give it its `Frame` as first argument."""

    @frame_options
    @click.pass_context
    @functools.wraps(function)
    def wrapper(ctx: click.Context, /, **values: Any) -> None:
        before = ctx.meta.get(_META_OPTIONS, {})
        options = {name: values.pop(name) or before.get(name) for name in _NAMES}
        ctx.meta[META_VERBOSITY] = options["verbose"] or 0
        flags = {name: options[name] for name in ("engine", "index", "encoder", "profile")}
        flags |= {f"connection.{name}": options[name] or None for name in ("ca_certs", "insecure")}
        ctx.meta[META_SECRETS] = passwords_in(
            options["engine"] or ""
        )  # what is wrong with an address is told without them
        settings = load_settings(flags)
        ctx.meta[META_SECRETS] = settings.secrets
        frame = Frame(
            settings=settings,
            quiet=bool(options["quiet"]),
            verbosity=options["verbose"] or 0,
            json=bool(options["json_output"]),
            argv=ctx.meta.get(META_ARGV, ()),
        )
        _log_to_stderr(frame)
        function(frame, **values)

    return wrapper


class _Masking(logging.Formatter):
    def __init__(self, frame: Frame) -> None:
        super().__init__("searchctl: %(levelname)s: %(message)s")
        self._frame = frame

    def format(self, record: logging.LogRecord) -> str:
        return printable(self._frame.public(super().format(record)))


def _log_to_stderr(frame: Frame) -> None:
    logger = logging.getLogger("searchctl")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masking(frame))
    logger.handlers = [handler]
    logger.propagate = False
    levels = (logging.WARNING, logging.INFO, logging.DEBUG)
    logger.setLevel(logging.ERROR if frame.quiet else levels[min(frame.verbosity, 2)])
