"""Progress on stderr: a bar on a terminal, a plain line every few seconds elsewhere, nothing with -q."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from searchctl.cli.context import Frame
from searchctl.cli.failures import say
from searchctl.cli.output import duration_of

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_EVERY = 5.0  # seconds between plain lines
_TELLING = 0.01  # the least share that says something of how long the rest takes


class Meter:
    """Shows how far something is. `update` may be called as often as one likes, from one thread."""

    def __init__(self, frame: Frame, noun: str) -> None:
        self._noun = noun
        self._quiet = frame.quiet
        self._began = self._said = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Meter:
        self._began = self._said = time.monotonic()
        if not self._quiet and sys.stderr.isatty():
            self._bar = _bar(self._noun)
            self._task = self._bar.add_task("", total=None, done=0, failed=0, rate=0.0)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def update(
        self, done: int, total: int | None = None, *, failed: int = 0, share: float | None = None, detail: str = ""
    ) -> None:
        """Say that `done` items are done and `failed` failed; `share` in [0, 1] where `total` isn't known.

        `detail` is what else counts, where one item takes long.
        """
        if self._quiet:
            return
        now = time.monotonic()
        rate = done / max(now - self._began, 1e-9)
        if share is None and total:
            share = done / total
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                completed=share,
                total=1.0 if share is not None else None,
                done=done,
                failed=failed,
                rate=rate,
            )
        elif not sys.stderr.isatty() and now - self._said >= _EVERY:
            self._said = now
            say(f"searchctl: {describe(done, self._noun, failed, now - self._began, share, detail)}")


def describe(done: int, noun: str, failed: int, seconds: float, share: float | None, detail: str = "") -> str:
    """Return how far something is after so many seconds, with what is left where `share` in [0, 1] tells it."""
    parts = [f"{done:,} {noun}", detail or f"{done / seconds if seconds else 0:,.0f}/s"]
    if share and (done or detail) and share >= _TELLING:
        parts.append(f"{share:.0%}, about {duration_of(seconds / share - seconds)} left")
    if failed:
        parts.append(f"{failed:,} failed")
    return ", ".join(parts)


def _bar(noun: str) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        BarColumn(),
        TextColumn("{task.fields[done]:,} " + noun),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]:,} failed"),
        console=Console(file=sys.stderr),
        transient=True,
    )
