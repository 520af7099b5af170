"""From a record to an entry: cleaned, typed, fingerprinted and cut into passages; all that comes before encoding."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

from searchctl.encoders.base import Encoder
from searchctl.engines.base import Engine, fingerprints
from searchctl.errors import InvalidDocument, SearchctlError, ServerRefusal
from searchctl.fields import Misfit, fit, new_types
from searchctl.files import is_same_file
from searchctl.ingest.encoding import cut_entries
from searchctl.ingest.prune import is_gone
from searchctl.notation import without_halves
from searchctl.schema import FieldType, Schema
from searchctl.sources import Record
from searchctl.text.cleaning import clean
from searchctl.translation import _
from searchctl.types import Document, Entry, Value

_HALVES = re.compile("[\ud800-\udfff]")
_as_json = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
MAX_ID_BYTES = 512  # what OpenSearch and Elasticsearch take
_MOST_TYPED_FIELDS = 900  # servers take a thousand, ours included


def fingerprint(document: Document, settings: str, source: str = "") -> str:
    """Return a hash of everything that decides what is stored for a document: 32 hex digits, and 8 for where it came from."""
    content = _as_json([document.title, document.text, dict(document.fields), settings])
    digest = hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{digest}-{_short(source)}" if source else digest


@lru_cache(maxsize=64)  # neighbours mostly come from one source
def _short(source: str) -> str:
    return hashlib.blake2b(source.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def is_from(mark: str, source: str) -> bool | None:
    """Tell whether a fingerprint is of a document from this source; None where it doesn't say (indexes made before)."""
    _ignored, dash, short = mark.partition("-")
    return short == _short(source) if dash else None


def has_content(mark: str, other: str) -> bool:
    """Tell whether two fingerprints are of the same content, wherever that came from."""
    return mark.partition("-")[0] == other.partition("-")[0]


def checked(document: Document) -> Document:
    """Return the document cleaned; raises InvalidDocument when nothing is left or the id can't be one."""
    fields = {without_halves(name): _whole_values(value) for name, value in document.fields.items()}
    cleaned = Document(document.id, clean(document.text), clean(document.title), fields)
    if not cleaned.text and not cleaned.title:
        raise InvalidDocument(_("the document is empty: no text and no title"))
    if not 1 <= len(cleaned.id.encode("utf-8", "surrogatepass")) <= MAX_ID_BYTES:
        raise InvalidDocument(
            _("the id {id!r} has to be 1 to {MAX_ID_BYTES} bytes long").format(
                id=cleaned.id[:40], MAX_ID_BYTES=MAX_ID_BYTES
            )
        )
    if not cleaned.id.isascii() and _HALVES.search(cleaned.id):
        raise InvalidDocument(_("the id {id!r} has half a letter in it (a lone surrogate)").format(id=cleaned.id[:40]))
    return cleaned


def _whole_values(value: Value) -> Value:
    if isinstance(value, str):
        return without_halves(value)
    if isinstance(value, (bool, int, float)):
        return value
    return [without_halves(item) if isinstance(item, str) else item for item in value]


class Target(Protocol):
    """The index that documents are prepared for, as far as that needs to know it."""

    def schema(self) -> Schema:
        """Return the stamp."""

    def learn(self, types: Mapping[str, FieldType]) -> Schema:
        """Take in fields that weren't known, and return the stamp then; a field it can't take isn't in it."""

    def fingerprints(self, ids: Sequence[str]) -> list[str | None]:
        """Return the stored fingerprints, None for the missing."""

    def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Entry | None]:
        """Return the stored entries, None for the missing."""


