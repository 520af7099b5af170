"""The documents to look into, with one vector each: read from an index, or from files encoded on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

import numpy as np

from searchctl.encoders.base import Encoder
from searchctl.errors import SourceError, UsageError
from searchctl.fields import comparables
from searchctl.filters.checking import kind_of
from searchctl.index import Index
from searchctl.ingest.encoding import cut_entries, encode_entries
from searchctl.ranking.unit import unit
from searchctl.schema import PassageSettings
from searchctl.sources import Failure, FieldMapping, SourceFile, read
from searchctl.text.cleaning import clean
from searchctl.translation import _
from searchctl.types import Document, Entry, Vectors

Progress: TypeAlias = Callable[[int, "int | None"], None]
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Collection:
    """Documents in order: `ids` and `texts` (title and text together), and `vectors` (n, dim) with rows of length 1.

    A long document's vector is the mean of its passages'. `passed_over` counts what couldn't be read or has no vectors yet.
    `encode` gives vectors of other texts by the same encoder, None where there is none here. `dates` (n,) are seconds since 1970 of
    the date field that was asked for, None where a document has none; empty where none was asked for.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: Vectors
    passed_over: int = 0
    encode: Callable[[Sequence[str]], Vectors] | None = None
    dates: tuple[float | None, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


def from_index(index: Index, on_progress: Progress | None = None, date: str | None = None) -> Collection:
    """Read all documents of an index with the vectors it holds, by id: engines give them in orders of their own.

    `date` is the field of their dates; None is the index's only one, if it has just one. Raises UsageError for an index without
    vectors and for a field that holds no dates.
    """
    name = index.engine.resolve(index.name)
    if index.engine.schema(name).encoder is None:
        raise UsageError(
            _(
                "index '{name}' has no vectors, so nothing can be compared; ingest into a new index with an "
                "encoder: searchctl ingest FOLDER --index NEW"
            ).format(name=index.name)
        )
    fields = index.engine.schema(name).fields
    if date is not None and kind_of(date, fields) != "date":
        raise UsageError(
            f"field '{date}' holds {fields.get(date, 'text')} values; name a field of dates: --date updated"
        )
    dated = [field for field, kind in fields.items() if kind == "date"]
    date = date or (dated[0] if len(dated) == 1 else None)
    total = index.engine.info(name).documents
    entries = (entry for batch in index.engine.scan(name, vectors=True) for entry in batch)
    collection = _collected(entries, total, 0, on_progress, date)
    order = sorted(range(len(collection)), key=collection.ids.__getitem__)
    ids, texts = (tuple(values[row] for row in order) for values in (collection.ids, collection.texts))
    encode = None if index.encoder is None else index.encoder.encode_documents
    dates = tuple(collection.dates[row] for row in order) if collection.dates else ()
    return Collection(ids, texts, collection.vectors[order], collection.passed_over, encode, dates)


def from_files(
    files: Sequence[SourceFile],
    mapping: FieldMapping,
    encoder: Encoder,
    on_progress: Progress | None = None,
    date: str | None = None,
) -> Collection:
    """Read documents from files and encode them as an index would; raises SourceError when none can be read.

    `date` is the field of their dates; UsageError where no document has one there.
    """
    documents: list[Document] = []
    failures = 0
    for file in files:
        for item in read(file, mapping):
            if isinstance(item, Failure):
                failures += 1
            else:
                documents.append(item.document)
    if not documents:
        raise SourceError(
            _("no document could be read from {source}; see why with: searchctl ingest --dry-run").format(
                source=files[0].source
            )
        )
    found = _collected(_encoded(documents, encoder), len(documents), failures, on_progress, date)
    if date is not None and all(one is None for one in found.dates):
        raise UsageError(f"no document has a date in the field '{date}'; name a field of dates with --date")
    return replace(found, encode=encoder.encode_documents)


def _encoded(documents: Sequence[Document], encoder: Encoder) -> Iterator[Entry]:
    settings = PassageSettings.usual(encoder.max_tokens)
    waiting = iter(documents)
    while batch := list(islice(waiting, _BATCH)):
        cleaned = [replace(document, text=clean(document.text), title=clean(document.title)) for document in batch]
        entries = cut_entries([Entry(document, ()) for document in cleaned], encoder, settings)
        yield from encode_entries(entries, encoder)


def _collected(
    entries: Iterator[Entry], total: int, failures: int, on_progress: Progress | None, date: str | None
) -> Collection:
    dates: list[float | None] = []
    ids: list[str] = []
    texts: list[str] = []
    rows: list[Vectors] = []
    for entry in entries:
        document = entry.document
        if entry.vectors is None or not len(entry.vectors):
            failures += 1
            continue
        ids.append(document.id)
        texts.append(f"{document.title}\n{document.text}".strip())
        if date is not None:
            given = comparables(date, "date", document.fields.get(date, ()))
            dates.append(next((float(one) for one in given), None))
        rows.append(unit(entry.vectors.mean(axis=0)))
        if on_progress is not None:
            on_progress(len(ids), total)
    if not rows:
        raise UsageError(
            _(
                "there are no documents with vectors to look into; fill the index first: searchctl ingest "
                "FOLDER, or make the vectors that were put off: searchctl vectorize"
            )
        )
    return Collection(tuple(ids), tuple(texts), np.stack(rows), failures, dates=tuple(dates))
