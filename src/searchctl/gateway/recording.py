"""Searches as they came, one JSON line each, to be asked again: without credentials, and with secrets masked."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from searchctl.errors import SourceError
from searchctl.settings.secrets import mask

_MOST_BYTES = 2**30  # a recording ends there


@dataclass(frozen=True, slots=True)
class Recorded:
    """One search: its method, its address (path and query) and its body."""

    method: str
    target: str
    body: str


class Recorder:
    """Appends to a file that only its owner may read. Headers are never kept."""

    def __init__(self, path: str, secrets: Sequence[str]) -> None:
        self._secrets = tuple(secrets)
        self._lock = threading.Lock()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "a", encoding="utf-8")

    def write(self, method: str, target: str, body: bytes) -> None:
        """Append one search."""
        text = mask(body.decode("utf-8", "replace"), self._secrets)
        line = json.dumps({"method": method, "target": mask(target, self._secrets), "body": text}, ensure_ascii=False)
        with self._lock:
            if not self._file.closed and self._file.tell() + len(line) < _MOST_BYTES:
                self._file.write(line + "\n")
                self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def read_recording(path: Path) -> Iterator[Recorded]:
    """Yield what was recorded; raises SourceError naming the line that isn't a search."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    line_data = json.loads(line)
                    yield Recorded(str(line_data["method"]), str(line_data["target"]), str(line_data["body"]))
                except (ValueError, KeyError, TypeError) as error:
                    raise SourceError(f"{path}, line {number}: expected an object with method, target, body") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"can't read {path}: {getattr(error, 'strerror', None) or error}") from error
