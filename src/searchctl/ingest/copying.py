"""Filling one index from another's entries: what is there already is passed over, so doing it again goes on where it ended."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TypeVar

from searchctl.engines.base import FullEngine, fingerprints
from searchctl.errors import AccessDenied, EngineUnreachable, ServerRefusal, StorageError
from searchctl.ranking.cosine_baseline import BackgroundMeter, choose_background
from searchctl.translation import _
from searchctl.types import Entry, Rejection

_log = logging.getLogger(__name__)
_PATIENCE = 300.0  # seconds
_LONGEST_PAUSE = 15.0
_PASSING = (429, 502, 503, 504)
_WRITTEN_TOGETHER = 512  # documents
BATCH = 64  # documents encoded and written together, as when ingesting
OnProgress = Callable[[float, int], None]
GoesOn = Callable[[int, float], bool]  # of passages just encoded, and of the share of the batch that is done
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Monitor:
    """Who follows a long work.

    `tell` hears how many documents of how many are done, a part of one counting as that part. `stop` ends the work after the
    passages in hand. `rate` is the most documents taken up in a second, None for no limit.
    """

    tell: OnProgress | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    rate: float | None = None

    def within(self, done: float, documents: int, total: int) -> GoesOn:
        """Return what tells how far a batch of so many documents is, after `done` others, and whether to go on with it."""

        def goes_on(passages: int, share: float) -> bool:
            if self.tell is not None:
                self.tell(done + share * documents, total)
            return not self.stop.is_set()

        return goes_on


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What a filling came to: documents looked at and written, and those the engine refused for good."""

    seen: int = 0
    written: int = 0
    rejected: tuple[Rejection, ...] = ()

    def __add__(self, other: CopyReport) -> CopyReport:
        return CopyReport(self.seen + other.seen, self.written + other.written, self.rejected + other.rejected)


Finish = Callable[[Sequence[Entry], GoesOn], Sequence[Entry]]
Write = Callable[[Sequence[Entry]], list[Rejection]]


class WriteBehind:
    """Writes entries while the next ones are made; what comes meanwhile is written together, so that a server gets more at once.

    Raises what a write raised when the next entries come, or at the end. After any fault what waits isn't written.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._thread = ThreadPoolExecutor(1, "searchctl-writer")
        self._under_way: Future[list[Rejection]] | None = None
        self._waiting: list[Entry] = []
        self.rejected: list[Rejection] = []

    def __enter__(self) -> WriteBehind:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            while kind is None and (self._waiting or self._under_way is not None):
                self._begin()
        finally:
            self._thread.shutdown()

    def add(self, entries: Sequence[Entry]) -> None:
        """Take entries to write."""
        self._waiting += entries
        if self._under_way is None or self._under_way.done() or len(self._waiting) >= _WRITTEN_TOGETHER:
            self._begin()

    def _begin(self) -> None:
        """Write what waits, after what is under way."""
        if self._under_way is not None:
            self.rejected += self._under_way.result()
        self._under_way = self._thread.submit(self._write, self._waiting) if self._waiting else None
        self._waiting = []


def fill(
    engine: FullEngine, target: str, batches: Iterable[Sequence[Entry]], finish: Finish, monitor: Monitor, total: int
) -> CopyReport:
    """Write those entries of `batches` which `target` lacks or holds with another fingerprint, after `finish` completed them.

    Batches are written while the next are completed. Ends early when `monitor.stop` is set.
    """
    seen = written = 0
    limiter = Throttle(monitor)
    with WriteBehind(lambda entries: engine.write(target, entries)) as writer:
        for entries in batches:
            if monitor.stop.is_set():
                break
            stored = fingerprints(engine, target, [entry.document.id for entry in entries])
            fresh = [entry for entry, mark in zip(entries, stored, strict=True) if entry.fingerprint != mark]
            finished = finish(fresh, monitor.within(seen, len(entries), total)) if fresh else []
            writer.add(finished)
            seen, written = seen + len(entries), written + len(finished)
            if monitor.tell is not None:
                monitor.tell(seen, total)
            limiter.wait(len(fresh))
    return CopyReport(seen, written, tuple(writer.rejected))


def remove_vanished(engine: FullEngine, source: str, target: str) -> int:
    """Delete from `target` the documents that `source` has no more, and return how many."""
    deleted = 0
    for entries in engine.scan(target):
        ids = [entry.document.id for entry in entries]
        there = fingerprints(engine, source, ids)
        gone = [id for id, mark in zip(ids, there, strict=True) if mark is None]
        deleted += engine.delete(target, gone) if gone else 0
    return deleted


def save_background(engine: FullEngine, version: str) -> None:
    """Measure what cosines unrelated texts of a report version have, and note it in the stamp."""
    schema = engine.schema(version)
    passages = engine.info(version).passages
    background = choose_background(
        schema.background, BackgroundMeter(), passages, engine.scan(version, batch=BATCH, vectors=True)
    )
    if background != schema.background:
        engine.update_schema(version, replace(schema, background=background), since=schema)


def check_complete(engine: FullEngine, version: str, expected: int, report: CopyReport, source: str) -> None:
    """Raise StorageError unless the version holds as many documents as `source` does."""
    documents = engine.count(version)
    if documents != expected:
        reasons = "; ".join(f"{one.id!r}: {one.reason}" for one in report.rejected[:3]) or "none was refused"
        raise StorageError(
            _(
                "'{version}' holds {documents:,} documents and {source} {expected:,} ({reasons}), so the name "
                "stays where it is; run the same command again"
            ).format(version=version, documents=documents, source=source, expected=expected, reasons=reasons)
        )


def persist(work: Callable[[], Result], monitor: Monitor) -> Result:
    """Do a work that may be begun again, and begin it again while the server is away, is busy, or has lost a scroll.

    Ends with the last error when the fault lasts for more than five minutes, or when `monitor.stop` is set.
    """
    until, pause = math.inf, 1.0
    while True:
        began = time.monotonic()
        try:
            return work()
        except (EngineUnreachable, ServerRefusal) as error:
            now = time.monotonic()
            if until == math.inf or now - began > _PATIENCE:  # the first fault, or one after work that went well
                until, pause = now + _PATIENCE, 1.0
            if not passes(error) or now > until or monitor.stop.wait(pause):
                raise
            _log.info("%s; trying again", error)
            pause = min(pause * 2, _LONGEST_PAUSE)


def passes(error: EngineUnreachable | ServerRefusal) -> bool:
    """Tell whether a fault may pass by itself; a restart ends the scrolls of a node."""
    if isinstance(error, ServerRefusal):
        return error.status in _PASSING or "search context" in str(error)
    return not isinstance(error, AccessDenied)


class Throttle:
    """Holds a work down to so many documents in a second."""

    def __init__(self, monitor: Monitor) -> None:
        self._watch = monitor
        self._next = time.monotonic()

    def wait(self, documents: int) -> None:
        """Wait until so many more documents are due, or until the work is to stop."""
        if self._watch.rate is None:
            return
        self._next = max(self._next, time.monotonic() - 1.0) + documents / self._watch.rate
        self._watch.stop.wait(max(self._next - time.monotonic(), 0.0))
