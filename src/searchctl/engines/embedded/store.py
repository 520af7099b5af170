"""The truth of an embedded index: documents, passages, vectors and the stamp, in one SQLite file.

Rows are never changed, only added and removed, and row numbers never come back. So whatever is derived from the store
(the lexical and the vector index) knows how far it got by two numbers: the last document row it has seen and the last
tombstone.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.embedded.filter_sql import filter_sql
from searchctl.errors import IndexFormatError, StorageError
from searchctl.fields import as_values, comparables
from searchctl.schema import FieldType, Schema
from searchctl.types import Document, Entry, Filter, Passage, Vectors

STORE_FORMAT = 1
_APPLICATION = 0x53434354  # "SCCT", so that `file` can tell ours from another SQLite file
_TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents(
  row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL, source TEXT NOT NULL,
  title TEXT NOT NULL, text TEXT NOT NULL, fields TEXT NOT NULL);
CREATE INDEX documents_source ON documents(source);
CREATE TABLE passages(
  passage INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL, ordinal INTEGER NOT NULL,
  start INTEGER NOT NULL, end INTEGER NOT NULL, vector BLOB);
CREATE INDEX passages_document ON passages(document);
CREATE TABLE facets(field TEXT, value, document INTEGER, PRIMARY KEY(field, value, document)) WITHOUT ROWID;
CREATE INDEX facets_document ON facets(document);
CREATE TABLE tombstones(seq INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER NOT NULL);
"""
_MIGRATIONS: Mapping[int, str] = {}  # format -> SQL that makes the next one of it
_CACHE_KB = 32_000
_KNOWN_IDS = 200_000  # ids kept in memory: some 20 MB
_MANY_IDS = 2_000
_SLICE = 500  # values bound in one statement: below every SQLite's limit


class Text(NamedTuple):
    """What the lexical index needs of a document."""

    row: int
    title: str
    text: str
    fields: Mapping[str, Any]


class PassageVector(NamedTuple):
    """What the vector index needs of a passage."""

    passage: int
    document: int
    ordinal: int
    vector: bytes


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
    ids: dict[int, str] = field(default_factory=dict)


