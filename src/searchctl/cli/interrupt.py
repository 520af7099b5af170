"""Ctrl-C in a long command: the first asks it to finish what it holds, the second ends it at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from searchctl.cli.failures import INTERRUPTED

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NOTICE = "\nsearchctl: finishing the batch in hand; press Ctrl-C again to stop at once\n"
_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; the second one exits with 130 on the spot."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        # os.write, since a handler may run in the middle of another write to stderr.
        if stop.is_set():
            os.write(2, _SHOW_CURSOR.encode() if sys.stderr.isatty() else b"")
            os._exit(INTERRUPTED)
        stop.set()
        os.write(2, _NOTICE.encode())

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
