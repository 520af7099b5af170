"""The right to write to an index, held by one process of this machine at a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from searchctl.engines.storage import storage_errors
from searchctl.errors import IndexLocked
from searchctl.translation import _

_PATIENCE = 1.0  # seconds
_PAUSE = 0.02


class WriteLock:
    """The right to write to one index, held by one process at a time; the system frees it when the process dies.

    `folder` is where its file lies; `what` names the index in messages; `patience` is how many seconds `acquire` waits.
    The file holds the owner's process number. The filelock library was tried: it keeps no such number, and importing it
    takes 34 ms, a fifth of a whole search from the command line (2 cores, median of three).
    """

    def __init__(self, folder: Path, what: str, patience: float = _PATIENCE) -> None:
        self._path = folder / "write.lock"
        self._what = what
        self._patience = patience
        self._file: int | None = None
        self._depth = 0
        self._process = os.getpid()
        self._mutex = threading.Lock()

    @property
    def is_nested(self) -> bool:
        """Whether the lock was held already when it was taken last."""
        return self._depth > 1

    def try_acquire(self) -> bool:
        """Take the lock if it's free, or once more if it's ours."""
        with self._mutex:
            if self._process != os.getpid():  # forked: what the parent holds isn't ours
                self._file, self._depth, self._process = None, 0, os.getpid()
            if self._file is None:
                self._file = self._locked_file()
                if self._file is None:
                    return False
            self._depth += 1
            return True

    def _locked_file(self) -> int | None:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError:
            return None
        try:
            if _lock(file) and _is_still(file, self._path):
                _sign(file)
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        return None

    def acquire(self) -> None:
        """Take the lock; raises IndexLocked, or StorageError where nothing can be written.

        A reader holds it for a moment when it finishes what a writer that died has left, so this waits a little.
        """
        until = time.monotonic() + self._patience
        while not self.try_acquire():
            if time.monotonic() > until:
                break
            time.sleep(_PAUSE)
        else:
            return
        with storage_errors(self._path.parent), self._path.open("a+", encoding="ascii", errors="replace") as file:
            file.seek(0)
            owner = file.read(20).strip() or "unknown"
        raise IndexLocked(
            _(
                "process {owner} is writing to {what}; wait until it ends (searching works meanwhile), then try again"
            ).format(owner=owner, what=self._what)
        )

    def release(self) -> None:
        """Give the lock back as often as it was taken."""
        with self._mutex:
            self._depth = max(0, self._depth - 1)
            if self._depth == 0 and self._file is not None:
                os.close(self._file)
                self._file = None

    def abandon(self) -> None:
        """Give the lock back however often it was taken."""
        with self._mutex:
            if self._file is not None and self._process == os.getpid():
                os.close(self._file)
            self._file, self._depth = None, 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for a block; raises as `acquire` does."""
        self.acquire()
        try:
            yield
        finally:
            self.release()


def _is_still(file: int, path: Path) -> bool:
    """Tell whether the locked file is the one of that name: the folder may have been dropped and made anew meanwhile."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False


def _sign(file: int) -> None:
    """Write who holds the lock, unless the file says so: on a busy disk even that takes milliseconds."""
    owner = str(os.getpid()).encode()
    os.lseek(file, 0, os.SEEK_SET)
    if os.read(file, 20) == owner:
        return
    try:
        os.truncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, owner)
    except OSError:  # a full disk: the lock holds all the same, only its owner stays unknown
        return


if os.name == "nt":  # pragma: no cover
    import msvcrt

    def _lock(file: int) -> bool:
        try:
            os.lseek(file, 1024, os.SEEK_SET)  # past the owner's number, which others must be able to read
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
