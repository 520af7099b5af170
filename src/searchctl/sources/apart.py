"""Reading a file in a process of its own, which may use so much time and memory and no more.

Parsers of HTML, PDF and office files are large, and a small file can make them run for hours or take all memory there is.
No thread can be stopped while it is in them; a process can. One process reads file after file; when a file was too much
for it, another is started for the next one.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

from searchctl.sources.formats import formats
from searchctl.sources.model import Limits, Unreadable, size_of
from searchctl.sources.pages import Page, PageInput, read_here
from searchctl.text.sections import Section

_SECONDS_A_MEGABYTE = 5
_WAIT_FOR_COMPUTING = 10  # times the seconds of computing: on a busy machine they take longer
_LARGEST_ANSWER = 1 << 30


def seconds_for(size: int, limits: Limits) -> int:
    """Return how many seconds of computing a file of this size may take."""
    return limits.seconds + size // 1_000_000 * _SECONDS_A_MEGABYTE


def read_page(given: PageInput) -> Page:
    """Read a whole file, in a process of its own where its format asks for that; raises Unreadable."""
    form = formats()[given.format]
    apart = form.alone is not None and len(given.data) > form.alone
    return read_apart(given) if apart else read_here(given)


def read_apart(given: PageInput) -> Page:
    """Read a file in the other process; raises Unreadable, also when that takes too much time or memory."""
    with _READER.lock:
        answer = _READER.ask(given)
    if answer is None:
        return read_here(given)
    if "reason" in answer:
        raise Unreadable(answer["reason"], answer["excerpt"])
    answer["sections"] = tuple(Section(*section) for section in answer["sections"])
    answer["remarks"] = tuple(answer["remarks"])
    return Page(**answer)


class _ChildReader:
    """The other process: started when it is needed, ended with this one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, given: PageInput) -> dict[str, Any] | None:
        """Return what the process makes of a file; None where no process can be started."""
        process = self._started()
        if process is None or process.stdin is None or process.stdout is None:
            return None
        seconds = seconds_for(len(given.data), given.limits)
        timer = threading.Timer(seconds * _WAIT_FOR_COMPUTING, process.kill)
        timer.start()
        try:
            process.stdin.write(_request(given, seconds) + given.data)
            process.stdin.flush()
            size = int(process.stdout.readline(20) or b"0")
            answer = process.stdout.read(size) if 0 < size <= _LARGEST_ANSWER else b""
        except (OSError, ValueError):
            size, answer = 0, b""
        finally:
            timer.cancel()
        if not size or len(answer) < size:
            return {"reason": self._why_it_died(seconds, given.limits), "excerpt": ""}
        known: dict[str, Any] = json.loads(answer)
        return known

    def _started(self) -> subprocess.Popen[bytes] | None:
        if self._process is not None and self._owner == os.getpid() and self._process.poll() is None:
            return self._process
        path = os.pathsep.join(folder for folder in sys.path if folder)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "searchctl.sources.apart_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
                start_new_session=True,  # Ctrl-C is this process's to handle
            )
        except OSError:
            return None
        self._owner = os.getpid()
        return self._process

    def _why_it_died(self, seconds: int, limits: Limits) -> str:
        process, self._process = self._process, None
        if process is None:
            return "the process that reads it ended"
        _ended(process)
        code = process.returncode
        if code in (-getattr(signal, "SIGXCPU", 0), -getattr(signal, "SIGKILL", 0)) and code:
            return f"reading it takes more than {seconds} s of computing"
        return f"reading it takes more than {size_of(limits.memory)} of memory, or breaks the library that reads it"

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            _ended(process)


def _ended(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _request(given: PageInput, seconds: int) -> bytes:
    head = {
        "format": given.format,
        "encoding": given.encoding,
        "boilerplate": given.boilerplate,
        "name": given.name,
        "limits": [given.limits.record, given.limits.file, seconds, given.limits.memory],
        "size": len(given.data),
    }
    return json.dumps(head).encode() + b"\n"


_READER = _ChildReader()
atexit.register(_READER.close)
