"""From a record to an entry: cleaned, fingerprinted, typed and cut into passages; all that comes before encoding."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from searchctl.encoders.base import Encoder
from searchctl.engines.base import Engine, fingerprints
from searchctl.errors import InvalidDocument
from searchctl.fields import Misfit, fit, new_types
from searchctl.ingest.encoding import cut_entries
from searchctl.schema import FieldType
from searchctl.sources import Record
from searchctl.text.cleaning import clean
from searchctl.types import Document, Entry, Value

_HALVES = re.compile("[\ud800-\udfff]")
MAX_ID_BYTES = 512  # what OpenSearch and Elasticsearch take


def as_document(given: Document | Mapping[str, Any] | str) -> Document:
    """Return a document from what a program hands over; raises InvalidDocument."""
    if isinstance(given, Document):
        return given
    if isinstance(given, str):
        given = {"text": given}
    rest = dict(given)
    text, title = str(rest.pop("text", "") or ""), str(rest.pop("title", "") or "")
    id = rest.pop("id", None)
    if not text and not title:
        raise InvalidDocument(
            f"a document needs a 'text' or a 'title'; found the keys: {', '.join(map(str, given)) or 'none'}"
        )
    name = str(id) if id is not None else hashlib.blake2b(f"{title}\0{text}".encode(), digest_size=12).hexdigest()
    return Document(name, text, title, rest)


def fingerprint(document: Document, settings: str) -> str:
    """Return a hash of everything that decides what is stored for a document: 32 hex digits."""
    content = json.dumps(
        [document.title, document.text, dict(document.fields), settings], sort_keys=True, ensure_ascii=False
    )
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def checked(document: Document) -> Document:
    """Return the document cleaned; raises InvalidDocument when nothing is left or the id can't be one."""
    fields = {_whole(name): _whole_values(value) for name, value in document.fields.items()}
    cleaned = replace(document, text=clean(document.text), title=clean(document.title), fields=fields)
    if not cleaned.text and not cleaned.title:
        raise InvalidDocument("the document is empty: no text and no title")
    if not 1 <= len(cleaned.id.encode("utf-8", "surrogatepass")) <= MAX_ID_BYTES:
        raise InvalidDocument(f"the id {cleaned.id[:40]!r} has to be 1 to {MAX_ID_BYTES} bytes long")
    return cleaned


def _whole(text: str) -> str:
    """Return the text with a replacement character for each half of a letter (a lone surrogate), which nothing can store."""
    return _HALVES.sub("\ufffd", text)


def _whole_values(value: Value) -> Value:
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, (bool, int, float)):
        return value
    return [_whole(item) if isinstance(item, str) else item for item in value]


class Preparer:
    """Turns batches of records into entries for one index, extending its schema as fields appear."""

    def __init__(self, engine: Engine, index: str, encoder: Encoder | None, *, defer_vectors: bool = False) -> None:
        self._engine = engine
        self._index = index
        self._encoder = encoder
        self._schema = engine.schema(index)
        self._deferred = defer_vectors and self._schema.encoder is not None
        self.misfits: Counter[str] = Counter()
        self.first_misfit: str | None = None

    def prepare(self, records: Sequence[Record]) -> tuple[list[Entry], list[tuple[Record, str]]]:
        """Return the entries that are new or changed, without vectors, and the records that can't be stored, with reasons."""
        rejected: list[tuple[Record, str]] = []
        candidates: list[tuple[Record, Document, str]] = []
        found: dict[str, FieldType] = {}
        for record in records:
            try:
                document = checked(record.document)
            except InvalidDocument as error:
                rejected.append((record, str(error)))
                continue
            found |= new_types(document.fields, {**self._schema.fields, **found})
            fields, misfits = fit(document.fields, {**self._schema.fields, **found})
            self._note(record, misfits)
            document = replace(document, fields=fields)
            candidates.append((record, document, fingerprint(document, repr(self._schema.passages))))
        if found:
            self._schema = self._engine.schema(self._index).with_fields(found)
            self._engine.update_schema(self._index, self._schema)
        stored = fingerprints(self._engine, self._index, [document.id for _, document, _ in candidates])
        changed = [one for one, old in zip(candidates, stored, strict=True) if old != one[2]]
        return self._cut(changed), rejected

    def _note(self, record: Record, misfits: Sequence[Misfit]) -> None:
        for misfit in misfits:
            self.misfits[misfit.name] += 1
            self.first_misfit = self.first_misfit or f"{record.source} at {record.position}: {misfit}"

    def _cut(self, changed: Sequence[tuple[Record, Document, str]]) -> list[Entry]:
        entries = [Entry(document, (), None, mark, record.source) for record, document, mark in changed]
        return entries if self._deferred else cut_entries(entries, self._encoder, self._schema.passages)
