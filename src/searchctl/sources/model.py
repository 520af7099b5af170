"""What a source is, and what reading one gives: records that can be stored, and failures that say why something can't."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from searchctl.types import Document

Format: TypeAlias = Literal["txt", "md", "html", "pdf", "docx", "csv", "tsv", "json", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)
STDIN = "-"


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
    text. Several text fields are joined by blank lines. Inner fields are written `outer.inner`. Fields `apart`, in
    any case of letters, aren't taken for text or a title unless they're named as such.
    """

    id: str | None = None
    title: str | None = None
    text: tuple[str, ...] = ()
    keep: tuple[str, ...] | None = None
    apart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at once, in bytes after decompression.

    `record` is for a line or row, `file` for a format whose files are read as a whole.
    """

    record: int = 10_000_000
    file: int = 100_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """A document and where it came from: line, row or element `position` of `source`, from 1.

    `raw` is the row or object as it stood there, by field name; None for sources that have no fields.
    """

    document: Document
    source: str
    position: int
    raw: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Something in a source that can't be a document. `excerpt` is its beginning, as far as it can be shown.

    `raw` is the row or object as it stood there, None where it couldn't be taken apart; then `line` is the whole line, where
    there is one.
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


def storable(name: str) -> str:
    r"""Return a file's name as valid Unicode: bytes that aren't UTF-8 are written as `\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def size_of(count: int) -> str:
    """Return a number of bytes for people: "10 MB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes"
