"""The folder an embedded engine lives in: its format number, the names of indexes, and aliases."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from searchctl.engines.lock import WriteLock
from searchctl.engines.names import check_name
from searchctl.engines.storage import read_notes, storage_errors, write_notes
from searchctl.errors import IndexExists, IndexFormatError, IndexMissing
from searchctl.files import sync_folder
from searchctl.translation import _

FOLDER_FORMAT = 1
_DROPPED = ".dropped-"  # what a folder is called while it's deleted
_NAMED = 12  # indexes that a message names
_PATIENCE = 10.0  # seconds: names are changed for moments only


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
        data = read_notes(self._meta, unsealed=True)
        if data is None:
            raise IndexFormatError(
                _("{meta} is damaged; restore it, or ingest into another folder").format(meta=self._meta)
            )
        if not isinstance(data.get("format"), int) or data["format"] > FOLDER_FORMAT:
            raise IndexFormatError(
                _(
                    "{root} has format {data!r}, this searchctl reads up to {FOLDER_FORMAT}; upgrade with: pip "
                    "install --upgrade searchctl"
                ).format(root=self.root, data=data.get("format"), FOLDER_FORMAT=FOLDER_FORMAT)
            )
        aliases = data.get("aliases", {})
        if not isinstance(aliases, dict) or not all(isinstance(name, str) for name in aliases.values()):
            raise IndexFormatError(_("{meta} is damaged: its aliases aren't names; restore it").format(meta=self._meta))
        return dict(aliases)

    def names(self) -> list[str]:
        """Return the indexes' names, sorted."""
        return sorted(self.known_as(name) for name in self._folders())

    def _folders(self) -> list[str]:
        self.aliases()
        folder = self.root / "indexes"
        if not folder.is_dir():
            return []
        paths = [path for path in folder.iterdir() if not path.name.startswith(_DROPPED)]
        return [path.name for path in paths if (path / "index.sqlite").exists()]

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
            there = ", ".join(self.names()[:_NAMED])
            has = _("{folder}, which has: {names}").format(folder=self.root, names=there) if there else self.root
            message = _("no index '{name}' in {has}; make it with: searchctl ingest FOLDER{options}")
            raise IndexMissing(message.format(name=name, has=has, options=self._options(name)))
        return path

    def _options(self, name: str) -> str:
        engine = "" if str(self.root) == ".searchctl" else f" --engine {self.root}"
        return engine + ("" if name == "default" else f" --index {name}")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the right to change names; others wait. Raises IndexLocked, or StorageError where nothing can be written."""
        with storage_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        with WriteLock(self.root, f"the names in {self.root}", _PATIENCE).held():
            yield

    @contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Give the folder for a new index, and hold the right to make it meanwhile; raises IndexExists.

        So two processes that make one index at the same moment don't both make it: the second finds the first's.
        """
        check_name(name)
        with self.changing():
            if name in self.aliases() or name in self._folders():
                raise IndexExists(
                    _("there is an index '{name}' in {root} already; choose another --index").format(
                        name=name, root=self.root
                    )
                )
            path = self.root / "indexes" / name
            with storage_errors(self.root):
                path.mkdir(parents=True, exist_ok=True)
                sync_folder(path.parent)
                if not self._meta.exists():
                    self._save({})
                    (self.root / ".gitignore").write_text("*\n", encoding="utf-8")
                    sync_folder(self.root)
            yield path

    def point(self, alias: str, index: str, keep: str | None) -> str | None:
        """Point an alias at an index and return what it pointed at before; raises IndexExists where an index has that name.

        An index whose folder has the alias's name stays where it is, and an alias `keep` leads to it: the file of aliases
        changes in one step, so readers find the one or the other.
        """
        with self.changing():
            aliases = self.aliases()
            target = self.path(index).name
            if check_name(alias) in self._folders() and aliases.get(alias, alias) == alias:
                if keep is None:
                    raise IndexExists(
                        _("'{alias}' is an index of its own in {root}, so it can't be an alias").format(
                            alias=alias, root=self.root
                        )
                    )
                self._save({**aliases, check_name(keep): alias, alias: target})
                return keep
            before = aliases.get(alias)
            self._save({**aliases, alias: target})
            return None if before is None else self.known_as(before)

    def drop(self, name: str) -> None:
        """Delete an index and the aliases that point at it; raises IndexLocked while another process writes to it."""
        if not self._meta.exists():
            return
        with self.changing():
            aliases = self.aliases()
            real = check_name(aliases.get(name, name))
            path = self.root / "indexes" / real
            dropped = path.with_name(f"{_DROPPED}{real}")
            kept = {alias: target for alias, target in aliases.items() if target != real}
            if path.is_dir():
                with WriteLock(path, str(path)).held():
                    if kept != aliases:
                        self._save(kept)
                    shutil.rmtree(dropped, ignore_errors=True)  # of a process that died
                    with storage_errors(path):
                        os.rename(path, dropped)  # in one step: a half deleted index would look like a damaged one
                        sync_folder(path.parent)
            elif kept != aliases:
                self._save(kept)
            shutil.rmtree(dropped, ignore_errors=True)

    def _save(self, aliases: dict[str, str]) -> None:
        write_notes(self._meta, {"format": FOLDER_FORMAT, "aliases": aliases})
