"""Filters by value: which documents each leaves is evaluated once and kept until something is written."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from cachetools import LRUCache

from searchctl.engines.embedded.rows import RowSet
from searchctl.engines.embedded.store import Store
from searchctl.filters import typed
from searchctl.schema import FieldType
from searchctl.types import Filter

_FILTERS = 32  # a million documents take up to 10 MB each


class FilterCache:
    """The rows of the filters asked for last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mutex = threading.Lock()
        self._state: tuple[int, int] = (-1, -1)
        self._rows: LRUCache[str, RowSet] = LRUCache(_FILTERS)

    def rows(self, wanted: Filter, fields: Mapping[str, FieldType], step: int) -> RowSet:
        """Return the rows for which a filter holds; `step` is another number after whatever another process has written."""
        state = (step, self._store.changes)
        key = repr(wanted)  # which tells 1 from True, as equality doesn't
        with self._mutex:
            if state != self._state:
                self._rows.clear()
                self._state = state
            rows = self._rows.get(key)
            if rows is None:
                rows = self._rows[key] = RowSet(self._store.matching(typed(wanted, fields), fields))
        return rows
