"""What a text was meant to be that shares no word with any example: typed on the other keyboard, or in the other alphabet."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from searchctl.search.repair import repairs
from searchctl.types import Repair

_WORD = re.compile(r"[^\W\d_]+")
_STEM = 5  # letters by which words are known: endings don't count
_LEAST_KNOWN = 0.34  # of the words, for a repair to be believed


def stems_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the beginnings of the texts' words."""
    return frozenset(word[:_STEM] for text in texts for word in _WORD.findall(text.lower()))


def repaired(text: str, stems: Collection[str]) -> Repair | None:
    """Return what was meant by a text none of whose words begins as those of the examples do; None where nothing else does."""
    if not stems or _known(text, stems):
        return None
    shares = [(_known(repair.query, stems), repair) for repair in repairs(text)]
    best = max(shares, key=lambda item: item[0], default=None)
    return best[1] if best is not None and best[0] >= _LEAST_KNOWN else None


def _known(text: str, stems: Collection[str]) -> float:
    words = _WORD.findall(text.lower())
    return sum(word[:_STEM] in stems for word in words) / max(len(words), 1)
