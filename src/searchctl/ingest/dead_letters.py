"""Dead letters: what couldn't be stored, with the reason, in a file that can be corrected and ingested itself."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from searchctl.errors import StorageError
from searchctl.sources import Failure
from searchctl.types import Document


class DeadLetters:
    """A JSON Lines file, made when the first letter comes. Given a folder, it takes a name of its own there."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._file: IO[str] | None = None
        self.path: Path | None = None

    def add(self, failure: Failure, document: Document | None) -> None:
        """Append one letter: the document's own fields where there are any, and `_error` with where and why."""
        letter: dict[str, Any] = {}
        if document is not None:
            letter = {"id": document.id, "title": document.title, "text": document.text, **document.fields}
        letter["_error"] = {
            "reason": failure.reason,
            "source": failure.source,
            "position": failure.position,
            "id": failure.id,
            "excerpt": failure.excerpt,
        }
        try:
            file = self._open()
            file.write(json.dumps(letter, ensure_ascii=False) + "\n")
            file.flush()
        except OSError as error:
            raise StorageError(
                f"can't write dead letters to {self.path}: {error.strerror}; choose another file with --dead-letters"
            ) from error

    def _open(self) -> IO[str]:
        if self._file is None:
            name = f"dead-letters-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}.jsonl"
            self.path = self._target / name if self._target.is_dir() else self._target
            self._file = self.path.open("a", encoding="utf-8")
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
