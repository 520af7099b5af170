"""Which files an argument of a command means: found in folders, filtered, named, in a stable order."""

from __future__ import annotations

import codecs
import hashlib
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
from searchctl.several import as_texts
from searchctl.sources.formats import Format, endings, formats, office_command, row_formats
from searchctl.sources.ignores import IgnoreFiles, matcher
from searchctl.sources.model import STDIN, SourceFile, storable
from searchctl.translation import _

_HIDDEN = (".", "~$")  # the second is what office programs call their locks
_CORPUS = ("corpus.jsonl", "corpus.jsonl.gz")
_BESIDE_A_CORPUS = ("queries.jsonl", "queries.jsonl.gz", "qrels")
_ENGINE_MARKS = {"searchctl.json", "index.sqlite"}
_LONGEST_URI = 460  # bytes; ids are made of these names, with a row's number, and may have 512
_IGNORED = "left out by .gitignore"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that isn't read, and why.

    `unseen` says that it couldn't be looked at, so that nobody knows which documents it holds. `kind` is the reason in words
    that are the same for all files of its kind.
    """

    path: Path
    reason: str
    unseen: bool = False

    @property
    def kind(self) -> str:
        """The reason without what is particular to this file: what `kinds` counts."""
        return self.reason.partition(":")[0] if self.unseen else self.reason


def kinds(skipped: Sequence[Skipped], most: int = 25) -> str:
    """Return what was passed over, by kind and number, the most frequent first: "12 × unknown ending .log, 3 × …"."""
    counts = Counter(skip.kind for skip in skipped).most_common()
    named = [f"{count} × {kind}" for kind, count in counts[:most]]
    rest = sum(count for _ignored, count in counts[most:])
    return ", ".join([*named, f"{rest} × others"] if rest else named)


@dataclass(frozen=True, slots=True)
class FoundFiles(Sequence[SourceFile]):
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
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    format: Format | None = None,
    encoding: str | None = None,
) -> FoundFiles:
    """Return the files that these paths mean: files, folders with all below them, "-" for standard input.

    Hidden files and engines' folders are passed over, links are followed once, what a folder's .gitignore leaves out stays
    out, and of a BEIR corpus only `corpus.jsonl` is read. Patterns are tried on the path below the argument (`*.md` matches
    at any depth, `drafts/` a folder). `format` holds for files and streams that are named by themselves; in a folder it is
    for files whose names don't tell, or tell another format of records. `encoding` holds for all. Raises SourceError for a
    path that isn't there, for a file of unknown format, for one whose format needs a library that isn't installed, and when
    nothing is found; UsageError for a pattern that can't be one.
    """
    typed = [os.fspath(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    wanted, unwanted = as_texts(include, "a pattern"), as_texts(exclude, "a pattern")
    search = _Search(matcher(wanted) if wanted else None, matcher(unwanted), format, _known_encoding(encoding))
    for path in typed:
        search.add(path)
    if not search.files:
        raise SourceError(_nothing(typed, search))
    return FoundFiles(tuple(_named_apart(search.files)), tuple(search.skipped))


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
            raise SourceError(
                _("can't read '{given}': {strerror}; {advice}").format(
                    given=given, strerror=error.strerror, advice=_advice(path)
                )
            ) from error
        if stat.S_ISDIR(status.st_mode):
            self._add_folder(path, path, "", IgnoreFiles())
        elif self._selected(path.name) and self._is_new(status):
            self._add_named(given, path, status)

    def _add_named(self, given: str, path: Path, status: os.stat_result) -> None:
        """Add a file that was named by itself: unlike in a folder, it mustn't be passed over in silence."""
        if not stat.S_ISREG(status.st_mode):
            self.files.append(SourceFile(path, storable(path.name), path, self._format, None, encoding=self._encoding))
            return
        format = self._format or endings().get(_ending(path.name)[0])
        if format is None:
            known = ", ".join(endings())
            raise SourceError(
                _(
                    "can't tell the format of '{given}': known endings are {known}; say it with: --format {formats}"
                ).format(given=given, known=known, formats="|".join(formats()))
            )
        if formats()[format].missing:
            raise SourceError(
                _("'{given}' can't be read: reading {format} needs another library; type: {office_command}").format(
                    given=given, format=format, office_command=office_command()
                )
            )
        self.files.append(self._file(path, path, path.name, status, format))

    def _add_folder(self, root: Path, folder: Path, below: str, ignored: IgnoreFiles) -> None:
        if not self._is_new(folder.stat()):
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.skipped.append(
                Skipped(folder, _("can't be listed: {strerror}").format(strerror=error.strerror), unseen=True)
            )
            return
        names = {entry.name for entry in entries}
        if names & _ENGINE_MARKS:
            self.skipped.append(Skipped(folder, _("an engine's folder")))
            return
        ignored = ignored.below(folder, below)
        corpus = next((name for name in _CORPUS if name in names), None) if names & {*_BESIDE_A_CORPUS} else None
        for entry in entries:
            if entry.name.startswith(_HIDDEN):
                continue
            if corpus and entry.name != corpus:
                self.skipped.append(
                    Skipped(Path(entry.path), _("beside a corpus: its documents are in {corpus}").format(corpus=corpus))
                )
                continue
            self._add_entry(root, entry, f"{below}{entry.name}", ignored)

    def _add_entry(self, root: Path, entry: os.DirEntry[str], uri: str, ignored: IgnoreFiles) -> None:
        path = Path(entry.path)
        try:
            status = entry.stat()
        except OSError as error:
            self.skipped.append(
                Skipped(path, _("can't be read: {strerror}").format(strerror=error.strerror), unseen=True)
            )
            return
        if stat.S_ISDIR(status.st_mode):
            if self._exclude(uri + "/"):
                return
            if ignored.ignores(uri + "/"):
                self.skipped.append(Skipped(path, _("folder {IGNORED}").format(IGNORED=_IGNORED)))
                return
            self._add_folder(root, path, uri + "/", ignored)
        elif self._selected(uri):
            if ignored.ignores(uri):
                self.skipped.append(Skipped(path, _IGNORED))
                return
            self._add_file(root, path, uri, status)

    def _add_file(self, root: Path, path: Path, uri: str, status: os.stat_result) -> None:
        ending = _ending(path.name)[0]
        format = self._format_in_folder(endings().get(ending)) if stat.S_ISREG(status.st_mode) else None
        if format is None:
            self.skipped.append(Skipped(path, _("unknown ending {value}").format(value=ending or "(none)")))
        elif formats()[format].missing:
            self.skipped.append(
                Skipped(
                    path,
                    _("{value} (to read it: {office_command})").format(
                        value=ending or format, office_command=office_command()
                    ),
                )
            )
        elif self._is_new(status):
            self.files.append(self._file(root, path, uri, status, format))

    def _format_in_folder(self, named: Format | None) -> Format | None:
        """Return the format of a folder's file whose ending stands for `named`.

        What the user says wins among formats of records, as in .json files that hold JSON Lines. A page or a paper beside
        them stays what its name says: it was hardly meant.
        """
        said = self._format
        if named is None or said is None:
            return named or said
        return said if {said, named} <= set(row_formats()) else named

    def _selected(self, uri: str) -> bool:
        return (self._include is None or self._include(uri)) and not self._exclude(uri)

    def _is_new(self, status: os.stat_result) -> bool:
        key = (status.st_dev, status.st_ino)
        fresh = key not in self._seen
        self._seen.add(key)
        return fresh

    def _file(self, root: Path, path: Path, uri: str, status: os.stat_result, format: Format) -> SourceFile:
        name = shortened(unicodedata.normalize("NFC", storable(uri)))
        return SourceFile(path, name, root, format, status.st_size, _ending(path.name)[1], self._encoding)


