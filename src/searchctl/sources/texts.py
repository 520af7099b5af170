"""Plain text and Markdown: one file, one document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from searchctl.types import Value

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r" {0,3}(```|~~~)")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(\S.*)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_STRESS = re.compile(r"(\*\*|__)(?=\S)([^*_\n]+?)(?<=\S)\1")


class Page(NamedTuple):
    """A whole file's content. An empty title is unknown; `damage` says what of the file couldn't be read."""

    text: str
    title: str = ""
    fields: Mapping[str, Value] = {}
    damage: str = ""


def markdown(text: str) -> Page:
    """Return a Markdown file's content: fields and title from front matter, else the first heading as title.

    Links give their words, emphasis and comments go, code stays as it is. A heading that became the title leaves the text.
    """
    text = text.replace("\r\n", "\n").lstrip("\ufeff")
    fields: dict[str, Value] = {}
    if found := _FRONT_MATTER.match(text):
        fields = _front_matter(found.group(1))
        text = text[found.end() :]
    title = fields.pop("title", "")
    lines, code = _plain(without(text, "<!--", "-->"))
    heading = _first_heading(lines, code)
    if heading is None:
        return Page("\n".join(lines), str(title), fields)
    first, after, words = heading
    before = "\n".join(lines[:first])
    if not before.strip() and (not title or title == words):
        lines = lines[after:]
    return Page("\n".join(lines), str(title) or words, fields)


def without(text: str, start: str, end: str) -> str:
    """Return the text without what stands between two marks; an unclosed mark is text."""
    # Not by a pattern: that would look to the end of the text from each of many unclosed marks.
    parts, place = [], 0
    while (first := text.find(start, place)) >= 0 and (last := text.find(end, first + len(start))) >= 0:
        parts.append(text[place:first])
        place = last + len(end)
    return "".join([*parts, text[place:]])


def _front_matter(block: str) -> dict[str, Value]:
    """Read the simple part of YAML: `key: value`, `key: [a, b]`, and `- item` lines below a key."""
    fields: dict[str, Value] = {}
    key = ""
    for line in block.splitlines():
        name, colon, rest = line.partition(":")
        if colon and name[:1] not in ("", " ", "\t", "#", "-") and (not rest or rest[0].isspace()):
            key = name.rstrip()
            value = _scalars(rest)
            if value is not None:
                fields[key] = value
        elif line.lstrip().startswith("- ") and key:
            held = fields.get(key, [])
            item = _scalar(line.lstrip()[2:])
            if isinstance(held, list) and item != "":
                fields[key] = [*held, item]
    return fields


def _scalars(text: str) -> Value | None:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return [one for part in text[1:-1].split(",") if (one := _scalar(part)) != ""] or None
    value = _scalar(text)
    return None if value == "" else value


def _scalar(text: str) -> str | int | float | bool:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    if text in ("null", "~"):
        return ""
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?(0|[1-9]\d{0,17})\.\d{1,17}", text) else text


def _plain(text: str) -> tuple[list[str], set[int]]:
    """Return Markdown's lines with links and strong emphasis as words, and which lines are code: those are left alone."""
    lines: list[str] = []
    code: set[int] = set()
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark.group(1) == fence):
            fence = "" if fence else mark.group(1)
            continue
        if fence:
            code.add(len(lines))
        elif "[" in line or "*" in line or "_" in line:
            line = _STRESS.sub(r"\2", _LINK.sub(r"\1", line))
        lines.append(line)
    return lines, code


def _first_heading(lines: list[str], code: set[int]) -> tuple[int, int, str] | None:
    """Return the first heading's first line, the line after it, and its words."""
    for number, line in enumerate(lines):
        if number in code:
            continue
        if found := _HEADING.fullmatch(line):
            return number, number + 1, found.group(1).rstrip().rstrip("#").rstrip()
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if line.strip() and _UNDERLINE.fullmatch(below) and not line.lstrip().startswith(("-", "|", ">")):
            return number, number + 2, line.strip()
    return None
