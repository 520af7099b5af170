"""What was probably meant by a name that isn't known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from searchctl.translation import _

_TELLING = 3  # letters of a beginning that tells something


def did_you_mean(name: str, known: Iterable[str], otherwise: str, *, cutoff: float = 0.6, prefix: str = "") -> str:
    """Return "did you mean 'NAME'?" with the nearest known name, or `otherwise` if none is near.

    `cutoff` in [0, 1] says how alike two names must be; `prefix` is printed before the known one.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=cutoff) or _continued(name, names)
    return _("did you mean '{name}'?").format(name=f"{prefix}{near[0]}") if near else otherwise


def _continued(name: str, known: list[str]) -> list[str]:
    """Return the known names that differ in case only, else the only one that goes on where this one of some length ends."""
    typed = name.casefold()
    same = [one for one in known if one.casefold() == typed]
    longer = [one for one in known if len(typed) >= _TELLING and one.casefold().startswith(typed)]
    return same or (longer if len(longer) == 1 else [])
