"""The folder an embedded engine lives in: its format number, the names of indexes, aliases, and the writer's lock."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from searchctl.errors import IndexExists, IndexFormatError, IndexLocked, IndexMissing, StorageError, UsageError
from searchctl.types import Json

FOLDER_FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def check_name(name: str) -> str:
    """Return the name if every engine accepts it as an index's name; raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' can't be an index's name; use up to 100 lower-case letters, digits, '.', '_', '-', a letter or digit first"
        )
    return name


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals below `path` into StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"can't use {path}: {error.strerror or error}; check free space and permissions") from error


def write_json(path: Path, data: Json) -> None:
    """Write JSON durably: to a temporary name, then renamed."""
    temporary = path.with_name(path.name + ".tmp")
    with storage_errors(path.parent):
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(data, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)


def read_json(path: Path) -> Json | None:
    """Read a JSON object; None when the file isn't there or isn't one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return data if isinstance(data, dict) else None


class Folder:
    """Names and aliases of the indexes below `root`. Holds no open files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._meta = root / "searchctl.json"
        self._version: tuple[int, int, int] | None = None
        self._aliases: dict[str, str] = {}
        self._paths: dict[str, tuple[Path, str]] = {}  # of names asked for: every query asks several times

    def aliases(self) -> dict[str, str]:
        """Return alias -> index; raises IndexFormatError when the folder isn't ours or is too new."""
        try:
            status = os.stat(self._meta)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        version = (status.st_mtime_ns, status.st_ino, status.st_size)
        if version != self._version:
            self._aliases, self._version = self._read_aliases(), version
        return dict(self._aliases)

    def _read_aliases(self) -> dict[str, str]:
        data = read_json(self._meta)
        if data is None:
            raise IndexFormatError(f"{self._meta} is damaged; restore it, or ingest into another folder")
        if not isinstance(data.get("format"), int) or data["format"] > FOLDER_FORMAT:
            raise IndexFormatError(
                f"{self.root} has format {data.get('format')!r}, this searchctl reads up to {FOLDER_FORMAT}; "
                "upgrade with: pip install --upgrade searchctl"
            )
        return dict(data.get("aliases", {}))

    def names(self) -> list[str]:
        """Return the indexes' names, sorted."""
        return sorted(self.known_as(name) for name in self._folders())

    def _folders(self) -> list[str]:
        self.aliases()
        folder = self.root / "indexes"
        return [path.name for path in folder.iterdir() if (path / "index.sqlite").exists()] if folder.is_dir() else []

    def known_as(self, folder: str) -> str:
        """Return the name that leads to an index's folder: the folder's own, unless an alias has taken that over."""
        aliases = self.aliases()
        if aliases.get(folder, folder) == folder:
            return folder
        return min((alias for alias, target in aliases.items() if target == folder), default=folder)

    def path(self, name: str) -> Path:
        """Return the folder of an index or alias; raises IndexMissing."""
        real = self.aliases().get(name, name)
        if real not in self._paths:
            path = self.root / "indexes" / check_name(real)
            self._paths[real] = (path, str(path / "index.sqlite"))
        path, store = self._paths[real]
        if not os.path.exists(store):
            raise IndexMissing(
                f"no index '{name}' in {self.root}; make it with: searchctl ingest FOLDER{self._options(name)}"
            )
        return path

    def _options(self, name: str) -> str:
        engine = "" if str(self.root) == ".searchctl" else f" --engine {self.root}"
        return engine + ("" if name == "default" else f" --index {name}")

    def new_path(self, name: str) -> Path:
        """Make the folder for a new index; raises IndexExists."""
        if name in self.aliases() or name in self._folders():
            raise IndexExists(f"there is an index '{name}' in {self.root} already; choose another --index")
        path = self.root / "indexes" / check_name(name)
        with storage_errors(self.root):
            path.mkdir(parents=True, exist_ok=True)
            if not self._meta.exists():
                self._save({})
                (self.root / ".gitignore").write_text("*\n", encoding="utf-8")
        return path

    def point(self, alias: str, index: str, keep: str | None) -> str | None:
        """Point an alias at an index and return what it pointed at before.

        An index whose folder has the alias's name stays where it is, and an alias `keep` leads to it: the file of aliases
        changes in one step, so readers find the one or the other.
        """
        aliases = self.aliases()
        target = self.path(index).name
        if check_name(alias) in self._folders() and aliases.get(alias, alias) == alias:
            if keep is None:
                raise IndexExists(f"'{alias}' is an index of its own in {self.root}, so it can't be an alias")
            self._save({**aliases, check_name(keep): alias, alias: target})
            return keep
        before = aliases.get(alias)
        self._save({**aliases, alias: target})
        return None if before is None else self.known_as(before)

    def drop(self, name: str) -> None:
        """Delete an index and the aliases that point at it."""
        aliases = self.aliases()
        real = aliases.get(name, name)
        kept = {alias: target for alias, target in aliases.items() if target != real}
        if kept != aliases:
            self._save(kept)
        shutil.rmtree(self.root / "indexes" / check_name(real), ignore_errors=True)

    def _save(self, aliases: dict[str, str]) -> None:
        write_json(self._meta, {"format": FOLDER_FORMAT, "aliases": aliases})


class WriteLock:
    """The right to write to one index, held by one process at a time; the system frees it when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path / "write.lock"
        self._file: IO[str] | None = None
        self._depth = 0

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
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            self._file = file
        self._depth += 1
        return True

    def acquire(self) -> None:
        """Take the lock; raises IndexLocked, or StorageError where nothing can be written."""
        if self.try_acquire():
            return
        with storage_errors(self._path.parent), self._path.open("a+", encoding="ascii") as file:
            file.seek(0)
            owner = file.read(20).strip() or "unknown"
        raise IndexLocked(
            f"process {owner} is writing to {self._path.parent}; wait until it ends (searching works meanwhile), then try again"
        )

    def release(self) -> None:
        """Give the lock back as often as it was taken."""
        self._depth -= 1
        if self._depth == 0 and self._file is not None:
            self._file.close()
            self._file = None


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
