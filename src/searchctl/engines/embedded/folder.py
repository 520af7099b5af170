"""The folder an embedded engine lives in: its format number, the names of indexes, and aliases."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from searchctl.engines.lock import storage_errors
from searchctl.engines.names import check_name
from searchctl.errors import IndexExists, IndexFormatError, IndexMissing
from searchctl.files import replacing
from searchctl.types import Json

FOLDER_FORMAT = 1


def write_json(path: Path, data: Json) -> None:
    """Write JSON durably: to a temporary name, then renamed."""
    with storage_errors(path.parent), replacing(path) as draft, draft.open("w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)


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
        aliases = data.get("aliases", {})
        if not isinstance(aliases, dict) or not all(isinstance(name, str) for name in aliases.values()):
            raise IndexFormatError(f"{self._meta} is damaged: its aliases aren't names; restore it")
        return dict(aliases)

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
