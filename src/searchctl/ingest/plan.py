"""What a load would do: everything is read, checked and compared as a load does it, a sample is encoded, nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

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

_SAMPLE = 256  # passages, of all files alike, at most encoded to see how long it takes
_SAMPLING = 2.0  # seconds after which that ends
_PIECE = 4  # passages between two looks at the clock
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
    passages: int = 0
    characters: int = 0  # of all passages
    first: list[Entry] = field(default_factory=list)
    sample: list[str] = field(default_factory=list)  # passages: each of all is in it with the same chance
    draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    failures: list[Failure] = field(default_factory=list)

    def bury(self, failure: Failure, document: Document | None) -> None:
        self.dead += 1
        self.failures += [failure][: _SHOWN - len(self.failures)]

    def add(self, batch: Batch) -> None:
        entries = batch.prepared.entries
        self.documents += len(entries)
        self.text_bytes += sum(len(entry.document.text.encode()) for entry in entries)
        self.first += entries[: _SHOWN - len(self.first)]
        for entry in entries:
            for text in () if entry.vectors is not None else passage_texts(entry):
                self._look(text)

    def _look(self, text: str) -> None:
        """Count a passage, and perhaps take it into the sample (Vitter's algorithm R)."""
        self.passages += 1
        self.characters += len(text)
        if len(self.sample) < _SAMPLE:
            self.sample.append(text)
        elif (place := int(self.draw.integers(self.passages))) < _SAMPLE:
            self.sample[place] = text


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
    dim = encoder.dim if encoder is not None else 0
    return Plan(
        files=len(files),
        documents=tally.documents,
        unchanged=reader.intake.unchanged,
        passages=tally.passages,
        dead=tally.dead,
        seconds=_seconds(tally, encoder),
        disk=int(tally.text_bytes * _TEXT_BYTES_STORED + tally.passages * (dim * 8 + _BYTES_PER_PASSAGE)),
        memory=int(_MODEL_BYTES + tally.passages * dim * 4),
        first=tuple(tally.first),
        failures=tuple(tally.failures),
        misfits=dict(preparer.misfits),
        first_misfit=preparer.first_misfit,
        replaced=dict(reader.intake.replaced),
        superseded=reader.intake.superseded,
        unmet=reader.named_fields.unmet(),
        remarks=(*reader.remarks.lines(), *preparer.remarks()),
        gone=gone,
    )


def _seconds(tally: _Tally, encoder: Encoder | None) -> float:
    """Return how long encoding all passages would take, in seconds, by a sample that takes two of them."""
    if encoder is None or not tally.sample:
        return 0.0
    texts = [tally.sample[place] for place in tally.draw.permutation(len(tally.sample))]
    encoder.encode_documents(texts[:1])  # loading the model isn't encoding
    began, characters, took = time.perf_counter(), 0, 0.0
    for start in range(0, len(texts), _PIECE):
        piece = texts[start : start + _PIECE]
        encoder.encode_documents(piece)
        characters += sum(map(len, piece))
        took = time.perf_counter() - began
        if took >= _SAMPLING:
            break
    return took * tally.characters / max(characters, 1)