class Store:
    """One SQLite file. Safe to use from several threads; one process writes, many read."""

    def __init__(self, path: Path, *, create: Schema | None = None) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._known = _Known()
        self._version = 0
        self.read_only = False
        with self._errors():
            self._db = self._connect(create is not None)
            try:
                if create is not None:
                    self._create(create)
                self._check_format()
            except BaseException:
                self._db.close()
                raise

    def _connect(self, create: bool) -> sqlite3.Connection:
        uri = self._path.absolute().as_uri()
        try:
            db, busy = self._connect_writable(uri, create)
        except sqlite3.OperationalError:
            if create:
                raise
            self.read_only = True
            db, busy = self._connect_read_only(uri), False
        if busy:
            return db
        db.isolation_level = None
        db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        if not self.read_only:
            db.execute("PRAGMA synchronous = FULL")
        return db

    def _connect_writable(self, uri: str, create: bool) -> tuple[sqlite3.Connection, bool]:
        """Return the file opened for writing, and whether somebody writes just now: reading works beside it."""
        db = sqlite3.connect(f"{uri}?mode={'rwc' if create else 'rw'}", uri=True, check_same_thread=False, timeout=30)
        try:
            db.execute("PRAGMA user_version")
            if not create:
                db.execute("BEGIN IMMEDIATE").connection.rollback()
        except sqlite3.DatabaseError as error:
            if not create and ("locked" in str(error) or "busy" in str(error)):
                return db, True
            db.close()
            raise
        return db, False

    def _connect_read_only(self, uri: str) -> sqlite3.Connection:
        db = sqlite3.connect(f"{uri}?mode=ro", uri=True, check_same_thread=False)
        try:
            db.execute("SELECT 1 FROM meta")
        except sqlite3.OperationalError:  # a folder that can't hold the WAL's shared memory: nobody writes there
            db.close()
            db = sqlite3.connect(f"{uri}?immutable=1", uri=True, check_same_thread=False)
        return db

    def _create(self, schema: Schema) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        with self.transaction():
            self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
            for statement in _TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {STORE_FORMAT}")
            self.save_schema(schema)

    def _check_format(self) -> None:
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found > STORE_FORMAT or found < 1:
            raise IndexFormatError(
                f"{self._path} has format {found}, this searchctl reads 1 to {STORE_FORMAT}; "
                "upgrade with: pip install --upgrade searchctl"
            )
        while found < STORE_FORMAT:
            with self.transaction():
                for statement in _MIGRATIONS[found].split(";"):
                    self._db.execute(statement)
                found += 1
                self._db.execute(f"PRAGMA user_version = {found}")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):  # the file's fault, not the disk's
                raise StorageError(
                    f"{self._path} is damaged ({error}); restore a dump, or move {self._path.parent} away and ingest again"
                ) from error
            raise StorageError(
                f"can't use {self._path}: {error}; check free space, permissions and the disk"
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in one transaction: all of it is kept, durably, or nothing."""
        with self._lock, self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock, self._errors():
            return self._db.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    # The stamp

    def schema(self) -> Schema:
        """Return the stamp."""
        return Schema.from_json(json.loads(self._all("SELECT value FROM meta WHERE key = 'schema'")[0][0]))

    def save_schema(self, schema: Schema) -> None:
        """Replace the stamp."""
        with self._lock, self._errors():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (json.dumps(schema.to_json()),))

    # Writing

    def write(self, entries: Iterable[Entry], fields: Mapping[str, FieldType]) -> None:
        """Insert or replace documents, in one transaction."""
        with self.transaction():
            for entry in entries:
                self._remove(entry.document.id)
                self._insert(entry, fields)

    def _insert(self, entry: Entry, fields: Mapping[str, FieldType]) -> None:
        document = entry.document
        cursor = self._db.execute(
            "INSERT INTO documents(id, fingerprint, source, title, text, fields) VALUES (?, ?, ?, ?, ?, ?)",
            (
                document.id,
                entry.fingerprint,
                entry.source,
                document.title,
                document.text,
                json.dumps(dict(document.fields), ensure_ascii=False),
            ),
        )
        row = cursor.lastrowid
        vectors = entry.vectors
        self._db.executemany(
            "INSERT INTO passages(document, ordinal, start, end, vector) VALUES (?, ?, ?, ?, ?)",
            [
                (row, ordinal, passage.start, passage.end, None if vectors is None else _blob(vectors[ordinal]))
                for ordinal, passage in enumerate(entry.passages)
            ],
        )
        self._db.executemany("INSERT OR IGNORE INTO facets VALUES (?, ?, ?)", _facets(row, document, fields))

    def _remove(self, id: str) -> bool:
        found = self._db.execute("SELECT row FROM documents WHERE id = ?", (id,)).fetchone()
        if found is None:
            return False
        self._db.execute("INSERT INTO tombstones(row) VALUES (?)", found)
        self._db.execute("DELETE FROM facets WHERE document = ?", found)
        self._db.execute("DELETE FROM passages WHERE document = ?", found)
        self._db.execute("DELETE FROM documents WHERE row = ?", found)
        return True

    def delete(self, ids: Iterable[str]) -> int:
        """Delete documents in one transaction and return how many there were."""
        with self.transaction():
            return sum(self._remove(id) for id in ids)

    # Reading

    def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Entry | None]:
        """Return entries in the order asked for."""
        found = {entry.document.id: entry for entry in self._entries("id", ids, vectors)}
        return [found.get(id) for id in ids]

    def fingerprints(self, ids: Sequence[str]) -> list[str | None]:
        """Return the stored fingerprints."""
        found = dict(self._select_in("SELECT id, fingerprint FROM documents WHERE id IN ({})", ids))
        return [found.get(id) for id in ids]

    def ids(self, rows: Sequence[int]) -> list[str | None]:
        """Return the rows' ids, None for those that are gone, as of the last look at `version`."""
        known = self._current().ids
        found = list(map(known.get, rows))
        if None not in found:
            return found
        if _MANY_IDS < len(known) < _KNOWN_IDS:  # the rest at once is quicker than piece by piece
            known.update(self._all("SELECT row, id FROM documents LIMIT ?", (_KNOWN_IDS,)))
        missing = [row for row in rows if row not in known]
        known.update(self._select_in("SELECT row, id FROM documents WHERE row IN ({})", missing))
        return list(map(known.get, rows))

    def scan(self, batch: int, *, vectors: bool) -> Iterator[list[Entry]]:
        """Yield entries by row, in batches; writing meanwhile is allowed."""
        last = 0
        while rows := [
            row for (row,) in self._all("SELECT row FROM documents WHERE row > ? ORDER BY row LIMIT ?", (last, batch))
        ]:
            yield list(self._entries("row", rows, vectors))
            last = rows[-1]

    def _entries(self, key: str, values: Sequence[Any], vectors: bool) -> Iterator[Entry]:
        columns = "row, id, title, text, fields, fingerprint, source"
        documents = self._select_in(f"SELECT {columns} FROM documents WHERE {key} IN ({{}})", values)
        pieces: dict[int, list[Any]] = {row[0]: [] for row in documents}
        what = "document, start, end, " + ("vector" if vectors else "NULL")
        for document, *piece in self._select_in(
            f"SELECT {what} FROM passages WHERE document IN ({{}}) ORDER BY document, ordinal", list(pieces)
        ):
            pieces[document].append(piece)
        for row, id, title, text, fields, fingerprint, source in documents:
            yield Entry(
                Document(id, text, title, json.loads(fields)),
                tuple(Passage(start, end) for start, end, _ in pieces[row]),
                _matrix([blob for _, _, blob in pieces[row]]) if vectors else None,
                fingerprint,
                source,
            )

    def _select_in(self, sql: str, values: Sequence[Any]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(values), _SLICE):
            part = values[start : start + _SLICE]
            found += self._all(sql.format(",".join("?" * len(part))), part)
        return found

    def count(self) -> tuple[int, int]:
        """Count documents and passages, as of the last look at `version`."""
        known = self._current()
        if known.count is None:  # SQLite walks the whole table
            row = self._all("SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages)")[0]
            known.count = (row[0], row[1])
        return known.count

    def _current(self) -> _Known:
        """Return what was read before, or nothing when the store has changed since."""
        state = (self._version, self.changes)
        if self._known.state != state or len(self._known.ids) > 2 * _KNOWN_IDS:
            self._known = _Known(state)
        return self._known

    def matching(self, wanted: Filter, fields: Mapping[str, FieldType]) -> NDArray[np.int64]:
        """Return the rows of the documents for which a filter holds, ascending; the filter is of `filters.typed`."""
        sql, values = filter_sql(wanted, fields)
        rows = self._all(f"{sql} ORDER BY 1", values)
        return np.fromiter((row for (row,) in rows), dtype=np.int64, count=len(rows))

    # What is derived catches up from here

    @property
    def changes(self) -> int:
        """How much this connection has changed."""
        return self._db.total_changes

    def version(self) -> int:
        """Return a number that changes when another connection has written."""
        self._version = int(self._all("PRAGMA data_version")[0][0])
        return self._version

    def watermark(self) -> Watermark:
        """Return the last numbers given out."""
        found = dict(self._all("SELECT name, seq FROM sqlite_sequence"))
        return Watermark(found.get("documents", 0), found.get("passages", 0), found.get("tombstones", 0))

    def texts_after(self, row: int, limit: int) -> list[Text]:
        """Return the next documents beyond a row."""
        found = self._all(
            "SELECT row, title, text, fields FROM documents WHERE row > ? ORDER BY row LIMIT ?", (row, limit)
        )
        return [Text(row, title, text, json.loads(fields)) for row, title, text, fields in found]

    def vectors_after(self, passage: int, limit: int) -> list[PassageVector]:
        """Return the next passages that have a vector, beyond a passage."""
        sql = "SELECT passage, document, ordinal, vector FROM passages WHERE passage > ? AND vector NOT NULL ORDER BY passage LIMIT ?"
        return [PassageVector(*found) for found in self._all(sql, (passage, limit))]

    def tombstones_after(self, seq: int) -> list[int]:
        """Return the rows of documents removed since a tombstone."""
        return [row for (row,) in self._all("SELECT row FROM tombstones WHERE seq > ? ORDER BY seq", (seq,))]


def _blob(vector: NDArray[np.float32]) -> bytes:
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def _matrix(blobs: list[bytes | None]) -> Vectors | None:
    held = [blob for blob in blobs if blob is not None]
    if len(held) < len(blobs) or not held:
        return None
    return np.frombuffer(b"".join(held), dtype="<f4").reshape(len(held), -1).astype(np.float32, copy=False)


def _facets(
    row: int | None, document: Document, fields: Mapping[str, FieldType]
) -> Iterator[tuple[str, str | float, int | None]]:
    for name, value in document.fields.items():
        kind = fields.get(name)
        if kind is None:
            continue
        for held in ("",) if kind == "text" and as_values(value) else comparables(name, kind, value):
            yield name, held, row
