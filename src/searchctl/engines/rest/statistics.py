"""Statistics of words that came with a search's answer, kept for the question about them that follows."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from searchctl.types import TermStatistics

_SECONDS = 30.0
_MOST = 1000


class Remembered:
    """A few answers, each given out once and not for long. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[str, str], tuple[float, TermStatistics]] = OrderedDict()

    def put(self, index: str, text: str, statistics: TermStatistics) -> None:
        """Keep an answer."""
        with self._lock:
            self._found[index, text] = (time.monotonic() + _SECONDS, statistics)
            if len(self._found) > _MOST:
                self._found.popitem(last=False)

    def pop(self, index: str, text: str) -> TermStatistics | None:
        """Take an answer, unless it is old."""
        with self._lock:
            until, statistics = self._found.pop((index, text), (0.0, None))
            return statistics if until > time.monotonic() else None

    def clear(self) -> None:
        """Forget all, since documents change."""
        with self._lock:
            self._found.clear()
