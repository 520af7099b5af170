"""Files that outlive a crash: written whole under a temporary name, forced to the disk, then renamed; notes carry a checksum."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from searchctl.errors import StorageError
from searchctl.files import replacing
from searchctl.translation import _
from searchctl.types import Json

_CHECKSUM = "checksum"


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals below `path` into StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            _("can't use {path}: {value}; check free space and permissions").format(
                path=path, value=error.strerror or error
            )
        ) from error


def write_notes(path: Path, notes: Json) -> None:
    """Replace a small JSON file in one step, durably, with a checksum in it. Raises StorageError."""
    with storage_errors(path.parent), replacing(path) as draft, draft.open("w", encoding="utf-8") as file:
        json.dump({**notes, _CHECKSUM: _checksum(notes)}, file, ensure_ascii=False, indent=1)


def read_notes(path: Path, *, unsealed: bool = False) -> Json | None:
    """Read what `write_notes` wrote; None when the file isn't there or is damaged.

    With `unsealed` a file without a checksum will do: older versions wrote none.
    """
    try:
        notes = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    if not isinstance(notes, dict):
        return None
    checksum = notes.pop(_CHECKSUM, None)
    if checksum is None:
        return notes if unsealed else None
    return notes if checksum == _checksum(notes) else None


def _checksum(notes: Json) -> int:
    return zlib.crc32(json.dumps(notes, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass"))
