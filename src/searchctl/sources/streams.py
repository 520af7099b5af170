"""Bytes of a source: opened, unpacked, looked at, and read in lines or as a whole with bounded memory."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, cast

from searchctl.sources.encodings import detect
from searchctl.sources.model import SourceFile, Unreadable, size_of
from searchctl.translation import _

HEAD = 1 << 16  # bytes that decide format and encoding of a stream
_BUFFER = 1 << 18
_GZIP = b"\x1f\x8b"


class Stream(NamedTuple):
    """A source's unpacked bytes: `head` is a look at the first 64 KB, which `file` still gives."""

    file: io.BufferedReader
    head: bytes


class Line(NamedTuple):
    """A line, decoded and without its end; `error` says why there is no text."""

    number: int
    text: str
    error: str = ""


class _Joined(io.RawIOBase):
    """Gives the bytes that were looked at, then the rest of the file."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._more = getattr(rest, "read1", rest.read)  # what has come: a slow pipe isn't waited for

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = cast(memoryview, buffer)
        data = self._head[: len(view)] or self._more(len(view))
        self._head = self._head[len(data) :]
        view[: len(data)] = data
        return len(data)


@contextmanager
def opened(file: SourceFile, *, live: bool = False) -> Iterator[Stream]:
    """Open a source; gzip is unpacked, on streams also where no name tells. Raises OSError.

    A `live` standard input isn't waited for: the look at it is at what comes first.
    """
    if file.is_stdin:
        yield looked_at(sys.stdin.buffer, packed=None, live=live)
        return
    with file.path.open("rb", buffering=_BUFFER) as raw:
        yield looked_at(raw, packed=file.gzip if file.size is not None else None)


def looked_at(raw: BinaryIO, packed: bool | None, *, live: bool = False) -> Stream:
    """Return a file's stream with its head read; `packed` is None where only the content can tell."""
    if packed is not False:  # a browser unpacks what it loads and leaves the name as it was
        start = raw.read(len(_GZIP))
        raw = io.BufferedReader(_Joined(start, raw), _BUFFER)
        packed = start == _GZIP
    file = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
    head = _read(file, HEAD, live=live)
    return Stream(io.BufferedReader(_Joined(head, file), _BUFFER), head)


def _read(file: BinaryIO, size: int, *, live: bool) -> bytes:
    """Read up to `size` bytes, or if `live` what comes first; a damaged gzip gives what comes before the damage, and its error later."""
    data = bytearray()
    while len(data) < size:
        try:
            piecewise = live or isinstance(file, gzip.GzipFile)
            block = getattr(file, "read1" if piecewise else "read")(size - len(data))
        except (EOFError, OSError):
            if not data:
                raise
            break
        data += block
        if not block or live:
            break
    return bytes(data)


def whole(stream: Stream, limit: int) -> bytes:
    """Return all bytes; raises Unreadable when there are more than `limit`."""
    data = stream.file.read(limit + 1)
    if len(data) > limit:
        raise Unreadable(
            _("the file has more than {size}, too much for a format that is read as a whole; split it").format(
                size=size_of(limit)
            )
        )
    return data


def lines(stream: Stream, encoding: str, limit: int) -> Iterator[Line]:
    """Yield the lines, numbered from 1. One that is longer than `limit` is skipped, in bounded memory, with an error.

    Lines end with LF or CR LF; in a file without any LF, CR ends them, as Excel for Mac writes.
    """
    wide = encoding.startswith(("utf-16", "utf-32"))
    old_mac = _has_bare_returns(stream.head, encoding)
    file: io.TextIOWrapper | io.BufferedReader = stream.file
    if wide:
        file = io.TextIOWrapper(stream.file, encoding, errors="replace", newline=None if old_mac else "\n")
    elif old_mac:
        file = io.BufferedReader(_Returns(stream.file), _BUFFER)
    number = 0
    while line := file.readline(limit + 1):
        number += 1
        if len(line) > limit:
            excerpt = line[:200] if isinstance(line, str) else line[:200].decode(encoding, "replace")
            _skip_line(file, line)
            yield Line(number, excerpt, f"the line is longer than {size_of(limit)}; split it, or read the file as .txt")
        elif isinstance(line, str):
            yield Line(number, line.rstrip("\r\n"))
        else:
            yield _decoded(number, line, encoding)


def _has_bare_returns(head: bytes, encoding: str) -> bool:
    """Tell whether CR alone ends the lines."""
    text = head.decode(encoding, "replace").rstrip("\r")
    return "\r" in text and "\n" not in text


class _Returns(io.RawIOBase):
    """Gives a file's bytes with LF for CR; for encodings in which CR is one byte."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = cast(memoryview, buffer)
        data = self._file.read1(len(view)).replace(b"\r", b"\n")
        view[: len(data)] = data
        return len(data)


def _skip_line(file: io.TextIOWrapper | io.BufferedReader, line: str | bytes) -> None:
    while line and line[-1:] not in ("\n", b"\n"):
        line = file.readline(_BUFFER)


def _decoded(number: int, line: bytes, encoding: str) -> Line:
    """Decode a line; one that isn't in the file's encoding is looked at by itself."""
    try:
        return Line(number, line.decode(encoding).rstrip("\r\n"))
    except UnicodeDecodeError:
        other = detect(line)
    if other is None:
        return Line(
            number, line.decode(encoding, "replace"), f"the line isn't text: neither {encoding} nor another encoding"
        )
    return Line(number, line.decode(other, "replace").rstrip("\r\n"))
