"""Giving back the space of what was deleted or replaced."""

from __future__ import annotations

from dataclasses import dataclass

from searchctl.engines.base import Upkeep
from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.translation import _


@dataclass(frozen=True, slots=True)
class CompactReport:
    """The size of an index's files in bytes, before and after."""

    before: int
    after: int


def compact(index: Index) -> CompactReport:
    """Make an index's files as small as they can be; searching goes on. Raises UsageError, IndexLocked, StorageError."""
    if not isinstance(index.engine, Upkeep):
        raise UsageError(
            _("{name} looks after its own files; only an index in a folder can be compacted").format(
                name=index.engine.name
            )
        )
    before = index.info().size
    index.engine.compact(index.name)
    return CompactReport(before, index.info().size)
