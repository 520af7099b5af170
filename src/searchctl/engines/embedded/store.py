"""The truth of an embedded index: documents, passages, vectors and the stamp, in one SQLite file.

Rows are never changed, only added and removed, and row numbers never come back. So whatever is derived from the store
(the lexical and the vector index) knows how far it got by two numbers: the last document row it has seen and the last
tombstone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.embedded.database import Database
from searchctl.engines.embedded.filter_sql import facets, filter_sql
from searchctl.errors import StorageError
from searchctl.schema import FieldType, Schema
from searchctl.translation import _
from searchctl.types import Document, Entry, Filter, Passage, Vectors

_KNOWN_IDS = 200_000  # ids kept in memory: some 20 MB
_MANY_IDS = 2_000
_WAITING = "SELECT count(*) FROM documents WHERE NOT EXISTS (SELECT 1 FROM passages WHERE document = documents.row)"
_as_json = json.JSONEncoder(ensure_ascii=False).encode


class Text(NamedTuple):
    """What the lexical index needs of a document."""

    row: int
    title: str
    text: str
    fields: Mapping[str, Any]


class PassageVectors(NamedTuple):
    """Passages with vectors, ascending: their numbers, document rows and ordinals, (n,) each, and the vectors (n, dim)."""

    passages: NDArray[np.int64]
    documents: NDArray[np.int64]
    ordinals: NDArray[np.int32]
    vectors: Vectors


class Watermark(NamedTuple):
    """How far something derived from the store has got."""

    document: int = 0
    passage: int = 0
    tombstone: int = 0


@dataclass(slots=True)
class _Known:
    """What was read from one state of the store and is asked for again and again."""

    state: tuple[int, int] = (-1, -1)
    count: tuple[int, int] | None = None
    waiting: int | None = None
    ids: dict[int, str] = field(default_factory=dict)


class Store:
    """The documents of one SQLite file. Safe to use from several threads; one process writes, many read."""

    def __init__(self, path: Path, *, create: Schema | None = None) -> None:
        self.database = Database(path, create=create is not None)
        self._known = _Known()
        self._version = 0
        if create is not None:
            with self.database.transaction():
                self._put_schema(create)
        encoder = self.schema().encoder
        self.dim = encoder.dim if encoder else 0

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written where it lies."""
        return self.database.read_only

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    # The stamp

    def schema(self) -> Schema:
        """Return the stamp; raises StorageError when it can't be read."""
        rows = self.database.rows("SELECT value FROM meta WHERE key = 'schema'")
        try:
            return Schema.from_json(json.loads(rows[0][0]))
        except (IndexError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged("its stamp can't be read") from error

    def update_schema(self, schema: Schema, since: Schema | None) -> Schema:
        """Store a stamp, or what it changes of `since`, which its author has read; return the whole stamp.

        With `since` what another process has changed meanwhile stays as that left it.
        """
        with self.database.transaction():
            stamp = schema if since is None else schema.rebased(since, self.schema())
            self._put_schema(stamp)
        return stamp

    def _put_schema(self, schema: Schema) -> None:
        self.database.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (json.dumps(schema.to_json()),))

    def _damaged(self, what: str) -> StorageError:
        path = self.database.path
        return StorageError(
            _("{path} is damaged ({what}); restore a dump, or move {parent} away and ingest again").format(
                path=path, what=what, parent=path.parent
            )
        )

    # Writing

    def write(self, entries: Iterable[Entry], fields: Mapping[str, FieldType]) -> int:
        """Insert or replace documents, in one transaction; return how many were replaced."""
        last = {entry.document.id: entry for entry in entries}  # of two with one id the second replaces the first
        with self.database.transaction():
            replaced = self._remove(list(last))
            if self.dim and not all(entry.passages for entry in last.values()):
                self.database.execute("INSERT OR IGNORE INTO meta VALUES ('deferred', '1')")
            rows = [(self._insert(entry), entry) for entry in last.values()]
            self.database.execute_many(
                "INSERT INTO passages(document, ordinal, start, end, vector) VALUES (?, ?, ?, ?, ?)",
                (passage for row, entry in rows for passage in _passages(row, entry)),
            )
            self.database.execute_many(
                "INSERT OR IGNORE INTO facets VALUES (?, ?, ?)",
                (facet for row, entry in rows for facet in facets(row, entry.document, fields)),
            )
        return replaced

    def _insert(self, entry: Entry) -> int:
        document = entry.document
        cursor = self.database.execute(
            "INSERT INTO documents(id, fingerprint, source, title, text, fields) VALUES (?, ?, ?, ?, ?, ?)",
            (
                document.id,
                entry.fingerprint,
                entry.source,
                document.title,
                document.text,
                _as_json(dict(document.fields)),
            ),
        )
        assert cursor.lastrowid is not None  # it is one INSERT
        return cursor.lastrowid

    def _remove(self, ids: Sequence[str]) -> int:
        held = self.database.rows_in("SELECT row FROM documents WHERE id IN ({})", ids)
        for sql in (
            "INSERT INTO tombstones(row) VALUES (?)",
            "DELETE FROM facets WHERE document = ?",
            "DELETE FROM passages WHERE document = ?",
            "DELETE FROM documents WHERE row = ?",
        ):
            self.database.execute_many(sql, held)
        return len(held)

    def delete(self, ids: Iterable[str]) -> int:
        """Delete documents in one transaction and return how many there were."""
        with self.database.transaction():
            return self._remove(list(dict.fromkeys(ids)))

    # Reading

    def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Entry | None]:
        """Return entries in the order asked for."""
        entries = {entry.document.id: entry for entry in self._entries("id", ids, vectors)}
        return [entries.get(id) for id in ids]

    def fingerprints(self, ids: Sequence[str]) -> list[str | None]:
        """Return the stored fingerprints."""
        known = dict(self.database.rows_in("SELECT id, fingerprint FROM documents WHERE id IN ({})", ids))
        return [known.get(id) for id in ids]

    def fields(self, ids: Sequence[str], names: Sequence[str]) -> list[Entry | None]:
        """Return entries with some of their fields only, in the order asked for."""
        fields = {}
        for id, text in self.database.rows_in("SELECT id, fields FROM documents WHERE id IN ({})", ids):
            held = self._fields(text)
            fields[id] = Entry(Document(id, fields={name: held[name] for name in names if name in held}))
        return [fields.get(id) for id in ids]

    def ids(self, rows: Sequence[int]) -> list[str | None]:
        """Return the rows' ids, None for those that are gone, as of the last look at `version`."""
        known = self._current().ids
        ids = list(map(known.get, rows))
        if None not in ids:
            return ids
        if _MANY_IDS < len(known) < _KNOWN_IDS:  # the rest at once is quicker than piece by piece
            known.update(self.database.rows("SELECT row, id FROM documents LIMIT ?", (_KNOWN_IDS,)))
        missing = [row for row in rows if row not in known]
        known.update(self.database.rows_in("SELECT row, id FROM documents WHERE row IN ({})", missing))
        return list(map(known.get, rows))

    def scan(self, batch: int, *, vectors: bool) -> Iterator[list[Entry]]:
        """Yield entries by row, in batches; writing meanwhile is allowed."""
        last = 0
        sql = "SELECT row FROM documents WHERE row > ? ORDER BY row LIMIT ?"
        while rows := [row for (row,) in self.database.rows(sql, (last, batch))]:
            yield list(self._entries("row", rows, vectors))
            last = rows[-1]

    def _entries(self, key: str, values: Sequence[Any], vectors: bool) -> Iterator[Entry]:
        columns = "row, id, title, text, fields, fingerprint, source"
        documents = self.database.rows_in(f"SELECT {columns} FROM documents WHERE {key} IN ({{}})", values)
        pieces: dict[int, list[Any]] = {row[0]: [] for row in documents}
        what = "document, start, end, " + ("vector" if vectors else "NULL")
        for document, *piece in self.database.rows_in(
            f"SELECT {what} FROM passages WHERE document IN ({{}}) ORDER BY document, ordinal", list(pieces)
        ):
            pieces[document].append(piece)
        for row, id, title, text, fields, fingerprint, source in documents:
            yield Entry(
                Document(id, text, title, self._fields(fields)),
                tuple(Passage(start, end) for start, end, _ignored in pieces[row]),
                self._matrix([blob for _ignored, _ignored, blob in pieces[row]]) if vectors else None,
                fingerprint,
                source,
            )

    def count(self) -> tuple[int, int]:
        """Count documents and passages, as of the last look at `version`."""
        known = self._current()
        if known.count is None:  # SQLite walks the whole table
            row = self.database.rows("SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages)")[0]
            known.count = (row[0], row[1])
        return known.count

    def waiting(self) -> int:
        """Count the documents that were stored before their vectors, as of the last look at `version`."""
        known = self._current()
        if known.waiting is None:
            deferred = self.database.rows("SELECT 1 FROM meta WHERE key = 'deferred'")
            known.waiting = self.database.rows(_WAITING)[0][0] if deferred else 0
        return known.waiting

    def settle(self) -> bool:
        """Note that no document waits for its vectors any more, and tell whether that is new."""
        if not self.database.rows("SELECT 1 FROM meta WHERE key = 'deferred'") or self.database.rows(_WAITING)[0][0]:
            return False
        with self.database.transaction():
            self.database.execute("DELETE FROM meta WHERE key = 'deferred'")
        return True

    def _current(self) -> _Known:
        """Return what was read before, or nothing when the store has changed since."""
        state = (self._version, self.changes)
        if self._known.state != state or len(self._known.ids) > 2 * _KNOWN_IDS:
            self._known = _Known(state)
        return self._known

    def matching(self, wanted: Filter, fields: Mapping[str, FieldType]) -> NDArray[np.int64]:
        """Return the rows of the documents for which a filter holds, ascending; the filter is of `filters.typed`."""
        sql, values = filter_sql(wanted, fields)
        rows = self.database.rows(f"{sql} ORDER BY 1", values)
        return np.fromiter((row for (row,) in rows), dtype=np.int64, count=len(rows))

    def rows(self) -> NDArray[np.int64]:
        """Return the rows of all documents, ascending."""
        rows = self.database.rows("SELECT row FROM documents ORDER BY row")
        return np.fromiter((row for (row,) in rows), dtype=np.int64, count=len(rows))

    def values(self, field: str) -> list[tuple[int, Any]]:
        """Return a field's values with the rows of the documents that have them, ascending by value."""
        return self.database.rows(
            "SELECT document, value FROM facets WHERE field = ? ORDER BY value, document", (field,)
        )

    # Housekeeping

    def shrink_vectors(self) -> None:
        """Store as float16 what the first format kept as float32; going on where a process that was killed had got to."""
        last = 0
        sql = (
            "SELECT passage, vector FROM passages WHERE passage > ? AND length(vector) = ? ORDER BY passage LIMIT 5000"
        )
        while rows := self.database.rows(sql, (last, 4 * self.dim)):
            smaller = [(_blob(np.frombuffer(vector, "<f4")), passage) for passage, vector in rows]
            with self.database.transaction():
                self.database.execute_many("UPDATE passages SET vector = ? WHERE passage = ?", smaller)
            last = rows[-1][0]

    def forget_removals(self) -> None:
        """Delete the notes of removed documents; both legs must have followed."""
        with self.database.transaction():
            self.database.execute("DELETE FROM tombstones")

    def check(self) -> list[str]:
        """Return what is wrong with the file; this reads all of it."""
        faults = self.database.check()
        if not faults:
            try:
                for _ignored in self.scan(500, vectors=bool(self.dim)):
                    pass
            except (StorageError, ValueError) as error:
                faults.append(str(error))
        return faults

    # What is derived catches up from here

    @property
    def changes(self) -> int:
        """How much this connection has changed."""
        return self.database.changes

    def version(self) -> int:
        """Return a number that changes when another connection has written."""
        self._version = self.database.version()
        return self._version

    def watermark(self) -> Watermark:
        """Return the last numbers given out."""
        sequences = dict(self.database.rows("SELECT name, seq FROM sqlite_sequence"))
        return Watermark(sequences.get("documents", 0), sequences.get("passages", 0), sequences.get("tombstones", 0))

    def texts_after(self, row: int, limit: int) -> list[Text]:
        """Return the next documents beyond a row."""
        texts = self.database.rows(
            "SELECT row, title, text, fields FROM documents WHERE row > ? ORDER BY row LIMIT ?", (row, limit)
        )
        return [Text(row, title, text, self._fields(fields)) for row, title, text, fields in texts]

    def passages_after(self, passage: int, limit: int) -> PassageVectors:
        """Return the next passages that have a vector, beyond a passage."""
        sql = "SELECT passage, document, ordinal, vector FROM passages WHERE passage > ? AND vector NOT NULL ORDER BY passage LIMIT ?"
        return self._passage_vectors(self.database.rows(sql, (passage, limit)))

    def passages_of(self, passages: NDArray[np.int64]) -> PassageVectors:
        """Return the vectors of passages (n,), ascending; those that are gone are left out."""
        sql = "SELECT passage, document, ordinal, vector FROM passages WHERE passage IN ({}) AND vector NOT NULL ORDER BY passage"
        return self._passage_vectors(self.database.rows_in(sql, passages.tolist()))

    def has_passages_after(self, passage: int) -> bool:
        """Tell whether there are passages beyond one."""
        return bool(self.database.rows("SELECT 1 FROM passages WHERE passage > ? LIMIT 1", (passage,)))

    def sampled_vectors(self, count: int) -> Vectors:
        """Return about `count` vectors (n, dim) of passages from everywhere in the index."""
        numbers = np.unique(np.linspace(1, max(1, self.watermark().passage), count).astype(np.int64))
        sample = self.passages_of(numbers)
        return sample.vectors if len(sample.vectors) > count // 4 else self.passages_after(0, count).vectors

    def _passage_vectors(self, rows: list[Any]) -> PassageVectors:
        return PassageVectors(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.int64),
            np.array([row[2] for row in rows], np.int32),
            self._decoded([row[3] for row in rows]),
        )

    def _matrix(self, blobs: list[bytes | None]) -> Vectors | None:
        held = [blob for blob in blobs if blob is not None]
        return None if len(held) < len(blobs) or not held else self._decoded(held)

    def _decoded(self, blobs: list[bytes]) -> Vectors:
        """Return vectors (n, dim) from float16, or from float32 as the first format kept them."""
        dim = self.dim
        sizes = set(map(len, blobs))
        if not sizes <= {2 * dim, 4 * dim}:
            raise self._damaged("a vector has a wrong length")
        if sizes == {4 * dim}:
            return np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), dim).astype(np.float32, copy=False)
        if len(sizes) == 2:
            return np.concatenate([self._decoded([blob]) for blob in blobs])
        return np.frombuffer(b"".join(blobs), "<f2").reshape(len(blobs), dim).astype(np.float32)

    def _fields(self, text: str) -> dict[str, Any]:
        try:
            return dict(json.loads(text))
        except (ValueError, TypeError) as error:
            raise self._damaged("a document's fields can't be read") from error

    def tombstones_after(self, seq: int) -> list[int]:
        """Return the rows of documents removed since a tombstone."""
        return [row for (row,) in self.database.rows("SELECT row FROM tombstones WHERE seq > ? ORDER BY seq", (seq,))]


def _passages(row: int, entry: Entry) -> Iterator[tuple[int, int, int, int, bytes | None]]:
    """Yield (document, ordinal, start, end, vector) of an entry's passages."""
    vectors = entry.vectors
    for ordinal, passage in enumerate(entry.passages):
        yield row, ordinal, passage.start, passage.end, None if vectors is None else _blob(vectors[ordinal])


def _blob(vector: NDArray[np.float32]) -> bytes:
    return np.ascontiguousarray(vector, dtype="<f2").tobytes()
