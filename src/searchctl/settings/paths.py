"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path

from searchctl.errors import UsageError
from searchctl.translation import _


def user_path(text: str | os.PathLike[str]) -> Path:
    """Return a path with `~` and `~name` in full. Raises UsageError where there is no such user, or no file could be called so."""
    given = os.fspath(text)
    if "\0" in given:
        raise UsageError(_("{given!r} can't be a path: it has a null character; write it without").format(given=given))
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise UsageError(
            _(
                "'{given}' leads nowhere: this machine has no user '{split}' with a home folder; write the whole path"
            ).format(given=given, split=given.split(os.sep)[0][1:])
        ) from error