class StoredIndex:
    """An index of an engine; a `dry` one learns nothing for good."""

    def __init__(self, engine: Engine, index: str, *, dry: bool = False) -> None:
        self._engine = engine
        self._index = index
        self._dry = dry
        self._schema = engine.schema(index)

    def schema(self) -> Schema:
        """Return the stamp."""
        return self._schema

    def learn(self, types: Mapping[str, FieldType]) -> Schema:
        """Add fields to the stamp; those that a server refuses one by one are stored without a type."""
        if self._dry:
            self._schema = self._schema.with_fields(types)
            return self._schema
        try:
            self._update(types)
        except ServerRefusal:
            for name, kind in types.items():
                try:
                    self._update({name: kind})
                except ServerRefusal:  # as `a.b` where `a` is a field itself
                    continue
        return self._schema

    def _update(self, types: Mapping[str, FieldType]) -> None:
        before = self._engine.schema(self._index)
        schema = before.with_fields(types)
        self._engine.update_schema(self._index, schema, since=before)
        self._schema = schema

    def fingerprints(self, ids: Sequence[str]) -> list[str | None]:
        """Return the stored fingerprints, None for the missing."""
        return fingerprints(self._engine, self._index, ids)

    def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Entry | None]:
        """Return the stored entries, None for the missing."""
        return self._engine.get(self._index, ids, vectors=vectors)


