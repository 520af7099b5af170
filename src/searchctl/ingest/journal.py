"""The journal of loads into one index: which files were taken in, under which names, and what each run came to.

Documents are recognised as unchanged by the fingerprint the engine stores. The journal saves reading whole files again, and
tells a person what happened. Losing it costs time, never documents.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from searchctl.engines.base import Catalogue
from searchctl.errors import StorageError
from searchctl.translation import _

JOURNAL_FORMAT = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS runs(
  run INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT NOT NULL, ended TEXT, command TEXT NOT NULL, outcome TEXT NOT NULL,
  read INTEGER NOT NULL DEFAULT 0, written INTEGER NOT NULL DEFAULT 0, unchanged INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0, pruned INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS files(
  source TEXT PRIMARY KEY, name TEXT NOT NULL, state TEXT NOT NULL, mark TEXT NOT NULL, run INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS pending_types(field TEXT PRIMARY KEY);
"""
_OLD_FILES = "DROP TABLE IF EXISTS files"  # format 1 knew no names; its files are read once more


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


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What is known of a file: the name its documents' ids are made of, and when it need not be read again.

    That is while its `state` (size, time, settings) is this and the index holds its document with the fingerprint `mark`;
    both are empty for files that have to be read each time.
    """

    name: str
    state: str = ""
    mark: str = ""


def known_files(path: Path) -> dict[str, KnownFile]:
    """Return what a journal knows of files, without touching it; nothing where there is none that can be read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            if db.execute("PRAGMA user_version").fetchone()[0] != JOURNAL_FORMAT:
                return {}
            return {row[0]: KnownFile(*row[1:]) for row in db.execute("SELECT source, name, state, mark FROM files")}
    except sqlite3.Error:
        return {}


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
            message = _("can't write the journal {path}: {error}; check free space and permissions").format(
                path=self._path, error=error
            )
            raise StorageError(message) from error

    def _execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        with self._errors():
            return self._db.execute(sql, values)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            made_by = db.execute("PRAGMA user_version").fetchone()[0]
            if made_by > JOURNAL_FORMAT:
                raise sqlite3.DatabaseError("made by another version")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            if made_by == 1:
                db.execute(_OLD_FILES)
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

    def files(self) -> dict[str, KnownFile]:
        """Return what is known of each file, by source."""
        return {row[0]: KnownFile(*row[1:]) for row in self._execute("SELECT source, name, state, mark FROM files")}

    def note(self, run: int, source: str, known: KnownFile) -> None:
        """Note what is known of a file now."""
        values = (source, known.name, known.state, known.mark, run)
        self._execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", values)

    def pending_types(self) -> set[str]:
        """Return the fields whose new types don't hold for all documents yet."""
        return {name for (name,) in self._execute("SELECT field FROM pending_types")}

    def set_pending_types(self, names: Iterable[str]) -> None:
        """Replace these fields."""
        with self._errors():
            self._db.execute("DELETE FROM pending_types")
            self._db.executemany("INSERT INTO pending_types VALUES (?)", [(name,) for name in names])

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
