"""Filling in the vectors of documents that were stored before them: until then they're found by their words only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from searchctl.encoders.base import Encoder
from searchctl.encoders.unread import UnreadMeter
from searchctl.engines.base import Deferring
from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.ingest.copying import BATCH, Monitor, Throttle, save_background
from searchctl.ingest.encoding import cut_and_encode
from searchctl.ingest.model import Phase
from searchctl.ingest.prepare import reason_of
from searchctl.sources import Failure
from searchctl.translation import _
from searchctl.types import Document, Entry

OnPhase = Callable[[Phase], None]
Bury = Callable[[Failure, Document], None]  # told of a document that the encoder fails over


@dataclass(frozen=True, slots=True)
class VectorizeReport:
    """How many documents got vectors, and how many still wait for them: those that `failed`, and more if it was interrupted.

    `passages` counts those encoded; `remark` says how many the encoder can't read; None where it can.
    """

    encoded: int
    waiting: int
    seconds: float
    failed: int = 0
    passages: int = 0
    remark: str | None = None

    @property
    def interrupted(self) -> bool:
        """Tell whether it was stopped before all was done."""
        return self.waiting > self.failed


def encode_deferred(
    index: Index,
    monitor: Monitor,
    *,
    bury: Bury | None = None,
    on_passages: Callable[[int], None] | None = None,
    on_phase: OnPhase = lambda phase: None,
) -> VectorizeReport:
    """Encode the documents that have no vectors yet. Ending at any moment loses nothing, and the next call goes on.

    A document that the encoder fails over stays without vectors; `bury` is told of it. `on_passages` is told how many passages
    were encoded, `on_phase` what is done after the encoding. Raises UsageError for an index without an encoder, IndexLocked while
    another process writes.
    """
    began = time.monotonic()
    engine, name = index.engine, index.engine.resolve(index.name)
    if engine.schema(name).layout is not None:
        raise UsageError(
            _("the documents of '{name}' are written by others; name it: searchctl vectorize {name}").format(
                name=index.name
            )
        )
    encoder = index.encoder
    if encoder is None:
        raise UsageError(
            _("index '{name}' is made for words only; give it an encoder: searchctl reembed --encoder NAME").format(
                name=index.name
            )
        )
    with engine.writing(name):
        total = count_waiting(index)
        work = _Work(index, name, encoder, monitor, total, bury, on_passages, UnreadMeter(encoder))
        work.run()
        if work.encoded:
            on_phase("measuring background")
            save_background(engine, name)
            on_phase("finishing")
    return VectorizeReport(
        work.encoded,
        total - work.encoded,
        time.monotonic() - began,
        work.failed,
        work.passages,
        work.unread.remark(),
    )


def count_waiting(index: Index) -> int:
    """Count the documents that were stored before their vectors."""
    engine, name = index.engine, index.engine.resolve(index.name)
    if isinstance(engine, Deferring):
        return engine.waiting(name)
    return sum(map(len, _deferred(index, name)))


def _deferred(index: Index, name: str) -> Iterator[list[Entry]]:
    """Yield the documents without passages, in batches as they lie in the index."""
    for entries in index.engine.scan(name, batch=BATCH):
        waiting = [entry for entry in entries if not entry.passages]
        if waiting:
            yield waiting


@dataclass(slots=True)
class _Work:
    """The encoding of waiting documents, and what it has come to."""

    index: Index
    name: str
    encoder: Encoder
    monitor: Monitor
    total: int
    bury: Bury | None
    on_passages: Callable[[int], None] | None
    unread: UnreadMeter
    encoded: int = 0
    failed: int = 0
    passages: int = 0

    def run(self) -> None:
        """Encode and write batch by batch until all is done or the work is to stop."""
        limiter = Throttle(self.monitor)
        for entries in _deferred(self.index, self.name):
            if self.monitor.stop.is_set():
                break
            self.unread.add([f"{entry.document.title}\n{entry.document.text}" for entry in entries])
            encoded = self._encode_batch(entries)
            self.index.engine.write(self.name, encoded)
            self.encoded += len(encoded)
            if self.monitor.tell is not None:
                self.monitor.tell(self.encoded + self.failed, self.total)
            limiter.wait(len(entries))

    def _encode_batch(self, entries: Sequence[Entry]) -> list[Entry]:
        try:
            return self._encode(entries)
        except Exception as error:
            reason_of(error)  # which raises what is no document's fault
            return [done for entry in entries for done in self._encode_alone(entry)]

    def _encode_alone(self, entry: Entry) -> list[Entry]:
        try:
            return self._encode([entry])
        except Exception as error:
            self.failed += 1
            failure = Failure(entry.source, 0, entry.document.id, reason_of(error))
            if self.bury is not None:
                self.bury(failure, entry.document)
            return []

    def _encode(self, entries: Sequence[Entry]) -> list[Entry]:
        within = self.monitor.within(self.encoded + self.failed, len(entries), self.total)

        def goes_on(passages: int, share: float) -> bool:
            self.passages += passages
            if self.on_passages is not None:
                self.on_passages(passages)
            return within(passages, share)

        settings = self.index.engine.schema(self.name).passages
        return cut_and_encode(entries, self.encoder, settings, goes_on)
