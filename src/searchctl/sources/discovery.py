"""Which files an argument of a command means: found in folders, filtered, named, in a stable order."""

from __future__ import annotations

import codecs
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from searchctl.errors import SourceError
from searchctl.settings.paths import user_path
from searchctl.sources.globs import matcher
from searchctl.sources.model import FORMATS, STDIN, Format, SourceFile, storable

ENDINGS: dict[str, Format] = {
    ".txt": "txt",
    ".text": "txt",
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_HIDDEN = (".", "~$")  # the second is what office programs call their locks
_CORPUS = ("corpus.jsonl", "corpus.jsonl.gz")
_BESIDE_A_CORPUS = ("queries.jsonl", "queries.jsonl.gz", "qrels")
_ENGINE_MARKS = {"searchctl.json", "index.sqlite"}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that isn't read, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Found(Sequence[SourceFile]):
    """The files to read, in order, and those beside them that aren't read."""

    files: tuple[SourceFile, ...]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[SourceFile]:
        return iter(self.files)

    @overload
    def __getitem__(self, index: int) -> SourceFile: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SourceFile]: ...
    def __getitem__(self, index: int | slice) -> SourceFile | Sequence[SourceFile]:
        return self.files[index]


def discover(
    paths: Sequence[str],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    format: Format | None = None,
    encoding: str | None = None,
) -> Found:
    """Return the files that these paths mean: files, folders with all below them, "-" for standard input.

    Hidden files and engines' folders are passed over, links are followed once, and of a BEIR corpus only `corpus.jsonl` is
    read. Patterns are tried on the path below the argument (`*.md` matches at any depth, `drafts/` a folder). `format` is
    for files whose names don't tell, `encoding` for all. Raises SourceError for a path that isn't there, for a file of
    unknown format, and when nothing is found.
    """
    search = _Search(matcher(include) if include else None, matcher(exclude), format, _known_encoding(encoding))
    for path in paths:
        search.add(path)
    if not search.files:
        raise SourceError(_nothing(paths, search))
    return Found(tuple(_named_apart(search.files)), tuple(search.skipped))


