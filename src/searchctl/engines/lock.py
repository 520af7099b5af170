"""The right to write to an index, held by one process of this machine at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from searchctl.errors import IndexLocked, StorageError

_PATIENCE = 1.0  # seconds
_PAUSE = 0.02


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals below `path` into StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"can't use {path}: {error.strerror or error}; check free space and permissions") from error


class WriteLock:
    """The right to write to one index, held by one process at a time; the system frees it when the process dies.

    `folder` is where its file lies; `what` names the index in messages.
    """

    def __init__(self, folder: Path, what: str) -> None:
        self._path = folder / "write.lock"
        self._what = what
        self._file: IO[str] | None = None
        self._depth = 0

    @property
    def is_nested(self) -> bool:
        """Whether the lock was held already when it was taken last."""
        return self._depth > 1

    def try_acquire(self) -> bool:
        """Take the lock if it's free, or once more if it's ours."""
        if self._file is None:
            try:
                file = self._path.open("a+", encoding="ascii")
            except OSError:
                return False
            if not _lock(file):
                file.close()
                return False
            _sign(file)
            self._file = file
        self._depth += 1
        return True

    def acquire(self) -> None:
        """Take the lock; raises IndexLocked, or StorageError where nothing can be written.

        A reader holds it for a moment when it finishes what a writer that died has left, so this waits a little.
        """
        until = time.monotonic() + _PATIENCE
        while not self.try_acquire():
            if time.monotonic() > until:
                break
            time.sleep(_PAUSE)
        else:
            return
        with storage_errors(self._path.parent), self._path.open("a+", encoding="ascii") as file:
            file.seek(0)
            owner = file.read(20).strip() or "unknown"
        raise IndexLocked(
            f"process {owner} is writing to {self._what}; wait until it ends (searching works meanwhile), then try again"
        )

    def release(self) -> None:
        """Give the lock back as often as it was taken."""
        self._depth -= 1
        if self._depth == 0 and self._file is not None:
            self._file.close()
            self._file = None


def _sign(file: IO[str]) -> None:
    """Write who holds the lock, unless the file says so: on a busy disk even that takes milliseconds."""
    owner = str(os.getpid())
    file.seek(0)
    if file.read() != owner:
        file.truncate(0)
        file.write(owner)
        file.flush()


if os.name == "nt":  # pragma: no cover
    import msvcrt

    def _lock(file: IO[str]) -> bool:
        try:
            file.seek(1024)  # past the owner's number, which others must be able to read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
