"""The files of a tantivy index, seen from outside: which ones count, whether they are whole, and who may read them."""

from __future__ import annotations

import errno
import json
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from searchctl.engines.embedded.segments import DamagedPart
from searchctl.errors import StorageError
from searchctl.translation import _

_PARTS = ("idx", "pos", "term", "store", "fast", "fieldnorm")  # of each segment
_FOOTER_MAGIC = 1337
_QUICK_BYTES = 16_000_000  # up to here all is read when an index is opened: some ten milliseconds
_OS_ERROR = re.compile(r"\b(?:os error |code: )(\d+)\b")
REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
_OF_THE_SYSTEM = REFUSED | {errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOMEM}


class Meta(NamedTuple):
    """What tantivy's own notes, replaced with each commit, say: the commit's number, and the files that count."""

    opstamp: int
    documents: int  # in the segments, removed ones included
    files: tuple[str, ...]


def read_meta(path: Path) -> Meta:
    """Read tantivy's notes; raises DamagedPart, or StorageError where they can't be read."""
    try:
        data = json.loads((path / "meta.json").read_bytes())
        files: list[str] = []
        for segment in data["segments"]:
            name = str(segment["segment_id"]).replace("-", "")
            files += [f"{name}.{part}" for part in _PARTS]
            if segment["deletes"]:
                files.append(f"{name}.{int(segment['deletes']['opstamp'])}.del")
        return Meta(int(data["opstamp"]), sum(int(segment["max_doc"]) for segment in data["segments"]), tuple(files))
    except FileNotFoundError as error:
        raise DamagedPart(_("meta.json is missing")) from error
    except OSError as error:
        raise StorageError(
            _("can't read {path}: {value}; its owner can give the right with: chmod -R a+rX {parent}").format(
                path=path / "meta.json", value=error.strerror or error, parent=path.parent
            )
        ) from error
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise DamagedPart(_("meta.json can't be read")) from error


def version(path: Path) -> tuple[int, ...]:
    """Return a value that changes with each commit; empty where there is none."""
    try:
        status = os.stat(path / "meta.json")
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_ino, status.st_size


def check_files(path: Path, meta: Meta, *, deep: bool = False) -> None:
    """Raise DamagedPart when a file is missing, cut or, where all are small or with `deep`, has a wrong checksum."""
    try:
        sizes = {name: os.stat(path / name).st_size for name in meta.files}
    except FileNotFoundError as error:
        raise DamagedPart(_("{name} is missing").format(name=Path(error.filename).name)) from error
    whole = deep or sum(sizes.values()) <= _QUICK_BYTES
    for name, size in sizes.items():
        _check_file(path / name, size, whole)


def _check_file(path: Path, size: int, whole: bool) -> None:
    """Check a file against the footer that tantivy gives each: JSON with the checksum of what is before, its length, a number."""
    with path.open("rb") as file:
        file.seek(max(0, size - 8))
        end = file.read(8)
        length = int.from_bytes(end[:4], "little")
        if len(end) < 8 or int.from_bytes(end[4:], "little") != _FOOTER_MAGIC or length + 8 > size:
            raise DamagedPart(_("{name} is cut").format(name=path.name))
        file.seek(size - 8 - length)
        try:
            expected = int(json.loads(file.read(length))["crc"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise DamagedPart(_("{name} is damaged").format(name=path.name)) from error
        if not whole:
            return
        file.seek(0)
        checksum, left = 0, size - 8 - length
        while left and (block := file.read(min(left, 1 << 20))):
            checksum, left = zlib.crc32(block, checksum), left - len(block)
        if checksum != expected:
            raise DamagedPart(_("{name} is damaged").format(name=path.name))


def sweep(path: Path, meta: Meta) -> None:
    """Delete what a writer that died has left: tantivy refuses to write a file that is there. Nobody may be writing."""
    for file in path.iterdir():
        if file.suffix[1:] in (*_PARTS, "del", "temp", "tmp") and file.name not in meta.files:
            file.unlink(missing_ok=True)


def share(path: Path, example: Path) -> None:
    """Let those read tantivy's notes who may read `example`: it makes them for its own user alone."""
    mode = os.stat(example).st_mode & 0o666
    for name in ("meta.json", ".managed.json"):
        try:
            if os.stat(path / name).st_mode & 0o666 != mode:
                os.chmod(path / name, mode)
        except FileNotFoundError:
            continue


def system_error(error: BaseException) -> int | None:
    """Return the number of the system's error behind one of tantivy's, None where the system isn't to blame."""
    number = error.errno if isinstance(error, OSError) else None
    said = _OS_ERROR.search(str(error))
    number = int(said[1]) if number is None and said else number
    return number if number in _OF_THE_SYSTEM else None


class SystemRefusal(StorageError):
    """The system refuses something below an index; `number` is its error."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


@contextmanager
def tantivy_errors(path: Path) -> Iterator[None]:
    """Say the system's refusals as SystemRefusal, and all else that tantivy reports, panics included, as DamagedPart."""
    try:
        yield
    except BaseException as error:
        panic = type(error).__name__ == "PanicException"  # which is no Exception
        if not panic and not isinstance(error, (ValueError, OSError)):
            raise
        number = system_error(error)
        if number is not None:
            raise SystemRefusal(f"can't use {path}: {error}; check free space and permissions", number) from error
        raise DamagedPart(str(error)) from error
