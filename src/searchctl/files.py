"""Writing files so that whoever reads one meets the old content or the new, never a part of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a draft in the same folder, which takes the place of `path` in one step when the block ends well.

    What was written is on the disk before that, so that a crash leaves the old file or the new one. After an error the draft is
    removed and nothing has changed. A link keeps leading where it leads; what is no plain file, such as /dev/stdout, is yielded
    as it is. Raises OSError.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        yield path
        return
    draft = target.with_name(f".{target.name}.{os.urandom(4).hex()}.tmp")
    # A new file and no other: in a folder of many users, a link that lies there already would lead the writing astray.
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield draft
        with draft.open("r+b") as written:
            os.fsync(written.fileno())
        os.replace(draft, target)
        sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def is_same_file(path: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Tell whether two paths lead to one file, by device and inode, whatever their names."""
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):
        return False


def sync_folder(folder: Path) -> None:
    """Have the name on the disk as well, where the system knows how to (Windows doesn't)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