def shortened(uri: str) -> str:
    """Return a name that isn't too long for ids: of a longer one the end is kept, behind a hash of the whole.

    The same path always gives the same name.
    """
    data = uri.encode()
    if len(data) <= _LONGEST_URI:
        return uri
    mark = hashlib.blake2b(data, digest_size=8).hexdigest()
    end = data[len(mark) + 2 - _LONGEST_URI :].decode("utf-8", "ignore")
    return f"{mark}…{end.partition('/')[2] or end}"


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
        b"a".decode(known)  # base64 and the like are codecs too, but none of text
    except (LookupError, ValueError) as error:
        raise SourceError(
            _("no encoding '{name}'; usual ones are utf-8, utf-16, cp1251, koi8-r, cp866, cp1252").format(name=name)
        ) from error
    return "utf-8-sig" if known == "utf-8" else known


def _advice(path: Path) -> str:
    parent = next((folder for folder in path.parents if folder.is_dir()), None)
    return f"check the name, or see what is there with: ls {parent}" if parent else "check the name"


def _nothing(paths: Sequence[str], search: _Search) -> str:
    where = ", ".join(f"'{path}'" for path in paths) or "no path"
    if not search.skipped:
        return f"nothing to read in {where}; expected files ending in {', '.join(endings())} (or these with .gz)"
    return f"nothing to read in {where}; passed over: {kinds(search.skipped)}; name the files' format with: --format {'|'.join(formats())}"
