"""Progress on stderr: a line that moves on a terminal, a plain line every few seconds elsewhere, nothing with -q.

What is being done is named, so that no part of a long command is silent: `encoding ━━━━──── 1,204 passages, 3.1 of 12.0 MB …`.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from searchctl.cli.context import Frame
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, printable, size_of
from searchctl.translation import _, number

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live
    from rich.spinner import Spinner

    from searchctl.ingest.model import Progress

_EVERY = 5.0  # seconds between plain lines
_REFRESHES = 4  # a second, on a terminal
_TELLING = 0.01  # the least share that says something of how long the rest takes
_WINDOW = 60.0  # seconds whose speed counts
_SMOOTHING = 10.0  # seconds in which a new speed takes the place of an old one
_BAR = 12  # characters


class Remaining:
    """Estimates how long the rest takes, in seconds. It falls with the clock, and follows a change of speed slowly."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()
        self._end: float | None = None
        self._looked = 0.0

    def note(self, share: float, now: float) -> None:
        """Take the share in [0, 1] that is done at the time `now`, in seconds."""
        self._seen.append((now, share))
        while now - self._seen[0][0] > _WINDOW and len(self._seen) > 2:
            self._seen.popleft()
        began, first = self._seen[0]
        if share - first < _TELLING or now <= began:
            return
        end = now + (1 - share) * (now - began) / (share - first)
        weight = min((now - self._looked) / _SMOOTHING, 1.0)
        self._end = end if self._end is None else self._end + weight * (end - self._end)
        self._looked = now

    def left(self, now: float) -> float | None:
        """Return the seconds left; None while nothing can be said."""
        return None if self._end is None else max(self._end - now, 1.0)


class Meter:
    """Shows how far something is. `update` and `show` may be called as often as one likes, from one thread."""

    def __init__(self, frame: Frame, noun: str, phase: str = "") -> None:
        self._noun = noun
        self._quiet = frame.quiet
        self._phase = phase
        self._said = time.monotonic()
        self._counted = ""
        self._share: float | None = None
        self._failed = 0
        self._remaining = Remaining()
        self._live: Live | None = None
        self._spinner: Spinner | None = None

    def __enter__(self) -> Meter:
        self._said = time.monotonic()
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live
            from rich.spinner import Spinner

            self._spinner = Spinner("dots")
            console = Console(file=sys.stderr, highlight=False)
            self._live = Live(self, console=console, refresh_per_second=_REFRESHES, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def phase(self, name: str, noun: str | None = None) -> None:
        """Name what is being done now, and what is counted; what was counted before counts no more."""
        self._noun = self._noun if noun is None else noun
        if name != self._phase:
            self._phase, self._counted, self._share, self._remaining = name, "", None, Remaining()
            self._say()

    def name(self, phase: str) -> None:
        """Name what is being done now as a part of the same count."""
        self._phase = phase

    def update(self, done: float, total: int | None = None, *, failed: int = 0, detail: str = "") -> None:
        """Say that `done` items of `total` are done and `failed` failed; a part of an item counts as one. `detail` counts as well."""
        if total:
            counted = _("{count:,} of {total:,} {noun}").format(count=int(done), total=total, noun=self._noun)
        else:
            counted = _("{count:,} {noun}").format(count=int(done), noun=self._noun)
        self.show(f"{counted}, {detail}" if detail else counted, done / total if total else None, failed=failed)

    def show(self, counted: str, share: float | None = None, *, failed: int = 0) -> None:
        """Say what is `counted`, and which `share` in [0, 1] of the work that is, where it's known."""
        self._counted, self._failed = counted, failed
        if share is not None:
            self._share = max(share, self._share or 0.0)
            self._remaining.note(self._share, time.monotonic())
        self._say()

    def tell(self, message: str) -> None:
        """Write a line that stays, above the one that moves."""
        if self._quiet:
            return
        if self._live is None:
            say(message)
        else:
            from rich.text import Text

            self._live.console.print(Text(printable(message)), soft_wrap=False)

    def _say(self) -> None:
        now = time.monotonic()
        if not self._quiet and self._live is None and not sys.stderr.isatty() and now - self._said >= _EVERY:
            self._said = now
            what = describe(self._counted, self._share, self._remaining.left(now), self._failed)
            say(f"searchctl: {': '.join(filter(None, (self._phase, what)))}")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the line as it is now."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        what = describe(self._counted, self._share, self._remaining.left(now), self._failed)
        line = Table.grid(padding=(0, 1))
        for _column in range(3):
            line.add_column(no_wrap=True)
        line.add_column(no_wrap=True, overflow="ellipsis")
        pulse = self._share is None
        bar = ProgressBar(total=None if pulse else 1.0, completed=self._share or 0.0, width=_BAR, pulse=pulse)
        line.add_row(self._spinner, Text(printable(self._phase)), bar, Text(printable(what)))
        yield line


def show_load(meter: Meter, progress: Progress) -> None:
    """Show how far a load is, in passages and bytes; without vectors in documents and bytes."""
    share = progress.share
    if progress.passages:
        counted = count_of(progress.passages, "passage")
    else:
        done = max(progress.written, progress.encoded) + progress.unchanged
        counted = count_of(done or progress.read, "document")
    if share is not None:
        counted += f", {bytes_of(round(share * progress.bytes_total), progress.bytes_total)}"
    elif progress.bytes_done:
        counted += ", " + _("{size} read").format(size=size_of(progress.bytes_done))
    if progress.phase in ("measuring background", "finishing"):  # nobody knows how long these take
        meter.phase(phase_name(progress.phase))
        meter.show(counted, failed=progress.dead)
    else:
        meter.name(phase_name(progress.phase))
        meter.show(counted, share, failed=progress.dead)


def phase_name(phase: str) -> str:
    """Return a phase of a load or another long work in the user's language."""
    names = {
        "reading": _("reading"),
        "encoding": _("encoding"),
        "writing": _("writing"),
        "pruning": _("pruning"),
        "measuring background": _("measuring background"),
        "finishing": _("finishing"),
    }
    return names.get(phase, phase)


def describe(counted: str, share: float | None, left: float | None, failed: int = 0) -> str:
    """Return how far something is: what is counted, the share in [0, 1] that is done, and the seconds left."""
    parts = [counted] if counted else []
    if share is not None and share >= _TELLING:
        parts.append(number(share, ".0%"))
    if left is not None:
        parts.append(_("about {time} left").format(time=rough(left)))
    if failed:
        parts.append(_("{count:,} failed").format(count=failed))
    return ", ".join(parts)


def rough(seconds: float) -> str:
    """Return a time as an estimate is told: `5 s`, `40 s`, `3 min`, `2 h 10 min`."""
    if seconds < 90:
        step = 1 if seconds < 10 else 5
        return _("{seconds} s").format(seconds=max(round(seconds / step) * step, 1))
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("{minutes} min").format(minutes=minutes)
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    return _("{hours} h {minutes:02d} min").format(hours=hours, minutes=rest)


def bytes_of(done: int, total: int) -> str:
    """Return `3.1 of 12.0 MB`, in the unit of the whole."""
    exponent = next((power for power in range(3) if total < 1000 ** (power + 1)), 3)
    digits = 1 if exponent > 0 and total < 100 * 1000**exponent else 0
    return _("{part} of {whole}").format(part=number(done / 1000**exponent, f".{digits}f"), whole=size_of(total))
