"""The SQLite file of an embedded index: how it is opened, where it can be written and where only read, and its formats."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from searchctl.errors import IndexFormatError, StorageError
from searchctl.translation import _

STORE_FORMAT = 2  # 1 kept vectors as float32; they are read as they are, and written as float16 from now on
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
_MIGRATIONS: Mapping[int, str] = {1: ""}  # format -> SQL that makes the next one of it
_CACHE_KB = 32_000
_BUSY_SECONDS = 30
_GARBAGE = 0.5  # share of the file from which on it's made smaller by itself
_LEAST_GARBAGE = 32_000_000  # bytes


class Database:
    """One SQLite file. Safe to use from several threads; one process writes, many read.

    `read_only` tells that it was opened where nothing can be written: a read-only mount, another user's folder, a full disk.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.read_only = False
        self._frozen: tuple[float, ...] | None = None  # the state of the files of an opening that sees no changes
        self._epoch = 0  # how often it was opened anew
        with self._errors():
            self._db = self._create() if create else self._connect()
            try:
                self._check_format()
            except BaseException:
                self._db.close()
                raise
        self._identity = _identity(path)

    def _create(self) -> sqlite3.Connection:
        db = _configured(sqlite3.connect(f"{self._uri}?mode=rwc", uri=True, check_same_thread=False))
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN")
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            for statement in _TABLES.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {STORE_FORMAT}")
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    @property
    def _uri(self) -> str:
        return self.path.absolute().as_uri()

    def _connect(self) -> sqlite3.Connection:
        self.read_only, self._frozen = not self._is_writable(), None
        if not self.read_only:
            try:
                return self._opened("?mode=rw")
            except sqlite3.OperationalError as error:
                if "locked" in str(error) or "busy" in str(error):
                    raise
                self.read_only = True  # a full disk has no room for the files beside it
        try:
            return self._opened("?mode=ro")
        except sqlite3.OperationalError:
            self._frozen = self._files()
        wal = self.path.with_name(self.path.name + "-wal")
        if not wal.exists() or not wal.stat().st_size:
            return self._opened("?immutable=1")  # nobody has it open: the file is whole as it is
        # what a process that died has left in the log counts; without a place for shared memory it's read in this process's
        return self._opened("?mode=ro&vfs=unix-none", exclusive=True)

    def _opened(self, how: str, *, exclusive: bool = False) -> sqlite3.Connection:
        db = sqlite3.connect(f"{self._uri}{how}", uri=True, check_same_thread=False, timeout=_BUSY_SECONDS)
        try:
            if exclusive:
                db.execute("PRAGMA locking_mode = EXCLUSIVE")  # before anything else: then it needs no shared memory
            _configured(db).execute("SELECT count(*) FROM sqlite_master").fetchall()
        except BaseException:
            db.close()
            raise
        return db

    def _is_writable(self) -> bool:
        return os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)

    def _files(self) -> tuple[float, ...]:
        """Return what changes when somebody writes: time and size of the file and of its log."""
        paths = (self.path, self.path.with_name(self.path.name + "-wal"))
        statuses = [os.stat(path) for path in paths if path.exists()]
        return tuple(number for status in statuses for number in (status.st_mtime_ns, status.st_size))

    def _check_format(self) -> None:
        current = self._db.execute("PRAGMA user_version").fetchone()[0]
        if current > STORE_FORMAT or current < 1:
            raise IndexFormatError(
                _(
                    "{path} has format {current}, this searchctl reads 1 to {STORE_FORMAT}; upgrade with: pip "
                    "install --upgrade searchctl"
                ).format(path=self.path, current=current, STORE_FORMAT=STORE_FORMAT)
            )
        if self.read_only:
            if any(_MIGRATIONS[number] for number in range(current, STORE_FORMAT)):
                raise IndexFormatError(
                    _(
                        "{path} has format {current} and can't be brought to {STORE_FORMAT}, since nothing can be "
                        "written here; open it once where it can: searchctl info --engine {parents}"
                    ).format(path=self.path, current=current, STORE_FORMAT=STORE_FORMAT, parents=self.path.parents[2])
                )
            return
        while current < STORE_FORMAT:
            with self.transaction():
                current = self._db.execute("PRAGMA user_version").fetchone()[0]  # another process may have been quicker
                if current >= STORE_FORMAT:
                    break
                for statement in _MIGRATIONS[current].split(";"):
                    self._db.execute(statement)
                current += 1
                self._db.execute(f"PRAGMA user_version = {current}")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):  # the file's fault, not the disk's
                raise StorageError(
                    _("{path} is damaged ({error}); restore a dump, or move {parent} away and ingest again").format(
                        path=self.path, error=error, parent=self.path.parent
                    )
                ) from error
            raise StorageError(
                _("can't use {path}: {error}; check free space, permissions and the disk").format(
                    path=self.path, error=error
                )
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in one transaction: all of it is kept, durably, or nothing."""
        with self.lock, self._errors():
            if self.read_only and self._is_writable():  # there is room again
                self._reconnect()
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement; inside `transaction` for what changes the file."""
        return self._db.execute(sql, values)

    def execute_many(self, sql: str, values: Any) -> None:
        """Run one statement for each of many values, inside `transaction`."""
        self._db.executemany(sql, values)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return all rows of a query."""
        with self.lock, self._errors():
            return self._db.execute(sql, values).fetchall()

    def rows_in(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """Return all rows of a query with `IN ({})`, a slice of the values at a time."""
        rows: list[Any] = []
        for start in range(0, len(values), _SLICE):
            part = values[start : start + _SLICE]
            rows += self.rows(sql.format(",".join("?" * len(part))), part)
        return rows

    @property
    def changes(self) -> int:
        """How much this connection has changed."""
        return self._db.total_changes

    def version(self) -> int:
        """Return a number that changes when another connection has written."""
        if self._frozen is not None and self._frozen != self._files():
            with self.lock, self._errors():
                self._reconnect()
        return (self._epoch << 32) + int(self.rows("PRAGMA data_version")[0][0])

    def _reconnect(self) -> None:
        self._db.close()
        self._db = self._connect()
        self._epoch += 1

    def was_replaced(self) -> bool:
        """Tell whether another file has this one's name by now: the index was dropped, and perhaps made anew."""
        return _identity(self.path) != self._identity

    def check(self) -> list[str]:
        """Return what SQLite finds wrong with the file, which takes as long as reading it."""
        return [message for (message,) in self.rows("PRAGMA integrity_check(10)") if message != "ok"]

    def vacuum(self) -> None:
        """Give the space of what was deleted back to the system."""
        with self.lock, self._errors():
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def is_wasteful(self) -> bool:
        """Tell whether much of the file holds nothing."""
        free, pages, size = (
            int(self.rows(f"PRAGMA {what}")[0][0]) for what in ("freelist_count", "page_count", "page_size")
        )
        return free * size > _LEAST_GARBAGE and free > _GARBAGE * pages

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._db.close()


_SLICE = 500  # values bound in one statement: below every SQLite's limit


def _configured(db: sqlite3.Connection) -> sqlite3.Connection:
    db.isolation_level = None
    db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    db.execute("PRAGMA synchronous = FULL")
    return db


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
