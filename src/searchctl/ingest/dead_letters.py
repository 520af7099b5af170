"""Dead letters: what couldn't be stored, with the reason, in a file that can be corrected and ingested itself."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from searchctl.errors import StorageError, UsageError
from searchctl.files import is_same_file
from searchctl.sources import Failure, FieldMapping, SourceFile
from searchctl.sources.dead_letter_format import as_letter
from searchctl.translation import _
from searchctl.types import Document


def without_target(files: Iterable[SourceFile], target: Path | None) -> list[SourceFile]:
    """Return the files without the one that dead letters are to go to, which would be read while it grows.

    Found by device and inode, whatever its name. Raises UsageError where that file was named by itself.
    """
    kept = []
    for file in files:
        if target is not None and is_same_file(file.path, target):
            if file.root == file.path:
                raise UsageError(
                    _(
                        "dead letters would go to {target}, which is read itself; name another file: --dead-letters FILE"
                    ).format(target=target)
                )
            continue
        kept.append(file)
    return kept


class DeadLetters:
    """A JSON Lines file, made when the first letter comes. Given a folder, it takes a new name of its own there."""

    def __init__(self, target: Path, mapping: FieldMapping) -> None:
        self._target = target
        self._mapping = mapping
        self._file: IO[bytes] | None = None
        self.path: Path | None = None

    def add(self, failure: Failure, document: Document | None) -> None:
        """Append one letter: the whole document or row, and `_error` with where and why. Raises StorageError."""
        line = _as_line(as_letter(failure, document, self._mapping))
        if line is None:  # nested too deep for any writer: where it stands is all that can be said
            line = _as_line(
                as_letter(Failure(failure.source, failure.position, None, failure.reason), None, self._mapping)
            )
        try:
            file = self._open()
            file.write((line or b"{}") + b"\n")
            file.flush()
        except OSError as error:
            raise StorageError(
                _("can't write dead letters to {path}: {strerror}; choose another file with --dead-letters").format(
                    path=self.path, strerror=error.strerror
                )
            ) from error

    def _open(self) -> IO[bytes]:
        if self._file is None:
            if self._target.is_dir():
                self.path, self._file = _new_file(self._target)
            else:
                self.path = self._target
                self._file = self.path.open("ab")
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _new_file(folder: Path) -> tuple[Path, IO[bytes]]:
    """Open a file that wasn't there: never one of an earlier load, which may be what is being read."""
    name = f"dead-letters-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}"
    number = 1
    while True:
        path = folder / (f"{name}.jsonl" if number == 1 else f"{name}-{number}.jsonl")
        try:
            return path, path.open("xb")
        except FileExistsError:
            number += 1


def _as_line(letter: Any) -> bytes | None:
    try:
        try:
            return json.dumps(letter, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # halves of letters, which only escapes can carry
            return json.dumps(letter).encode()
    except (RecursionError, ValueError):
        return None
