"""Filling in the vectors of documents that were stored with `--defer-vectors`: until then they're found by their words only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from searchctl.encoders.base import Encoder
from searchctl.encoders.unread import UnreadMeter
from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.ingest.copying import BATCH, Monitor, Throttle, save_background
from searchctl.ingest.encoding import cut_and_encode
from searchctl.translation import _
from searchctl.types import Entry


@dataclass(frozen=True, slots=True)
class VectorizeReport:
    """How many documents got vectors, and how many still wait for them: none unless it was interrupted.

    `remark` says how many of them the encoder can't read; None where it can.
    """

    encoded: int
    waiting: int
    seconds: float
    remark: str | None = None

    @property
    def interrupted(self) -> bool:
        """Tell whether it was stopped before all was done."""
        return self.waiting > 0


def encode_deferred(index: Index, monitor: Monitor) -> VectorizeReport:
    """Encode the documents that have no vectors yet. Ending at any moment loses nothing, and the next call goes on.

    Raises UsageError for an index without an encoder, IndexLocked while another process writes.
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
        total = sum(map(len, _deferred(index, name)))
        unread = UnreadMeter(encoder)
        done = _encode_all(index, name, encoder, monitor, total, unread)
        if done:
            save_background(engine, name)
    return VectorizeReport(done, total - done, time.monotonic() - began, unread.remark())


def _deferred(index: Index, name: str) -> Iterator[list[Entry]]:
    """Yield the documents without passages, in batches as they lie in the index."""
    for entries in index.engine.scan(name, batch=BATCH):
        waiting = [entry for entry in entries if not entry.passages]
        if waiting:
            yield waiting


def _encode_all(index: Index, name: str, encoder: Encoder, monitor: Monitor, total: int, unread: UnreadMeter) -> int:
    settings = index.engine.schema(name).passages
    done, limiter = 0, Throttle(monitor)
    for entries in _deferred(index, name):
        if monitor.stop.is_set():
            break
        encoded = cut_and_encode(entries, encoder, settings, monitor.within(done, len(entries), total))
        index.engine.write(name, encoded)
        unread.add([f"{entry.document.title}\n{entry.document.text}" for entry in encoded])
        done += len(encoded)
        if monitor.tell is not None:
            monitor.tell(done, total)
        limiter.wait(len(entries))
    return done
