"""What cosines unrelated texts of an index have: measured while loading, stored in the stamp, used by fusion.

A query's cosines with unrelated passages lie around its product with the passages' mean, the centre. So the reference fits each
query, also one in another language, which lies farther from everything (benchmarks/results.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from searchctl.schema import Background
from searchctl.types import Entry, Vectors

FEWEST_DOCUMENTS = 20  # with fewer, the centre would be the very document that is looked for
_PAIRED = 200  # documents of a batch whose pairs are looked at
_DECIMALS = 5


class BackgroundMeter:
    """Sums over vectors as they pass: the centre of all, and the spread of pairs from different documents."""

    def __init__(self) -> None:
        self.documents = 0
        self.passages = 0
        self._sum: Vectors | None = None
        self._squares = 0.0
        self._pairs = 0

    def add(self, entries: Sequence[Entry]) -> None:
        """Take in entries with their vectors; those without are passed over."""
        held = [entry.vectors for entry in entries if entry.vectors is not None and len(entry.vectors)]
        if not held:
            return
        total = np.concatenate(held).sum(axis=0, dtype=np.float64)
        self._sum = total if self._sum is None else self._sum + total
        self.documents += len(held)
        self.passages += sum(map(len, held))
        first = np.stack([vectors[0] for vectors in held[:_PAIRED]]).astype(np.float64)
        spread = (first - self._sum / self.passages) @ first.T
        np.fill_diagonal(spread, 0.0)
        self._squares += float((spread**2).sum())
        self._pairs += len(first) * (len(first) - 1)

    def result(self) -> Background | None:
        """Return the background of all that was taken in; None after too few documents."""
        if self._sum is None or self.documents < FEWEST_DOCUMENTS:
            return None
        centre = self._sum / self.passages
        return Background(
            mean=round(float(centre @ centre), _DECIMALS),
            std=round(float(np.sqrt(self._squares / max(self._pairs, 1))), _DECIMALS),
            centre=tuple(np.round(centre, _DECIMALS).tolist()),
            passages=self.passages,
        )


def choose_background(
    old: Background | None, meter: BackgroundMeter, passages: int, stored: Iterable[Sequence[Entry]]
) -> Background | None:
    """Return the background of an index that now holds `passages`, after a load that `meter` saw.

    A load that brought the whole index describes it; an old measurement serves until the index has doubled; else `stored`,
    all entries with vectors, are measured, so that a load in pieces ends like one that wasn't broken.
    """
    if meter.passages >= passages:
        return meter.result()
    if old is not None and 2 * old.passages >= passages:
        return old
    anew = BackgroundMeter()
    for entries in stored:
        anew.add(entries)
    return anew.result()
