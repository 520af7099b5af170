"""Whether an encoder fits the language of an index's documents."""

from __future__ import annotations

from itertools import islice

from searchctl.encoders.base import Encoder
from searchctl.encoders.unread import UnreadMeter
from searchctl.index import Index

_BATCH, _BATCHES = 100, 4  # documents looked at: the first ones of the index, in its order


def unread_remark(index: Index, encoder: Encoder) -> str | None:
    """Return a sentence about the documents that an encoder can't read, of the index's first ones; None where it can."""
    meter = UnreadMeter(encoder)
    for entries in islice(index.engine.scan(index.name, batch=_BATCH), _BATCHES):
        meter.add([f"{entry.document.title}\n{entry.document.text}" for entry in entries])
    return meter.remark()
