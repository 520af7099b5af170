"""Names of indexes: those that searchctl gives, and those that a server may know an index by."""

from __future__ import annotations

import re

from searchctl.errors import UsageError
from searchctl.translation import _

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_FORBIDDEN = re.compile(r'[\\/?"<>|#\s\x00-\x1f]')  # by both servers, in every name
_MOST_BYTES = 4000  # of a list of names: what an address takes


def check_name(name: str) -> str:
    """Return the name if every engine accepts it for a new index; raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            _(
                "'{name}' can't be an index's name; use up to 100 lower-case letters, digits, '.', '_', '-', a "
                "letter or digit first"
            ).format(name=name)
        )
    return name


def check_reference(name: str) -> str:
    """Return the name if a server may know an index, alias or data stream by it; raises UsageError.

    Several names stand with commas between them, and * stands for any part of a name.
    """
    parts = name.split(",")
    wrong = not all(parts) or _FORBIDDEN.search(name) or any(part[0] in "-_+" or part in (".", "..") for part in parts)
    if wrong or len(name.encode()) > _MOST_BYTES:
        raise UsageError(
            _(
                "'{name}' can't be an index's name on a server; give the name of an index, an alias or a data stream"
            ).format(name=name[:100])
        )
    return name
