"""What a text says by itself: without the lines and sentences that stand in many texts that otherwise differ, as footers do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from searchctl.explore.minhash import jaccard, normalised, sketch
from searchctl.text.sentences import sentences

_OFTEN = 3  # texts from which on a part may be a footer
_COMPARED = 12  # of them, whether they otherwise differ
_UNLIKE = 0.3  # share of the wording that texts have in common at most that otherwise differ
_FEWEST_WORDS = 2  # of its own that a text has to keep


def contents(texts: Sequence[str]) -> list[str]:
    """Return for each text what it says by itself; the text as it is where all of it would be left out.

    A line or sentence is left out that stands in three texts or more whose other parts are unlike each other.
    """
    parts = [_parts(text) for text in texts]
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for row, own in enumerate(parts):
        for key in {key for key, _ in own if key}:
            holders[key].append(row)
    often = {key for key, rows in holders.items() if len(rows) >= _OFTEN}
    rest = {row: " ".join(key for key, _ in parts[row] if key not in often) for key in often for row in holders[key]}
    shared = {key for key in often if _otherwise_differ([rest[row] for row in holders[key]])}
    cleaned = []
    for text, own in zip(texts, parts, strict=True):
        kept = [part for key, part in own if key not in shared]
        whole = len(kept) == len(own) or sum(len(normalised(part).split()) for part in kept) < _FEWEST_WORDS
        cleaned.append(text if whole else "\n".join(kept))
    return cleaned


def _parts(text: str) -> list[tuple[str, str]]:
    """Return a text's lines and sentences, each normalised and as it is."""
    return [
        (normalised(line[span.start : span.end]), line[span.start : span.end])
        for line in text.splitlines()
        if line.strip()
        for span in sentences(line)
    ]


def _otherwise_differ(rest: Sequence[str]) -> bool:
    """Tell whether what texts say beside a part that they share is unlike; equal remainders count once."""
    different = list(Counter(rest))
    if len(different) < _OFTEN:
        return False
    some = [sketch(text) for text in different[:_COMPARED]]
    likeness = [jaccard(one, other) for at, one in enumerate(some) for other in some[:at]]
    return float(np.median(likeness)) <= _UNLIKE
