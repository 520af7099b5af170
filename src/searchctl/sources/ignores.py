"""Patterns for paths, as .gitignore writes them: `*.md`, `docs/*.txt`, `**/old/**`, `drafts/`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from searchctl.errors import UsageError
from searchctl.translation import _

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".gitignore"
_LARGEST = 1_000_000  # bytes of an ignore file


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Return a test of paths, which are relative, with `/` between names and, for a folder, at the end.

    A pattern without a slash is tried on the name alone, at any depth; one with a slash on the whole path. One that matches
    a folder matches everything in it. Raises UsageError for a pattern that can't be one.
    """
    if not patterns:
        return lambda path: False
    spec = _compiled([_plain(pattern) for pattern in patterns])
    return spec.match_file


def _plain(pattern: str) -> str:
    """Return a pattern of the command line as a line of an ignore file: there # begins a comment."""
    pattern = pattern.removeprefix("./")
    return f"\\{pattern}" if pattern.startswith("#") else pattern


def _compiled(lines: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    for line in lines:
        if reason := _wrong(line):
            raise UsageError(
                _(
                    "'{line}' isn't a pattern for paths: {reason}; write it as in .gitignore: *.md, drafts/, "
                    "docs/**/*.txt"
                ).format(line=line, reason=reason)
            )
    return GitIgnoreSpec.from_lines(lines)


def _wrong(line: str) -> str:
    """Return why a line isn't a pattern, empty where it is one."""
    from pathspec import GitIgnoreSpec

    try:
        patterns = GitIgnoreSpec.from_lines([line]).patterns
    except (ValueError, re.error) as error:
        return str(error)
    return "" if any(pattern.include is not None for pattern in patterns) else "it matches nothing"


class IgnoreFiles:
    """The .gitignore files that have been met on the way down a tree; the nearest one that says something decides."""

    def __init__(self) -> None:
        self._specs: list[tuple[str, GitIgnoreSpec]] = []

    def below(self, folder: Path, uri: str) -> IgnoreFiles:
        """Return these files and the one of `folder`, whose path is `uri` (empty, or with / at the end)."""
        spec = _of_folder(folder / IGNORE_FILE)
        if spec is None:
            return self
        deeper = IgnoreFiles()
        deeper._specs = [*self._specs, (uri, spec)]
        return deeper

    def ignores(self, uri: str) -> bool:
        """Tell whether a path is left out; a folder's has / at the end."""
        for base, spec in reversed(self._specs):
            verdict = spec.check_file(uri[len(base) :]).include
            if verdict is not None:
                return verdict
        return False


def _of_folder(path: Path) -> GitIgnoreSpec | None:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        return None
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines([line for line in lines if not _wrong(line)])  # as git does with what it can't read
