"""The journal of loads into one index: which files were taken in, how far, and what each run came to.

Documents are recognised as unchanged by the fingerprint the engine stores. The journal saves reading whole files again, and
tells a person what happened. Losing it costs time, never documents.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from searchctl.engines.base import Catalogue
from searchctl.errors import StorageError

JOURNAL_FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS runs(
  run INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT NOT NULL, ended TEXT, command TEXT NOT NULL, outcome TEXT NOT NULL,
  read INTEGER NOT NULL DEFAULT 0, written INTEGER NOT NULL DEFAULT 0, unchanged INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0, pruned INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS files(
  source TEXT PRIMARY KEY, state TEXT NOT NULL, position INTEGER NOT NULL, run INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One load: when, what was typed, how it ended ("running", "complete", "interrupted", "failed") and its counts."""

    run: int
    started: str
    ended: str | None
    command: str
    outcome: str
    read: int
    written: int
    unchanged: int
    dead: int
    pruned: int


def journal_path(engine: Catalogue, index: str) -> Path:
    """Return the file in which this machine keeps the journal of loads into an index."""
    return engine.info(index).folder / "journal.sqlite"


class Journal:
    """One SQLite file; a damaged or foreign one is started anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._errors():
            try:
                self._db = self._open()
            except sqlite3.OperationalError:  # the disk's fault, not the file's
                raise
            except sqlite3.DatabaseError:
                path.unlink(missing_ok=True)
                self._db = self._open()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.DatabaseError) as error:
            message = f"can't write the journal {self._path}: {error}; check free space and permissions"
            raise StorageError(message) from error

    def _execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        with self._errors():
            return self._db.execute(sql, values)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] not in (0, JOURNAL_FORMAT):
                raise sqlite3.DatabaseError("made by another version")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.executescript(_TABLES)
            db.execute(f"PRAGMA user_version = {JOURNAL_FORMAT}")
        except BaseException:
            db.close()
            raise
        return db

    def start(self, command: str) -> int:
        """Note that a run begins and return its number."""
        cursor = self._execute(
            "INSERT INTO runs(started, command, outcome) VALUES (?, ?, 'running')", (_now(), command)
        )
        return int(cursor.lastrowid or 0)

    def finish(
        self, run: int, outcome: str, *, read: int, written: int, unchanged: int, dead: int, pruned: int
    ) -> None:
        """Note how a run ended."""
        self._execute(
            "UPDATE runs SET ended = ?, outcome = ?, read = ?, written = ?, unchanged = ?, dead = ?, pruned = ? WHERE run = ?",
            (_now(), outcome, read, written, unchanged, dead, pruned, run),
        )

    def runs(self) -> list[Run]:
        """Return all runs, the newest first."""
        columns = "run, started, ended, command, outcome, read, written, unchanged, dead, pruned"
        return [Run(*row) for row in self._execute(f"SELECT {columns} FROM runs ORDER BY run DESC")]

    def is_complete(self, source: str, state: str) -> bool:
        """Tell whether a file was taken in whole while it was in this state (size, time, settings)."""
        row = self._execute("SELECT state FROM files WHERE source = ? AND position = -1", (source,)).fetchone()
        return row is not None and row[0] == state

    def advance(self, run: int, source: str, position: int) -> None:
        """Note that a file is stored up to a position."""
        self._put(run, source, "", position)

    def complete(self, run: int, source: str, state: str) -> None:
        """Note that a file is stored whole."""
        self._put(run, source, state, -1)

    def _put(self, run: int, source: str, state: str, position: int) -> None:
        self._execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", (source, state, position, run))

    def forget(self, sources: Iterable[str]) -> None:
        """Forget files, so that they're read again."""
        with self._errors():
            self._db.executemany("DELETE FROM files WHERE source = ?", [(source,) for source in set(sources)])

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
