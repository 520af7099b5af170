"""The last few of something, kept by what they answer."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """At most `size` values by key, without those used longest ago. Safe to use from several threads."""

    def __init__(self, size: int) -> None:
        self._values: LRUCache[Hashable, Value] = LRUCache(size)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> Value | None:
        """Return a value, or None."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value, in place of an older one if need be."""
        with self._lock:
            self._values[key] = value
