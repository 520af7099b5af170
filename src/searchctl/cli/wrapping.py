"""Prose on a terminal breaks at words; a command that is to be typed is never broken."""

from __future__ import annotations

import re
import shutil
import textwrap
from typing import IO

_WORD = r"(?:'[^']*'|\"[^\"]*\"|[^\s;]+)"
_COMMAND = (
    re.compile(  # after a colon, a dash or at a line's beginning: the whole of it; within a sentence its first words
        rf"(?:(?<=: )|(?<=→ )|(?<=^)|(?<=\n))(?:searchctl|pip|mkdir)(?: {_WORD}(?<![,.]))+|searchctl(?: [\w-]+){{1,2}}"
    )
)
_HARD = "\ue000"  # stands for a blank that isn't broken at
_NARROWEST = 20


def wrapped(text: str, width: int, indent: str = "") -> str:
    """Return the text in lines of at most `width` characters, those after the first indented; a long word or command stays whole."""
    return "\n".join(_line(line, max(width, _NARROWEST), indent) for line in text.split("\n"))


def width_of(stream: IO[str]) -> int | None:
    """Return the width in characters of the terminal that a stream writes to; None where it is none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _line(line: str, width: int, indent: str) -> str:
    if len(line) <= width:
        return line
    lead = line[: len(line) - len(line.lstrip())]
    held = _COMMAND.sub(lambda match: match[0].replace(" ", _HARD), line.strip())
    lines = textwrap.wrap(
        held,
        width,
        initial_indent=lead,
        subsequent_indent=lead + indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(_HARD, " ")
