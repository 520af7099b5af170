"""`filter_path`: which parts of an answer the app wants, in the servers' own notation."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

Pattern: TypeAlias = "tuple[str, ...]"


def filtered(answer: Any, paths: str) -> Any:
    """Return the parts of an answer that the paths name: `took,hits.hits._id`, `*` for one key, `**` for any, `-` for all but."""
    patterns = [path.strip() for path in paths.split(",") if path.strip()]
    wanted = [_pattern(path) for path in patterns if not path.startswith("-")]
    unwanted = [_pattern(path[1:]) for path in patterns if path.startswith("-")]
    kept = _kept(answer, wanted) if wanted else answer
    return {} if kept is None else (_without(kept, unwanted) if unwanted else kept)


def _pattern(path: str) -> Pattern:
    return tuple(part.replace("\0", ".") for part in path.replace("\\.", "\0").split("."))


def _below(patterns: Sequence[Pattern], key: str) -> tuple[bool, list[Pattern]]:
    """Return whether a pattern ends at the key, and what is left of those that go on below."""
    whole, rest = False, []
    for pattern in patterns:
        if pattern[0] == "**":
            rest.append(pattern)
            whole |= len(pattern) == 1
            ended, more = _below([pattern[1:]], key) if len(pattern) > 1 else (False, [])
            whole |= ended
            rest += more
        elif fnmatchcase(key, pattern[0]):
            if len(pattern) == 1:
                whole = True
            else:
                rest.append(pattern[1:])
    return whole, rest


def _kept(value: Any, patterns: Sequence[Pattern]) -> Any:
    if isinstance(value, list):
        parts = [part for part in (_kept(item, patterns) for item in value) if part is not None]
        return parts or None
    if not isinstance(value, dict):
        return None
    kept = {}
    for key, item in value.items():
        whole, rest = _below(patterns, key)
        part = item if whole else _kept(item, rest) if rest else None
        if part is not None:
            kept[key] = part
    return kept or None


def _without(value: Any, patterns: Sequence[Pattern]) -> Any:
    if isinstance(value, list):
        return [_without(item, patterns) for item in value]
    if not isinstance(value, dict):
        return value
    left = {}
    for key, item in value.items():
        whole, rest = _below(patterns, key)
        if not whole:
            left[key] = _without(item, rest) if rest else item
    return left
