"""A circuit breaker: after failures in a row nothing is tried for a while, then one try decides."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_FAILURES = 5
_SECONDS = 15.0
_MOST = 1000


class Breaker:
    """Says for each index whether a hybrid answer is to be tried. `now` is given by tests."""

    def __init__(
        self, failures: int = _FAILURES, seconds: float = _SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures, self._seconds, self._now = failures, seconds, now
        self._counts: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def allows(self, name: str) -> bool:
        """Tell whether to try: when the pause is over, one may, and the others wait for how that ends."""
        with self._lock:
            until = self._until.get(name)
            if until is None:
                return True
            if self._now() < until:
                return False
            self._until[name] = self._now() + self._seconds
            return True

    def succeeded(self, name: str) -> None:
        """Forget what failed."""
        with self._lock:
            self._counts.pop(name, None)
            self._until.pop(name, None)

    def failed(self, name: str) -> None:
        """Count a failure; the last of several opens the circuit."""
        with self._lock:
            if len(self._counts) >= _MOST:
                self._counts.clear()
            self._counts[name] = self._counts.get(name, 0) + 1
            if self._counts[name] >= self._failures:
                self._until[name] = self._now() + self._seconds

    @property
    def open(self) -> list[str]:
        """The names for which nothing is tried at present."""
        with self._lock:
            return sorted(name for name, until in self._until.items() if self._now() < until)
