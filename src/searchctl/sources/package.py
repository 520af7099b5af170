"""Files that are zip archives of XML: Word, EPUB. They come from strangers, so no part is unpacked beyond a limit."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from searchctl.sources.model import Unreadable, size_of
from searchctl.translation import _

OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_MUCH = 200_000_000  # bytes: what is unpacked without asking how small it was
_MOST_TIMES = 100  # times their size is what archives of text unpack to at most


def check_archive(archive: bytes | BinaryIO, kind: str, most: Mapping[str, int] | None = None) -> None:
    """Raise Unreadable for an archive that isn't one, or that unpacks to far more than any that people make.

    `most` are the bytes that parts of these names may have.
    """
    file = io.BytesIO(archive) if isinstance(archive, bytes) else archive
    try:
        with zipfile.ZipFile(file) as parts:
            infos = parts.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise Unreadable(_("broken {kind}: {error}").format(kind=kind, error=error)) from error
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    total = sum(info.file_size for info in infos)
    if total > max(_MUCH, _MOST_TIMES * size):
        raise Unreadable(
            _("the file unpacks to {size}, more than {MOST_TIMES} times its size; it isn't read").format(
                size=size_of(total), MOST_TIMES=_MOST_TIMES
            )
        )
    for info in infos:
        if info.file_size > (most or {}).get(info.filename, total):
            raise Unreadable(
                _("{filename} unpacks to {size}; split the file").format(
                    filename=info.filename, size=size_of(info.file_size)
                )
            )


class Package:
    """An open archive: its parts as bytes or XML. `limit` bytes are unpacked in all, `kind` is its name in messages."""

    def __init__(self, parts: zipfile.ZipFile, limit: int, kind: str) -> None:
        self._parts = parts
        self._left = limit
        self._limit = limit
        self.kind = kind

    @property
    def names(self) -> Mapping[str, zipfile.ZipInfo]:
        """The parts by their names."""
        return self._parts.NameToInfo

    def data(self, name: str) -> bytes | None:
        """Return a part's bytes, None where there is none; raises Unreadable when they're too many."""
        if name not in self._parts.NameToInfo:
            return None
        with self._parts.open(name) as part:
            data = part.read(self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable(
                _("{name} unpacks to more than {size}; split the file").format(name=name, size=size_of(self._limit))
            )
        return data

    def xml(self, name: str, namespaces: Mapping[bytes, bytes] | None = None) -> Element | None:
        """Return a part's XML, None where there is none; `namespaces` are replaced in it. Entities are refused."""
        data = self.data(name)
        if data is None:
            return None
        for old, new in (namespaces or {}).items():
            data = data.replace(old, new)
        return parsed_xml(data, name, self.kind)


def parsed_xml(data: bytes, name: str, kind: str) -> Element:
    """Return XML; raises Unreadable where it's broken or declares entities."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, ValueError, LookupError) as error:
        if isinstance(error, DefusedXmlException):
            raise Unreadable(
                _("{name} declares entities, which no {kind} file does; it isn't read").format(name=name, kind=kind)
            ) from error
        raise Unreadable(_("broken {kind}: {name}: {error}").format(kind=kind, name=name, error=error)) from error
    return root


@contextmanager
def opened_package(data: bytes, limit: int, kind: str) -> Iterator[Package]:
    """Open an archive; raises Unreadable for one that is broken."""
    if data.startswith(OLD_OFFICE):
        raise Unreadable(
            _("the file has a password or is in the format before {kind}; save it as {kind} without one").format(
                kind=kind
            )
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            yield Package(parts, limit, kind)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise Unreadable(_("broken {kind}: {error}").format(kind=kind, error=error)) from error
    except Exception as error:  # zlib.error, lzma.LZMAError and others of the decompressors
        if type(error).__module__ in ("zlib", "lzma", "_lzma", "bz2"):
            raise Unreadable(_("broken {kind}: {error}").format(kind=kind, error=error)) from error
        raise
