"""An encoder and an index's documents: whether it fits their language, and fitting its weights to their words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from searchctl.encoders.base import Encoder
from searchctl.encoders.unread import UnreadMeter
from searchctl.encoders.weighting import weighted_by_texts
from searchctl.index import Index
from searchctl.types import Entry

_BATCH, _BATCHES = 100, 4  # documents looked at: the first ones of the index, in its order


def unread_remark(index: Index, encoder: Encoder) -> str | None:
    """Return a sentence about the documents that an encoder can't read, of the index's first ones; None where it can."""
    meter = UnreadMeter(encoder)
    for entries in islice(index.engine.scan(index.name, batch=_BATCH), _BATCHES):
        meter.add(list(map(_text, entries)))
    return meter.remark()


def fitted(index: Index, encoder: Encoder) -> Encoder:
    """Return an encoder with the weights of the index's words, where it takes any from there; else as it is. Raises UsageError."""
    return weighted_by_texts(encoder, _texts(index))


def _texts(index: Index) -> Iterator[str]:
    for entries in index.engine.scan(index.name, batch=_BATCH):
        yield from map(_text, entries)


def _text(entry: Entry) -> str:
    return f"{entry.document.title}\n{entry.document.text}"
