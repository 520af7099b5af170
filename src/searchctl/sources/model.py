"""What a source is, and what reading one gives: records that can be stored, and failures that say why something can't."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from searchctl.several import as_texts
from searchctl.sources.formats import Format
from searchctl.text.sections import Section
from searchctl.types import Document

STDIN = "-"
EXCERPT = 200  # characters of what can't be read that a failure shows


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read, or standard input.

    `path` is absolute. `uri` is the stable name that ids are made of: the path relative to `root`, the folder it was found
    in (for a file named by itself, that file). `format` is None where only the content can tell; `encoding` is None unless
    the user said it. `size` is in bytes, None for streams.
    """

    path: Path
    uri: str
    root: Path
    format: Format | None
    size: int | None
    gzip: bool = False
    encoding: str | None = None

    @property
    def is_stdin(self) -> bool:
        """Whether this is standard input."""
        return str(self.path) == STDIN

    @property
    def source(self) -> str:
        """The path as text that can always be stored; records and failures carry it."""
        return storable(str(self.path))


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Which fields of a record are its id, title and text, and which are kept to filter by.

    None and empty stand for the usual names (see `sources.mapping`); `keep` None keeps every field that isn't id, title or
    text. Several text fields are joined by blank lines. Inner fields are written `outer.inner`, also through lists of
    objects: `comments.body` is the body of every comment. `records` is the path of the list that holds the records, as in
    `data.items`; None lets the reader find it. Fields `apart`, in any case of letters, aren't taken for text or a title
    unless they're named as such. With `every`, each record is wanted for its text: one without any is a failure, not passed
    over, and where all strings are text, numbers and dates aren't.
    """

    id: str | None = None
    title: str | None = None
    text: tuple[str, ...] = ()
    keep: tuple[str, ...] | None = None
    apart: tuple[str, ...] = ()
    records: str | None = None
    every: bool = False

    def __post_init__(self) -> None:
        for name in ("text", "keep", "apart"):
            if (names := getattr(self, name)) is not None:
                object.__setattr__(self, name, tuple(as_texts(names, "a field's name")))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one record or file may take.

    `record` (a line, row or element) and `file` (of a format that is read as a whole) are bytes after decompression. For a
    file that is read in a process of its own, `seconds` of computing and `memory` bytes are all it may use.
    """

    record: int = 10_000_000
    file: int = 100_000_000
    seconds: int = 20
    memory: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """A document and where it came from: line, row or element `position` of `source`, from 1.

    `raw` is the row or object as it stood there, by field name; None for sources that have no fields. `sections` are in
    order. Where there are any, the document's text is clean already (`text.cleaning`), so that their places stay true.
    """

    document: Document
    source: str
    position: int
    raw: Mapping[str, Any] | None = None
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Something in a source that can't be a document.

    `excerpt` is its beginning, as far as it can be shown. `raw` is the row or object as it stood there, None where it
    couldn't be taken apart; then `line` is the whole line, where there is one.
    """

    source: str
    position: int
    id: str | None
    reason: str
    excerpt: str = ""
    raw: Mapping[str, Any] | None = None
    line: str = ""


class Unreadable(Exception):
    """Raised inside readers for what becomes a Failure; `id` is the record's, where it has one."""

    def __init__(self, reason: str, excerpt: str = "", id: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.excerpt = excerpt
        self.id = id


@dataclass(slots=True)
class Remarks:
    """What reading left out, or took for something else than it may look like: counted, so that a load can tell it.

    Give one to `read` for all the files of a load and show `lines()` at the end, without -v too. `ids` are those of records
    that were passed over: their sources still hold them. One thread writes.
    """

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    _MOST = 1000  # different remarks that are kept apart

    def add(self, what: str, source: str, count: int = 1) -> None:
        """Count `what`, a clause like "'comments' left out: a list of objects"."""
        if what not in self.counts and len(self.counts) >= self._MOST:
            what = "more of other kinds"
        self.counts[what] += count
        self.first.setdefault(what, source)

    def lines(self, most: int = 20) -> list[str]:
        """Return a sentence for each remark, the most frequent first, `most` of them at most."""
        lines = []
        for what, count in self.counts.most_common(most):
            where = Path(self.first[what]).name or "standard input"
            lines.append(f"{what} ({where}{f', {count:,} times' if count > 1 else ''})")
        rest = len(self.counts) - most
        return [*lines, f"and {rest} more remarks"] if rest > 0 else lines


def storable(name: str) -> str:
    r"""Return a file's name as valid Unicode: bytes that aren't UTF-8 are written as `\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def size_of(count: int) -> str:
    """Return a number of bytes for people: "10 MB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"
