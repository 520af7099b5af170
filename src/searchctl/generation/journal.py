"""The journal of what was asked and paid: a folder beside the output, in which every line is on the disk before the next step.

A request is noted before it is sent and again when it is answered, so that a killed run knows what may have been paid for. Files
are JSON Lines, only ever appended to; a line that was cut by a kill is dropped.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from searchctl.engines.lock import WriteLock
from searchctl.errors import StorageError
from searchctl.files import sync_folder
from searchctl.generation.model import ChatCompletion

_FORMAT = 1
_LONGEST = 64 << 20  # characters of a line
_KINDS = ("sent", "answer", "failed")


class RequestJournal:
    """Answers by key, and requests that were `on_their_way` when a run was killed. A context manager, held by one process.

    Raises IndexLocked while another process has it, StorageError when it can't be written or is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "requests.jsonl"
        self._lock = WriteLock(folder, f"the journal {folder}")
        self._mutex = threading.Lock()
        self._file: IO[bytes] | None = None
        self._held = False
        self.answers: dict[str, ChatCompletion] = {}
        self.on_their_way: set[str] = set()

    def __enter__(self) -> RequestJournal:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._held = True
            try:
                self._read()
                self._file = self._path.open("ab")
                if self._file.tell() == 0:
                    self._write({"format": _FORMAT, "what": "requests of searchctl generate"})
                    sync_folder(self._path.parent)
            except BaseException:
                self.__exit__(None, None, None)
                raise
        except OSError as error:
            raise StorageError(f"can't write the journal {self._path}: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._mutex:
            if self._file is not None:
                self._file.close()
                self._file = None
        self._held = False
        self._lock.release()

    def sent(self, key: str) -> None:
        """Note that a request is about to be sent."""
        self._note({"sent": key})

    def answered(self, key: str, completion: ChatCompletion) -> None:
        """Note an answer."""
        self._note({"answer": key, **asdict(completion)})

    def failed(self, key: str, reason: str) -> None:
        """Note that a request came to nothing that is charged for, so that it may be sent again."""
        self._note({"failed": key, "reason": reason[:500]})

    def _note(self, record: dict[str, Any]) -> None:
        with self._mutex:
            if self._file is None:  # an answer that came after the end
                return
            try:
                self._write(record)
            except OSError as error:
                raise StorageError(f"can't write the journal {self._path}: {error.strerror}") from error
            self._take(record)

    def _write(self, record: dict[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    @classmethod
    def peek(cls, folder: Path) -> RequestJournal:
        """Return what a journal knows, which may not be there, without holding or changing it."""
        journal = cls(folder)
        journal._read()
        return journal

    def _read(self) -> None:
        """Read what there is; where the journal is held, a line that was cut is dropped."""
        if not self._path.exists():
            return
        whole = 0
        for number, line in enumerate(self._lines(), 1):
            try:
                record = json.loads(line)
                if number == 1:
                    self._check(record)
                else:
                    self._take(record)
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise StorageError(
                    f"{self._path}:{number} is damaged ({error}); move the journal away to ask everything anew"
                ) from error
            whole += len(line)
        if self._held and whole < self._path.stat().st_size:
            os.truncate(self._path, whole)

    def _lines(self) -> Iterator[bytes]:
        """Yield whole lines."""
        with self._path.open("rb") as file:
            while line := file.readline(_LONGEST):
                if line.endswith(b"\n"):
                    yield line

    def _check(self, record: Any) -> None:
        if not isinstance(record, dict) or not isinstance(record.get("format"), int):
            raise ValueError("no journal of searchctl generate")
        if record["format"] > _FORMAT:
            raise StorageError(
                f"{self._path} is of format {record['format']}, this searchctl reads up to {_FORMAT}; "
                "upgrade with: pip install --upgrade searchctl"
            )

    def _take(self, record: dict[str, Any]) -> None:
        kind = next((kind for kind in _KINDS if kind in record), None)
        if kind is None:
            raise ValueError(f"none of {', '.join(_KINDS)} in it")
        key = record[kind]
        if kind == "sent":
            self.on_their_way.add(key)
            return
        self.on_their_way.discard(key)
        if kind == "answer":
            self.answers[key] = ChatCompletion(**{name: record[name] for name in ChatCompletion.__dataclass_fields__})
