"""The folder in which assembled servers stay between runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.errors import ServerError

_PARTIAL = ".partial-"


def _default() -> Path:
    if chosen := os.environ.get("SEARCHCTL_TEST_CACHE"):
        return Path(chosen).absolute()
    if os.getuid() == 0:  # the servers run as `nobody` then, who can't look into root's home
        return Path("/var/cache/searchctl-tests")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "searchctl-tests"


CACHE = _default()  # read once: tests change HOME


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache; if there's none yet, `make` fills an empty one that is then given that name.

    A run that is broken off leaves nothing under that name, and several runs at once make it once.
    """
    home = CACHE / name
    if home.exists():
        return home
    CACHE.mkdir(parents=True, exist_ok=True)
    _check_readable()
    with _locked():
        if not home.exists():
            for left in CACHE.glob(f"{_PARTIAL}*"):
                shutil.rmtree(left)
            partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=CACHE))
            partial.chmod(0o755)
            make(partial)
            partial.rename(home)
    return home


@contextmanager
def _locked() -> Iterator[None]:
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _check_readable() -> None:
    if os.getuid() == 0:
        for folder in (CACHE, *CACHE.parents):
            if not folder.stat().st_mode & 0o001:
                raise ServerError(
                    f"as root the servers run as 'nobody', who can't enter {folder}; set SEARCHCTL_TEST_CACHE to a folder outside of it"
                )
