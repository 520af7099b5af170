"""What a load would do: everything is read, checked and compared as a load does it, a sample is encoded, nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from searchctl.encoders.base import Encoder
from searchctl.engines.base import Engine
from searchctl.ingest.dead_letters import without_target
from searchctl.ingest.encoding import passage_texts
from searchctl.ingest.intake import Batch, IntakeReader
from searchctl.ingest.journal import KnownFile
from searchctl.ingest.model import Gone, IngestSettings
from searchctl.ingest.prepare import NoIndex, Preparer, StoredIndex
from searchctl.ingest.prune import find_gone
from searchctl.schema import Schema
from searchctl.sources import Failure, SourceFile
from searchctl.sources.model import storable
from searchctl.types import Document, Entry

_SAMPLE = 64  # documents encoded to see how long it takes
_SHOWN = 3
_TEXT_BYTES_STORED = 3.0  # the text itself, its inverted index and merges: benchmarks/ingest.py
_MODEL_BYTES = 350e6  # interpreter, model and the batches in hand
_BYTES_PER_PASSAGE = 160  # rows, keys and the graph's links


@dataclass(frozen=True, slots=True)
class Plan:
    """What a load would come to, and estimates: `seconds`, `disk` and `memory` (bytes) are for what would be written.

    `documents` would be written, `unchanged` are there already. The other counts are those of an `IngestReport`; `gone` is
    what `--prune` would delete.
    """

    files: int
    documents: int
    unchanged: int
    passages: int
    dead: int
    seconds: float
    disk: int
    memory: int
    first: tuple[Entry, ...]
    failures: tuple[Failure, ...]
    misfits: Mapping[str, int]
    first_misfit: str | None
    replaced: Mapping[str, str]
    superseded: int
    unmet: Mapping[str, str]
    remarks: tuple[str, ...]
    gone: Gone


@dataclass(slots=True)
class _Tally:
    documents: int = 0
    dead: int = 0
    text_bytes: int = 0
    sample: list[Entry] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def bury(self, failure: Failure, document: Document | None) -> None:
        self.dead += 1
        self.failures += [failure][: _SHOWN - len(self.failures)]

    def add(self, batch: Batch) -> None:
        entries = batch.prepared.entries
        self.documents += len(entries)
        self.text_bytes += sum(len(entry.document.text.encode()) for entry in entries)
        self.sample += entries[: _SAMPLE - len(self.sample)]


def plan(
    files: Sequence[SourceFile],
    settings: IngestSettings,
    encoder: Encoder | None,
    schema: Schema,
    stored: tuple[Engine, str] | None = None,
    known: Mapping[str, KnownFile] | None = None,
) -> Plan:
    """Read the files through and tell what loading them into an index with this stamp would do.

    `stored` is the engine and the name of the index where there is one already, `known` what its journal knows of files.
    Raises UsageError where an output is among the inputs.
    """
    files = without_target(files, settings.dead_letters)
    tally = _Tally()
    target = StoredIndex(*stored, dry=True) if stored else NoIndex(schema)
    if settings.types:
        target.learn(settings.types)
    preparer = Preparer(target, encoder, date_formats=settings.date_formats)
    reader = IntakeReader(target, preparer, settings, tally.bury)
    for batch in reader.batches(reader.file_items(reader.open_files(files, known or {})), lambda: True):
        tally.add(batch)
    gone = Gone()
    if stored and settings.prune:
        roots = {storable(str(file.root)) for file in files if file.size is not None}
        gone = find_gone(stored[0].scan(stored[1]), roots, reader.intake)
    seconds, pieces = _timed(tally.sample, encoder)
    share = tally.documents / max(len(tally.sample), 1)
    total = round(pieces * share)
    dim = encoder.dim if encoder is not None else 0
    return Plan(
        files=len(files),
        documents=tally.documents,
        unchanged=reader.intake.unchanged,
        passages=total,
        dead=tally.dead,
        seconds=seconds * share,
        disk=int(tally.text_bytes * _TEXT_BYTES_STORED + total * (dim * 8 + _BYTES_PER_PASSAGE)),
        memory=int(_MODEL_BYTES + total * dim * 4),
        first=tuple(tally.sample[:_SHOWN]),
        failures=tuple(tally.failures),
        misfits=dict(preparer.misfits),
        first_misfit=preparer.first_misfit,
        replaced=dict(reader.intake.replaced),
        superseded=reader.intake.superseded,
        unmet=reader.named_fields.unmet(),
        remarks=(*reader.remarks.lines(), *preparer.remarks()),
        gone=gone,
    )


def _timed(sample: Sequence[Entry], encoder: Encoder | None) -> tuple[float, int]:
    """Return how long encoding the sample takes, in seconds, and how many passages it has."""
    pieces = [text for entry in sample for text in passage_texts(entry)]
    if encoder is None or not pieces:
        return 0.0, len(pieces)
    encoder.encode_documents(pieces[:1])  # loading the model isn't encoding
    began = time.perf_counter()
    encoder.encode_documents(pieces)
    return time.perf_counter() - began, len(pieces)