class _Search:
    """One discovery at work: each file and folder is taken once, however many ways lead to it."""

    def __init__(
        self,
        include: Callable[[str], bool] | None,
        exclude: Callable[[str], bool],
        format: Format | None,
        encoding: str | None,
    ) -> None:
        self._include = include
        self._exclude = exclude
        self._format = format
        self._encoding = encoding
        self._seen: set[tuple[int, int]] = set()
        self.files: list[SourceFile] = []
        self.skipped: list[Skipped] = []

    def add(self, given: str) -> None:
        if given == STDIN:
            path = Path(STDIN)
            self.files.append(SourceFile(path, "stdin", path, self._format, None, encoding=self._encoding))
            return
        path = Path(os.path.abspath(user_path(given)))
        try:
            status = path.stat()
        except OSError as error:
            raise SourceError(f"can't read '{given}': {error.strerror}; {_advice(path)}") from error
        if stat.S_ISDIR(status.st_mode):
            self._add_folder(path, path, "")
        elif self._selected(path.name) and self._is_new(status):
            self._add_named(given, path, status)

    def _add_named(self, given: str, path: Path, status: os.stat_result) -> None:
        """Add a file that was named by itself: unlike in a folder, it mustn't be passed over in silence."""
        if not stat.S_ISREG(status.st_mode):
            self.files.append(SourceFile(path, storable(path.name), path, self._format, None, encoding=self._encoding))
            return
        file = self._file(path, path, path.name, status)
        if file is None:
            known = ", ".join(ENDINGS)
            raise SourceError(
                f"can't tell the format of '{given}': known endings are {known}; say it with: --format {'|'.join(FORMATS)}"
            )
        self.files.append(file)

    def _add_folder(self, root: Path, folder: Path, below: str) -> None:
        if not self._is_new(folder.stat()):
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.skipped.append(Skipped(folder, f"can't be listed: {error.strerror}"))
            return
        names = {entry.name for entry in entries}
        if names & _ENGINE_MARKS:
            self.skipped.append(Skipped(folder, "an engine's folder"))
            return
        corpus = next((name for name in _CORPUS if name in names), None) if names & {*_BESIDE_A_CORPUS} else None
        for entry in entries:
            if entry.name.startswith(_HIDDEN):
                continue
            if corpus and entry.name != corpus:
                self.skipped.append(Skipped(Path(entry.path), f"beside a corpus: its documents are in {corpus}"))
                continue
            self._add_entry(root, entry, f"{below}{entry.name}")

    def _add_entry(self, root: Path, entry: os.DirEntry[str], uri: str) -> None:
        path = Path(entry.path)
        try:
            status = entry.stat()
        except OSError as error:
            self.skipped.append(Skipped(path, f"can't be read: {error.strerror}"))
            return
        if stat.S_ISDIR(status.st_mode):
            if not self._exclude(uri + "/"):
                self._add_folder(root, path, uri + "/")
        elif self._selected(uri):
            file = self._file(root, path, uri, status) if stat.S_ISREG(status.st_mode) else None
            if file is None:
                self.skipped.append(Skipped(path, f"unknown ending {_ending(path.name)[0] or '(none)'}"))
            elif self._is_new(status):
                self.files.append(file)

    def _selected(self, uri: str) -> bool:
        return (self._include is None or self._include(uri)) and not self._exclude(uri)

    def _is_new(self, status: os.stat_result) -> bool:
        key = (status.st_dev, status.st_ino)
        fresh = key not in self._seen
        self._seen.add(key)
        return fresh

    def _file(self, root: Path, path: Path, uri: str, status: os.stat_result) -> SourceFile | None:
        ending, packed = _ending(path.name)
        format = ENDINGS.get(ending, self._format)
        if format is None:
            return None
        name = unicodedata.normalize("NFC", storable(uri))
        return SourceFile(path, name, root, format, status.st_size, packed, self._encoding)


def _ending(name: str) -> tuple[str, bool]:
    """Return a name's ending in small letters, and whether the file is packed."""
    name = name.lower()
    packed = name.endswith(".gz")
    return os.path.splitext(name.removesuffix(".gz") if packed else name)[1], packed


def _named_apart(files: Sequence[SourceFile]) -> list[SourceFile]:
    """Return the files with names that are all different.

    Where two are alike, both get the name of their folder before it, and if that isn't enough their whole path.
    """
    for longer in (_with_folder, lambda file: file.source.lstrip("/")):
        counts = Counter(file.uri for file in files)
        files = [replace(file, uri=longer(file)) if counts[file.uri] > 1 else file for file in files]
    return list(files)


def _with_folder(file: SourceFile) -> str:
    folder = file.root if file.root != file.path else file.root.parent
    return f"{storable(folder.name)}/{file.uri}"


def _known_encoding(name: str | None) -> str | None:
    """Return Python's name for an encoding; raises SourceError when there is none of that name."""
    if name is None:
        return None
    try:
        known = codecs.lookup(name).name
    except LookupError as error:
        raise SourceError(
            f"no encoding '{name}'; usual ones are utf-8, utf-16, cp1251, koi8-r, cp866, cp1252"
        ) from error
    return "utf-8-sig" if known == "utf-8" else known


def _advice(path: Path) -> str:
    parent = next((one for one in path.parents if one.is_dir()), None)
    return f"check the name, or see what is there with: ls {parent}" if parent else "check the name"


def _nothing(paths: Sequence[str], search: _Search) -> str:
    where = ", ".join(f"'{path}'" for path in paths) or "no path"
    if not search.skipped:
        return f"nothing to read in {where}; expected files ending in {', '.join(ENDINGS)} (or these with .gz)"
    reasons = Counter(one.reason for one in search.skipped).most_common(3)
    told = ", ".join(f"{count} × {reason}" for reason, count in reasons)
    return f"nothing to read in {where}; passed over: {told}; name the files' format with: --format {'|'.join(FORMATS)}"
