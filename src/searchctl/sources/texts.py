"""Plain text: one file, one document. Words that a line end parts with a hyphen are joined."""

from __future__ import annotations

import re

from searchctl.sources.pages import Page, PageInput

_HYPHENATION = re.compile(r"([^\W\d_]+)[-\u2010]\r?\n[ \t]*([^\W\d_]+)")
_KEPT_BEFORE = frozenset("кое self well non semi half multi co all anti pre post cross по".split())
_KEPT_AFTER = frozenset("то либо нибудь таки ка то-то".split())


def plain(given: PageInput) -> Page:
    """Read a text file; raises Unreadable."""
    return Page(without_hyphenation(given.text()))


def without_hyphenation(text: str) -> str:
    """Return the text with words joined that a hyphen at the end of a line parts.

    The hyphen stays where the word is written with one elsewhere in the text, in what is always written so (`кто-то`,
    `self-service`), and before a capital.
    """
    if "-\n" not in text and "-\r" not in text and "\u2010" not in text:
        return text
    written = {word.lower() for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)+", text)}

    def joined(parts: re.Match[str]) -> str:
        first, second = parts.groups()
        whole = f"{first}-{second}".lower()
        known = whole in written or first.lower() in _KEPT_BEFORE or second.lower() in _KEPT_AFTER
        return f"{first}-{second}" if known or second[0].isupper() else first + second

    return _HYPHENATION.sub(joined, text)


def without(text: str, start: str, end: str) -> str:
    """Return the text without what stands between two marks; an unclosed mark is text."""
    # Not by a pattern: that would look to the end of the text from each of many unclosed marks.
    parts, position = [], 0
    while (first := text.find(start, position)) >= 0 and (last := text.find(end, first + len(start))) >= 0:
        parts.append(text[position:first])
        position = last + len(end)
    return "".join([*parts, text[position:]])
