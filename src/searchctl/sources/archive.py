"""Zip archives: each file in them is read as it would be in a folder. Nothing is written to the disk."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, cast

from searchctl.sources.discovery import shortened
from searchctl.sources.formats import endings, formats, office_command
from searchctl.sources.model import Failure, Record, Unreadable
from searchctl.sources.package import check_archive
from searchctl.sources.records import SourceReading
from searchctl.sources.streams import looked_at, whole
from searchctl.translation import _

_HIDDEN = (".", "~$", "__MACOSX")
_MOST_FILES = 100_000


def read_archive(reading: SourceReading) -> Iterator[Record | Failure]:
    """Yield what the files of an archive hold, in the order of their names; raises Unreadable."""
    try:
        with _seekable(reading) as data, zipfile.ZipFile(_checked(data)) as archive:
            members = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
            if len(members) > _MOST_FILES:
                raise Unreadable(
                    _("the archive has more than {MOST_FILES:,} files; unpack it, and read the folder").format(
                        MOST_FILES=_MOST_FILES
                    )
                )
            for number, info in enumerate(members, 1):
                yield from _member(archive, info, number, reading)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise Unreadable(_("broken zip: {error}").format(error=error), id=reading.file.uri) from error


def _checked(data: BinaryIO) -> BinaryIO:
    check_archive(data, "zip")
    return data


def _seekable(reading: SourceReading) -> BinaryIO:
    if reading.file.size is not None and not reading.file.gzip:
        return cast(BinaryIO, reading.file.path.open("rb"))
    return io.BytesIO(whole(reading.stream, reading.limits.file))


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, number: int, reading: SourceReading
) -> Iterator[Record | Failure]:
    from searchctl.sources.reading import items

    name = info.filename
    source = reading.file.source
    if any(part.startswith(_HIDDEN) for part in name.split("/")):
        return
    ending = os.path.splitext(name.lower())[1]
    format = endings().get(ending)
    if format is None or formats()[format].missing or format == "zip":
        why = f"to read it: {office_command()}" if format and formats()[format].missing else "in a zip file"
        reading.remarks.add(f"passed over: {ending or 'a file without ending'} ({why})", source)
        return
    uri = f"{reading.file.uri}/{name}"
    try:
        with archive.open(info) as unpacked:
            file = replace(reading.file, uri=shortened(uri), format=format, size=info.file_size, gzip=False)
            yield from items(replace(reading, file=file, stream=looked_at(cast(BinaryIO, unpacked), packed=False)))
    except Unreadable as error:
        yield Failure(source, number, error.id or uri, f"{name}: {error.reason}", error.excerpt)
    except RuntimeError as error:
        reason = _("it needs a password") if info.flag_bits & 1 else str(error)
        yield Failure(source, number, uri, f"{name}: {reason}")
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        yield Failure(source, number, uri, _("{name}: the archive is damaged ({error})").format(name=name, error=error))
