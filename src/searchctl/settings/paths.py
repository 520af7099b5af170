"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path

from searchctl.errors import UsageError


def user_path(text: str | os.PathLike[str]) -> Path:
    """Return a path with `~` and `~name` in full. Raises UsageError where there is no such user, or no file could be called so."""
    given = os.fspath(text)
    if "\0" in given:
        raise UsageError(f"{given!r} can't be a path: it has a null character; write it without")
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"'{given}' leads nowhere: this machine has no user '{given.split(os.sep)[0][1:]}' with a home folder; "
            "write the whole path"
        ) from error