class NoIndex:
    """An index that isn't there yet."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def schema(self) -> Schema:
        """Return what its stamp would be."""
        return self._schema

    def learn(self, types: Mapping[str, FieldType]) -> Schema:
        """Add fields."""
        self._schema = self._schema.with_fields(types)
        return self._schema

    def fingerprints(self, ids: Sequence[str]) -> list[str | None]:
        """Return None for each."""
        return [None] * len(ids)

    def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Entry | None]:
        """Return None for each."""
        return [None] * len(ids)


def holders(target: Target, ids: Sequence[str]) -> dict[str, str]:
    """Return for each of these ids that an index holds the source of its document."""
    held = [id for id, mark in zip(ids, target.fingerprints(ids), strict=True) if mark is not None]
    return {entry.document.id: entry.source for entry in target.get(held) if entry is not None} if held else {}


@dataclass(slots=True)
class Prepared:
    """A batch of records after preparation.

    `entries` are new or changed, without vectors, or have moved to another source, then with the vectors they had. The other
    records are `unchanged` or `rejected`, with reasons. `replaced` are the sources of documents that entries take the place of.
    """

    entries: list[Entry] = field(default_factory=list)
    rejected: list[tuple[Record, str]] = field(default_factory=list)
    unchanged: int = 0
    replaced: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Candidate:
    record: Record
    document: Document
    mark: str


class Preparer:
    """Turns batches of records into entries for one index, extending its schema as fields appear."""

    def __init__(
        self,
        target: Target,
        encoder: Encoder | None,
        *,
        defer_vectors: bool = False,
        date_formats: Mapping[str, str] | None = None,
    ) -> None:
        self._target = target
        self._encoder = encoder
        self._schema = target.schema()
        self._deferred = defer_vectors and self._schema.encoder is not None
        self._date_formats = dict(date_formats or {})
        self._untyped: set[str] = set()
        self.misfits: Counter[str] = Counter()
        self.first_misfit: str | None = None
        self.marks: dict[str, str] = {}  # fingerprints of the last batch, as the index holds them then, by id

    def prepare(self, records: Sequence[Record]) -> Prepared:
        """Check and type the records, and compare them with what the index holds."""
        prepared = Prepared()
        documents: list[tuple[Record, Document]] = []
        for record in records:
            try:
                documents.append((record, checked(record.document)))
            except Exception as error:
                prepared.rejected.append((record, reason_of(error)))
        self._learn([document for _ignored, document in documents])
        settings = repr(self._schema.passages)
        candidates = []
        for record, document in documents:
            try:
                typed = self._typed(record, document)
                candidates.append(_Candidate(record, typed, fingerprint(typed, settings, record.source)))
            except Exception as error:
                prepared.rejected.append((record, reason_of(error)))
        self.marks = {candidate.document.id: candidate.mark for candidate in candidates}
        self._compare(candidates, prepared)
        return prepared

    def _learn(self, documents: Sequence[Document]) -> None:
        """Type the fields that are new: by the first value that tells."""
        types: dict[str, FieldType] = {}
        known = dict(self._schema.fields)
        for document in documents:
            new = new_types(document.fields, known)
            types |= new
            known |= new
        room = _MOST_TYPED_FIELDS - len(self._schema.fields)
        wanted = {name: kind for name, kind in list(types.items())[: max(room, 0)] if name not in self._untyped}
        self._untyped |= types.keys() - wanted.keys()
        if wanted:
            self._schema = self._target.learn(wanted)
            self._untyped |= wanted.keys() - self._schema.fields.keys()

    def _typed(self, record: Record, document: Document) -> Document:
        fields, misfits = fit(document.fields, self._schema.fields, self._date_formats)
        for misfit in misfits:
            self._note(record, misfit)
        return Document(document.id, document.text, document.title, fields)

    def _note(self, record: Record, misfit: Misfit) -> None:
        self.misfits[misfit.name] += 1
        self.first_misfit = self.first_misfit or f"{place_of(record.source, record.position)}: {misfit}"

    def remarks(self) -> list[str]:
        """Return a sentence about the fields that the index has no type for: there are too many, or a server refuses them."""
        if not self._untyped:
            return []
        names = ", ".join(f"'{name[:40]}'" for name in sorted(self._untyped)[:3])
        return [
            f"{len(self._untyped):,} fields are stored and can't be filtered by ({names}…): an index types "
            f"{_MOST_TYPED_FIELDS} at most, and a server none that is inside of another"
        ]

    def _compare(self, candidates: Sequence[_Candidate], prepared: Prepared) -> None:
        """Sort out what the index holds already; of the rest, note which documents of other sources are replaced."""
        marks = self._target.fingerprints([candidate.document.id for candidate in candidates])
        changed: list[_Candidate] = []
        elsewhere: list[_Candidate] = []
        for candidate, mark in zip(candidates, marks, strict=True):
            same_source = is_from(mark, candidate.record.source) if mark is not None else True
            if mark is None:
                changed.append(candidate)
            elif has_content(mark, candidate.mark):
                if same_source is False:
                    elsewhere.append(candidate)
                else:
                    prepared.unchanged += 1
                    self.marks[candidate.document.id] = mark
            elif same_source:
                changed.append(candidate)
            else:
                changed.append(candidate)
                elsewhere.append(candidate)
        self._cut(changed, prepared)
        self._take_over(elsewhere, {id(candidate) for candidate in changed}, prepared)

    def _take_over(self, candidates: Sequence[_Candidate], changed: set[int], prepared: Prepared) -> None:
        """Look at documents whose ids the index holds from other sources."""
        if not candidates:
            return
        moved: list[_Candidate] = []
        stored = self._target.get([candidate.document.id for candidate in candidates])
        for candidate, entry in zip(candidates, stored, strict=True):
            if entry is None:
                continue
            if id(candidate) in changed:
                if not _is_one_source(entry.source, candidate.record.source):
                    prepared.replaced[candidate.document.id] = entry.source
            elif is_gone(entry.source):
                moved.append(candidate)
            else:
                prepared.unchanged += 1
        again = self._target.get([candidate.document.id for candidate in moved], vectors=True) if moved else []
        for candidate, entry in zip(moved, again, strict=True):
            if entry is not None:
                prepared.entries.append(replace(entry, source=candidate.record.source, fingerprint=candidate.mark))

    def _cut(self, changed: Sequence[_Candidate], prepared: Prepared) -> None:
        entries = [Entry(new.document, (), None, new.mark, new.record.source) for new in changed]
        if self._deferred:
            prepared.entries += entries
            return
        try:
            prepared.entries += cut_entries(entries, self._encoder, self._schema.passages)
        except Exception:
            for candidate, entry in zip(changed, entries, strict=True):
                try:
                    prepared.entries += cut_entries([entry], self._encoder, self._schema.passages)
                except Exception as error:
                    prepared.rejected.append((candidate.record, reason_of(error)))


def _is_one_source(source: str, other: str) -> bool:
    """Tell whether two sources are one, perhaps reached through a link."""
    return source == other or (bool(source and other) and is_same_file(source, other))


def reason_of(error: Exception) -> str:
    """Return why one document can't be stored; raises the error again where it is no document's fault: the disk, a server."""
    if isinstance(error, InvalidDocument):
        return str(error)
    if isinstance(error, (SearchctlError, OSError)):
        raise error
    return f"unexpected {type(error).__name__}: {error}; please report it with this document"


def place_of(source: str, position: int) -> str:
    """Return where a record stands, for a message."""
    if not source:
        return f"document {position}"
    return f"{source} at {position}" if position > 0 else source
