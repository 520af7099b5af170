"""What was probably meant by a name that isn't known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], otherwise: str, *, cutoff: float = 0.6, prefix: str = "") -> str:
    """Return "did you mean 'NAME'?" with the nearest known name, or `otherwise` if none is near.

    `cutoff` in [0, 1] says how alike two names must be; `prefix` is printed before the known one.
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"did you mean '{prefix}{near[0]}'?" if near else otherwise
