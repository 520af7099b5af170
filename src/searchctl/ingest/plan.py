"""What a load would do: everything is read and checked, a sample is encoded, nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from searchctl.encoders.base import Encoder
from searchctl.errors import InvalidDocument
from searchctl.ingest.encoding import cut_entries, passage_texts
from searchctl.ingest.load import IngestSettings
from searchctl.ingest.prepare import checked
from searchctl.schema import PassageSettings
from searchctl.sources import Failure, Record, SourceFile, read
from searchctl.types import Document, Entry

_SAMPLE = 64  # documents encoded to see how long it takes
_SHOWN = 3
_TEXT_BYTES_STORED = 3.0  # the text itself, its inverted index and merges: benchmarks/ingest.py
_MODEL_BYTES = 350e6  # interpreter, model and the batches in hand
_BYTES_PER_PASSAGE = 160  # rows, keys and the graph's links


@dataclass(frozen=True, slots=True)
class Plan:
    """Counts and estimates; `seconds`, `disk` and `memory` (bytes) assume that every document is new."""

    files: int
    documents: int
    passages: int
    dead: int
    seconds: float
    disk: int
    memory: int
    first: tuple[Entry, ...]
    failures: tuple[Failure, ...]


@dataclass(slots=True)
class _Tally:
    documents: int = 0
    dead: int = 0
    text_bytes: int = 0
    seen: set[str] = field(default_factory=set)
    sample: list[Document] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


Items: TypeAlias = "Iterator[Record | Failure]"


def plan(
    files: Sequence[SourceFile], settings: IngestSettings, encoder: Encoder | None, passages: PassageSettings
) -> Plan:
    """Read the files through and estimate what loading them takes on this machine."""
    tally = _Tally()
    for file in files:
        _count(read(file, settings.mapping, boilerplate=settings.boilerplate), tally)
    entries = cut_entries([Entry(document, ()) for document in tally.sample], encoder, passages)
    pieces = [text for entry in entries for text in passage_texts(entry)]
    began = time.perf_counter()
    if encoder is not None and pieces:
        encoder.encode_documents(pieces[:1])  # loading the model isn't encoding
        began = time.perf_counter()
        encoder.encode_documents(pieces)
    share = tally.documents / max(len(entries), 1)
    total = round(len(pieces) * share)
    dim = encoder.dim if encoder is not None else 0
    return Plan(
        files=len(files),
        documents=tally.documents,
        passages=total,
        dead=tally.dead,
        seconds=(time.perf_counter() - began) * share,
        disk=int(tally.text_bytes * _TEXT_BYTES_STORED + total * (dim * 8 + _BYTES_PER_PASSAGE)),
        memory=int(_MODEL_BYTES + total * dim * 4),
        first=tuple(entries[:_SHOWN]),
        failures=tuple(tally.failures),
    )


def _count(items: Items, tally: _Tally) -> None:
    """Count one file's items; the first documents are the sample."""
    for item in items:
        if isinstance(item, Failure):
            tally.dead += 1
            tally.failures += [item][: _SHOWN - len(tally.failures)]
            continue
        try:
            if item.document.id in tally.seen:
                raise InvalidDocument(f"the id {item.document.id!r} occurs twice in this load; the first one is kept")
            tally.seen.add(item.document.id)
            document = checked(item.document)
        except InvalidDocument as error:
            tally.dead += 1
            tally.failures += [Failure(item.source, item.position, item.document.id, str(error), "")][
                : _SHOWN - len(tally.failures)
            ]
            continue
        tally.documents += 1
        tally.text_bytes += len(document.text.encode())
        tally.sample += [document] if len(tally.sample) < _SAMPLE else []
