"""Patterns for paths as people know them from .gitignore: `*.md`, `docs/*.txt`, `**/old/**`, `drafts/`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]]*\]|.", re.DOTALL)


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a test of paths, which are relative, with `/` between names and, for a folder, at the end.

    A pattern without a slash is tried on the name alone, at any depth; one with a slash on the whole path. One that matches
    a folder matches everything in it.
    """
    if not patterns:
        return lambda path: False
    joined = re.compile("|".join(f"(?:{_expression(one)})" for one in patterns), re.DOTALL)
    return lambda path: joined.match(path) is not None


def _expression(pattern: str) -> str:
    whole = pattern.removeprefix("./").removeprefix("/").rstrip("/")
    anywhere = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    end = "/" if pattern.endswith("/") else r"(?:/|\Z)"
    return anywhere + "".join(_part(found.group()) for found in _PARTS.finditer(whole)) + end


def _part(piece: str) -> str:
    if piece == "**/":
        return "(?:.*/)?"
    if piece == "**":
        return ".*"
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if len(piece) > 2 and piece[0] == "[":
        inner = piece[1:-1].replace("\\", "\\\\").replace("[", "\\[")
        return f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
    return re.escape(piece)
