"""Matrix products on one thread: ours are so small that BLAS's threads wait for each other longer than they work.

On two busy cores routing by one thread takes a fifth of the processor time, and counting 1,650 examples half.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController

_mutex = threading.Lock()
_inside = 0
_limits: Any = None


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread, which is a setting of the whole process, until the last who asked for it is done."""
    global _inside, _limits
    with _mutex:
        if not _inside:
            _limits = _controller().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _mutex:
            _inside -= 1
            if not _inside:
                _limits.restore_original_limits()


def _controller() -> ThreadpoolController:
    """Return what knows the process's libraries; looking for them takes milliseconds, so it's done once."""
    global _known
    _known = _known or ThreadpoolController()
    return _known


_known: ThreadpoolController | None = None
