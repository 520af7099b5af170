"""Fields that a user names and no record has: most likely misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from searchctl.ingest.model import IngestSettings
from searchctl.sources import Record

_MERGED = ("_source", "metadata")  # objects whose fields count as the record's own
_MOST_NAMES = 1000  # different names that are remembered, to find the near one


class NamedFields:
    """Watches which of the fields named in the settings occur. It has next to nothing to do once all have."""

    def __init__(self, settings: IngestSettings) -> None:
        mapping = settings.mapping
        named = [
            mapping.id,
            mapping.title,
            *mapping.text,
            *(mapping.keep or ()),
            *settings.types,
            *settings.date_formats,
        ]
        self._missing = dict.fromkeys(name for name in named if name)
        self._met: dict[str, None] = {}

    def look(self, record: Record) -> None:
        """Take a record in."""
        if not self._missing or record.raw is None:
            return
        if len(self._met) < _MOST_NAMES:
            self._met.update(dict.fromkeys(_names(record.raw)))
        for name in list(self._missing):
            if name in record.document.fields or _has(record.raw, name.split("."), name):
                del self._missing[name]

    def unmet(self) -> dict[str, str]:
        """Return the names that no record has, each with the one that was meant by it, or "". None where nothing has fields."""
        if not self._met:
            return {}
        return {name: next(iter(difflib.get_close_matches(name, self._met, n=1)), "") for name in self._missing}


def _names(raw: Mapping[str, Any]) -> list[str]:
    inner = [name for merged in _MERGED if isinstance(raw.get(merged), dict) for name in raw[merged]]
    return [*raw, *inner]


def _has(value: Any, path: list[str], name: str) -> bool:
    if isinstance(value, list):
        return any(_has(item, path, name) for item in value)
    if not isinstance(value, Mapping):
        return False
    if name in value or any(merged in value and _has(value[merged], path, name) for merged in _MERGED):
        return True
    rest = path[1:]
    return path[0] in value and bool(rest) and _has(value[path[0]], rest, ".".join(rest))
