r"""What is gone: documents that no source gives any more. That something wasn't seen is no proof; this looks for proof."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from searchctl.ingest.model import Gone
from searchctl.types import Entry

_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")


class Seen(Protocol):
    """What a load knows of its sources at its end."""

    unread: set[str]
    """Sources passed over because they haven't changed."""
    whole: set[str]
    """Sources read to their end without a failure."""

    def gave(self, id: str) -> bool:
        """Tell whether an id occurred, be it in a failure."""


def find_gone(batches: Iterable[Sequence[Entry]], roots: Collection[str], seen: Seen) -> Gone:
    """Return the documents from below `roots` that are known to be gone.

    Known is: the file isn't there any more, or it was read to its end without a failure and didn't give the id. What
    couldn't be read or listed, or wasn't asked for this time, stays; so does what came from a pipe or from a program.
    """
    gone: list[str] = []
    held = kept = 0
    gone_sources: dict[str, bool] = {}
    for entries in batches:
        for entry in entries:
            source = entry.source
            if not _is_inside(source, roots):
                continue
            held += 1
            if seen.gave(entry.document.id) or source in seen.unread:
                continue
            if source not in gone_sources:
                gone_sources[source] = source in seen.whole or is_gone(source)
            if gone_sources[source]:
                gone.append(entry.document.id)
            else:
                kept += 1
    return Gone(tuple(gone), held, kept)


def _is_inside(source: str, roots: Collection[str]) -> bool:
    return os.path.isabs(source) and any(
        source == root or source.startswith(root.rstrip(os.sep) + os.sep) for root in roots
    )


def is_gone(source: str) -> bool:
    """Tell whether the file that a document came from is known to be there no more.

    A folder that can't be entered, a failing disk, a link that leads nowhere today or a server that doesn't answer prove
    nothing; nor does a source that is no path: a pipe, or documents that a program gave.
    """
    return os.path.isabs(source) and all(_is_missing(path) for path in {os.fsencode(source), _unescaped(source)})


def _unescaped(source: str) -> bytes:
    r"""Return the path that a name was made of in which bytes that aren't UTF-8 stand as `\xff`."""
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), source.encode("utf-8", "surrogateescape"))


def _is_missing(path: bytes) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return not _is_below_a_dead_link(path)
    except (OSError, ValueError):
        return False
    return False


def _is_below_a_dead_link(path: bytes) -> bool:
    """Tell whether a path that isn't there leads through a link to what isn't there, as to a drive that isn't mounted."""
    folder = os.path.dirname(path)
    while not os.path.lexists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return os.path.islink(folder) and not os.path.exists(folder)
