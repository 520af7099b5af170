"""The catalogues of messages: `python tools/catalogue.py` collects all messages, merges them into the `.po` files and compiles these.

What has no translation yet is listed, and the exit code is then 1. Translations that no message has any more are dropped.
Messages are the arguments of `_`, `ngettext`, `marked` and `count_of` in the source and in HTML templates, the help of all commands
and options, and those of click's own words that its users meet.
"""

from __future__ import annotations

import ast
import io
import re
import string
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from searchctl.cli import EXIT_CODES, main
from searchctl.cli.language import paragraphs_of
from searchctl.cli.lazy import LazyGroup
from searchctl.translation import DOMAIN, LANGUAGES, LOCALES

Text = str | tuple[str, str]
SOURCE = LOCALES.parent
CLICK: tuple[Text, ...] = (
    "Usage:",
    "Options",
    "Commands",
    "Error: {message}",
    "Missing command.",
    "Missing argument",
    "Missing option",
    "Missing parameter",
    "Missing {param_type}",
    "Invalid value: {message}",
    "Invalid value for {param_hint}: {message}",
    "No such option {name!r}.",
    "Option {name!r} does not take a value.",
    "Option {name!r} requires an argument.",
    "Got unexpected extra argument ({args})",
    "{value!r} is not a valid {number_type}.",
    "{value} is not in the range {range}.",
    "{value!r} is not a valid boolean. Recognized values: {states}",
    "{name} {filename!r} does not exist.",
    "{name} {filename!r} is a directory.",
    "{name} {filename!r} is a file.",
    "{name} {filename!r} is not readable.",
    "{name} {filename!r} is not writable.",
    "Could not open file {filename!r}: {message}",
    "unknown error",
    "file",
    "directory",
    "path",
    "File",
    "Directory",
    "Path",
    "default: {default}",
    "required",
    "Error: invalid input",
    "Error: {e.message}",
    "Show this message and exit.",
    ("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    ("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    ("Takes {nargs} values but 1 was given.", "Takes {nargs} values but {len} were given."),
)
_HEADER = "# Messages of searchctl. Written by tools/catalogue.py: translate here, then run it again."
_SOME_DAY = datetime(
    2026, 1, 1, tzinfo=timezone.utc
)  # the same each time, so that the files differ by their messages only
_TRANSLATING = {"_": 1, "marked": 1, "ngettext": 2}
_IN_TEMPLATE = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\)""")


def messages() -> set[Text]:
    """Return all messages, those with a plural as pairs."""
    texts: set[Text] = set(CLICK)
    for path in SOURCE.rglob("*.py"):
        texts.update(in_source(path.read_text(encoding="utf-8")))
    for path in SOURCE.rglob("*.html"):
        texts.update(ast.literal_eval(match) for match in _IN_TEMPLATE.findall(path.read_text(encoding="utf-8")))
    texts.update(meaning for _code, meaning in EXIT_CODES)
    texts.update(in_help(main, click.Context(main, info_name="searchctl")))
    plural = {text[0] for text in texts if isinstance(text, tuple)}  # a catalogue has a text once
    return {text for text in texts if text and text not in plural}


def in_source(source: str) -> Iterator[Text]:
    """Yield the messages of a module."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in _TRANSLATING:
            texts = [list(_constants(argument)) for argument in node.args[: _TRANSLATING[node.func.id]]]
            yield from texts[0] if len(texts) == 1 else zip(*texts, strict=True)
        elif node.func.id == "count_of" and isinstance(node.args[1], ast.Constant):
            noun = node.args[1].value
            plural = ast.literal_eval(node.args[2]) if len(node.args) > 2 else f"{noun}s"
            yield f"{{count:,}} {noun}", f"{{count:,}} {plural}"


def _constants(node: ast.expr) -> Iterator[str]:
    """Yield what a constant is, or either side of a choice between two."""
    if isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def in_help(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """Yield what the help of a command and of those below it says."""
    for text in (command.help, command.epilog):
        yield from (one for one in paragraphs_of(text or "") if one[0] != "\b")
    yield from (parameter.help or "" for parameter in command.get_params(ctx) if isinstance(parameter, click.Option))
    if isinstance(command, LazyGroup):
        yield from command.said()
    if isinstance(command, click.Group):
        for name in command.own_commands if isinstance(command, LazyGroup) else command.list_commands(ctx):
            inner = command.get_command(ctx, name)
            assert inner is not None
            yield from in_help(inner, click.Context(inner, info_name=name, parent=ctx))


def read(language: str) -> Catalog:
    """Return the catalogue of a language as it is on disk."""
    with path_of(language, "po").open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def path_of(language: str, ending: str) -> Path:
    """Return where the catalogue of a language is."""
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.{ending}"


def merged(before: Catalog, texts: Iterable[Text]) -> Catalog:
    """Return a catalogue of these messages with the translations there are."""
    catalogue = Catalog(before.locale, DOMAIN, project="searchctl", version="", fuzzy=False, header_comment=_HEADER)
    catalogue.revision_date = catalogue.creation_date = _SOME_DAY
    for text in texts:
        known = before.get(text[0] if isinstance(text, tuple) else text)
        same = known is not None and known.id == text
        catalogue.add(text, known.string if known is not None and same else None, flags=known.flags if known else ())
    return catalogue


def compiled(catalogue: Catalog) -> bytes:
    """Return what gettext reads."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def faults(catalogue: Catalog) -> list[str]:
    """Return what is wrong with a catalogue: messages without translation, fuzzy ones, and placeholders that differ."""
    return [fault for message in catalogue if message.id for fault in _faults(message, catalogue.num_plurals)]


def _faults(message: Message, forms: int) -> Iterator[str]:
    # a message of click's may do without its types' names, which are English
    sources = message.id if isinstance(message.id, tuple) else (message.id,)
    translations = message.string if isinstance(message.string, tuple) else (message.string,)
    if not all(translations) or len(translations) != (forms if len(sources) > 1 else 1):
        yield f"no translation: {sources[0]}"
        return
    if message.fuzzy:
        yield f"fuzzy: {sources[0]}"
    wanted = {name for source in sources for name in placeholders(source)}
    for text in translations:
        needed = set() if message.id in CLICK else placeholders(sources[-1])
        if not needed <= placeholders(text) <= wanted:
            yield f"other placeholders: {sources[0]} → {text}"


def placeholders(text: str) -> set[str]:
    """Return the names of a template's values."""
    try:
        return {name for _literal, name, _form, _conversion in string.Formatter().parse(text) if name is not None}
    except ValueError:  # no template: braces of JSON, say
        return set()


def main_of_tool() -> int:
    """Merge and compile all catalogues; return 1 if a translation is missing or wrong."""
    wrong = []
    for language in LANGUAGES[1:]:
        before = read(language) if path_of(language, "po").exists() else Catalog(language)
        catalogue = merged(before, sorted(messages(), key=str))
        path_of(language, "po").parent.mkdir(parents=True, exist_ok=True)
        with path_of(language, "po").open("wb") as file:
            write_po(file, catalogue, width=120, no_location=True, sort_output=True)
        path_of(language, "mo").write_bytes(compiled(catalogue))
        wrong += faults(catalogue)
    print("\n".join(wrong) or "complete")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main_of_tool())
