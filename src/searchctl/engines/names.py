"""Names of indexes: those that every engine takes."""

from __future__ import annotations

import re

from searchctl.errors import UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def check_name(name: str) -> str:
    """Return the name if every engine accepts it as an index's name; raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' can't be an index's name; use up to 100 lower-case letters, digits, '.', '_', '-', a letter or digit first"
        )
    return name
