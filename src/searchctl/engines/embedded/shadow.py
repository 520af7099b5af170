"""A tantivy index opened where nothing can be written: tantivy makes a lock file beside what it opens, even to read it.

So it's given a folder of its own, with links to the index's files. Raises PermissionError or OSError where there is none.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_PLACES = ("/dev/shm", "/run/user/{user}")  # noqa: S108 where the usual temporary folders can't be written to either
_META = "meta.json"


class Shadow:
    """A temporary folder of links to the files of `source`; `close` deletes it."""

    def __init__(self, source: Path) -> None:
        import tempfile  # which hardly any process needs

        self._source = source
        self._folder = tempfile.TemporaryDirectory(prefix="searchctl-", dir=_place(), ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self.follow()

    def follow(self) -> None:
        """Link what the index is made of by now."""
        meta = (self._source / _META).read_bytes()
        linked = {path.name for path in self.path.iterdir()}
        for path in self._source.iterdir():
            if path.suffix != ".lock" and not path.name.startswith(".") and path.name not in {_META, *linked}:
                os.symlink(path.absolute(), self.path / path.name)
        temporary = self.path / (_META + ".tmp")
        temporary.write_bytes(meta)
        os.replace(temporary, self.path / _META)

    def close(self) -> None:
        """Delete the folder."""
        self._folder.cleanup()


def _place() -> str | None:
    """Return a folder that can be written to, None for the usual one."""
    import tempfile

    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        user = os.getuid() if hasattr(os, "getuid") else ""
        for folder in (pattern.format(user=user) for pattern in _PLACES):
            if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free:
                return folder
        raise
    return None
