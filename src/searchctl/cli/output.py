"""Printing: JSON for programs, tables for people, and nothing that could upset a terminal."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from searchctl.cli.wrapping import width_of, wrapped
from searchctl.errors import StorageError, UsageError
from searchctl.files import is_same_file
from searchctl.translation import _, ngettext
from searchctl.translation import number as written

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


JSON_VERSION = 1  # of all kinds of objects; a key is only ever added under the same number
_NARROWEST = 5  # what a column of words is folded to, to leave room for others
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNESCAPED = re.compile(
    r"[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)  # those of them that JSON leaves as they are


def refuse_overwriting(outputs: Iterable[Path | None], inputs: Iterable[str | Path | None]) -> None:
    """Raise UsageError where something would be written over a file that is read for it."""
    read = [path for path in inputs if path is not None]
    for output in outputs:
        if output is not None and any(is_same_file(output, path) for path in read):
            raise UsageError(
                _("{output} is read itself, and writing would destroy it; name another file to write to").format(
                    output=output
                )
            )


def refuse_unwritable(outputs: Iterable[Path | None]) -> None:
    """Raise StorageError for a file that can't be written, before the work whose outcome it is for."""
    for output in outputs:
        if output is None:
            continue
        folder = output.parent
        if not folder.is_dir():
            message = _("there is no folder {folder} to write {name} into; make it with: mkdir -p {folder}")
            raise StorageError(message.format(folder=folder, name=output.name))
        if output.is_dir() or not os.access(output if output.exists() else folder, os.W_OK):
            message = _("{path} can't be written; check its permissions, or name another file")
            raise StorageError(message.format(path=output))


def on_terminal() -> bool:
    """Tell whether a person reads stdout."""
    return sys.stdout.isatty()


def _as_json(value: Any, indent: int | None = None) -> str:
    """Letters stay letters where stdout can carry them; what could drive a terminal is escaped."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, ensure_ascii=plain, indent=indent, default=str)
    return _UNESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def print_json(kind: str, value: Mapping[str, Any]) -> None:
    """Print one JSON object of a kind that docs/json.md and schemas.json describe."""
    click.echo(_as_json(stamped(kind, value), 2 if on_terminal() else None))


def print_json_lines(kind: str, values: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON object a line, all of one kind."""
    for value in values:
        click.echo(_as_json(stamped(kind, value)))


def stamped(kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with the name and version of its schema before all else."""
    return {"schema": f"{kind}/{JSON_VERSION}", **value}


def printable(text: str) -> str:
    """Return the text without the control characters by which a document could drive the terminal."""
    return _CONTROL.sub(" ", text)


def echo(text: str = "") -> None:
    """Print lines of text for people, wrapped at words on a terminal, without control characters."""
    width = width_of(sys.stdout)
    click.echo(printable(text) if width is None else wrapped(printable(text), width))


def stdout_console() -> Console:
    """Return rich's console on stdout; it honours NO_COLOR and the terminal's width."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=False)


def drawn(lines: Callable[[int], Sequence[Text]]) -> str:
    """Return lines of styled text as they are written to this terminal; `lines` is given its width in characters."""
    console = stdout_console()
    with console.capture() as capture:
        for line in lines(console.width):
            console.print(line, soft_wrap=True)
    return capture.get()


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: drawn on a terminal, tab-separated lines without headings in a pipe."""
    if not on_terminal():
        for row in rows:
            click.echo("\t".join(printable(cell).replace("\n", " ") for cell in row))
        return
    from rich.table import Table
    from rich.text import Text

    console = stdout_console()
    whole = _whole_columns(headings, rows, console.width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at, heading in enumerate(headings):
        table.add_column(printable(heading), overflow="fold", no_wrap=at in whole)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)


def _whole_columns(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> set[int]:
    """Return the columns that aren't folded: those of single words, such as labels, if all of them have room."""
    words = {at for at in range(len(headings)) if not any(" " in row[at] for row in rows)}
    needed = sum(max(len(line[at]) for line in (headings, *rows)) for at in words)
    others = _NARROWEST * (len(headings) - len(words)) + 2 * (len(headings) - 1)
    return words if needed + others <= width else set()


def print_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Print `name: value` lines, the values in one column."""
    width = max((len(name) for name, _ignored in pairs), default=0)
    for name, value in pairs:
        line = printable(f"{name:<{width}}  {value}".rstrip())
        room = width_of(sys.stdout)
        click.echo(line if room is None else wrapped(line, room, " " * (width + 2)))


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 document` or `1,204 documents`."""
    many = plural or f"{noun}s"
    return ngettext(f"{{count:,}} {noun}", f"{{count:,}} {many}", number).format(count=number)


def size_of(octets: int) -> str:
    """Return a size as people read it: `312 B`, `4.1 MB`."""
    exponent = next((power for power in range(3) if octets < 1000 ** (power + 1)), 3)
    size = octets / 1000**exponent
    return f"{written(size, '.0f' if exponent == 0 or size >= 100 else '.1f')} {unit_of(exponent)}"


def unit_of(exponent: int) -> str:
    """Return the name of 1000 ** `exponent` bytes, from bytes to gigabytes."""
    return (_("B"), _("kB"), _("MB"), _("GB"))[exponent]


def duration_of(seconds: float) -> str:
    """Return a duration as people read it: `0.8 s`, `2 min 05 s`, `1 h 10 min`."""
    if seconds < 60:
        return _("{seconds:.1f} s").format(seconds=seconds)
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("{minutes} min {seconds:02d} s").format(minutes=minutes, seconds=rest)
    return _("{hours} h {minutes:02d} min").format(hours=minutes // 60, minutes=minutes % 60)
