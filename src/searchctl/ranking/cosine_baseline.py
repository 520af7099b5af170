"""What cosines unrelated texts of an index have: measured while loading, stored in the stamp, used by fusion.

A query's cosines with unrelated passages lie around its product with the passages' mean, the centre. So the reference fits each
query, also one in another language, which lies farther from everything (benchmarks/results.md).

In an index of two languages an encoder prefers the query's own: its vectors tell the language as well as the meaning. So
queries leave out the direction in which the two languages' centres differ, after which unrelated passages of both are equally
near. Passages keep their vectors, for only the query's part in that direction enters a product. After Yang et al., "A Simple
and Effective Method to Eliminate the Self Language Bias in Multilingual Representations" (2021), measured in benchmarks/languages.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.unit import unit
from searchctl.schema import Background
from searchctl.text.scripts import is_cyrillic, letter_counts
from searchctl.types import Entry, Vector, Vectors

Floats: TypeAlias = NDArray[np.float64]
FEWEST_DOCUMENTS = 20  # with fewer, the centre would be the very document that is looked for
_PAIRED = 200  # documents of a batch whose pairs are looked at
_DECIMALS = 5
_SOME = 0.05  # share of passages in an alphabet from which on an index can be asked in it


class BackgroundMeter:
    """Sums over vectors as they pass: the centre of all and of each alphabet, and the spread of pairs from different documents."""

    def __init__(self) -> None:
        self._latin = _Centre()
        self._cyrillic = _Centre()
        self._squares = 0.0
        self._pairs = 0

    @property
    def passages(self) -> int:
        """How many passages were taken in."""
        return self._latin.passages + self._cyrillic.passages

    def add(self, entries: Sequence[Entry]) -> None:
        """Take in entries with their vectors; those without are passed over."""
        held = [entry.vectors for entry in entries if entry.vectors is not None and len(entry.vectors)]
        if not held:
            return
        for entry in entries:
            if entry.vectors is not None and len(entry.vectors):
                (self._cyrillic if is_cyrillic(entry.document.text) else self._latin).add(entry.vectors)
        first = np.stack([vectors[0] for vectors in held[:_PAIRED]]).astype(np.float64)
        spread = (first - self._centre()) @ first.T
        np.fill_diagonal(spread, 0.0)
        self._squares += float((spread**2).sum())
        self._pairs += len(first) * (len(first) - 1)

    def result(self) -> Background | None:
        """Return the background of all that was taken in; None after too few documents."""
        if self._latin.documents + self._cyrillic.documents < FEWEST_DOCUMENTS:
            return None
        centre = self._centre()
        return Background(
            mean=round(float(centre @ centre), _DECIMALS),
            std=round(float(np.sqrt(self._squares / max(self._pairs, 1))), _DECIMALS),
            centre=tuple(np.round(centre, _DECIMALS).tolist()),
            passages=self.passages,
            axis=self._axis(),
            cyrillic=round(self._cyrillic.passages / self.passages, _DECIMALS),
        )

    def _centre(self) -> Floats:
        centre: Floats = (self._latin.sum + self._cyrillic.sum) / max(self.passages, 1)
        return centre

    def _axis(self) -> tuple[float, ...]:
        """Return the direction in which the alphabets differ; empty with too few documents of either."""
        if min(self._latin.documents, self._cyrillic.documents) < FEWEST_DOCUMENTS:
            return ()
        apart = self._cyrillic.sum / self._cyrillic.passages - self._latin.sum / self._latin.passages
        return tuple(np.round(unit(apart), _DECIMALS).tolist())


class _Centre:
    """The running sum of some documents' passage vectors."""

    def __init__(self) -> None:
        self.documents = 0
        self.passages = 0
        self.sum: Floats = np.zeros(1)  # broadcasts until the vectors' length is known

    def add(self, vectors: Vectors) -> None:
        self.documents += 1
        self.passages += len(vectors)
        self.sum = self.sum + vectors.sum(axis=0, dtype=np.float64)


def baseline_of(vectors: Vectors) -> Background | None:
    """Return the baseline of vectors (n, dim) of unrelated texts; None of fewer than two."""
    if len(vectors) < 2:
        return None
    rows = vectors.astype(np.float64)
    centre = rows.mean(axis=0)
    products = (rows - centre) @ rows.T
    spread = products[~np.eye(len(rows), dtype=bool)]
    return Background(
        mean=round(float(centre @ centre), _DECIMALS),
        std=round(float(np.sqrt((spread**2).mean())), _DECIMALS),
        centre=tuple(np.round(centre, _DECIMALS).tolist()),
    )


def without_language(vector: Vector, background: Background | None) -> Vector:
    """Return a query's vector (dim,) of length 1, without its part in the direction that tells the index's languages apart."""
    if background is None or len(background.axis) != len(vector):
        return vector
    axis = np.asarray(background.axis, np.float32)
    rest = vector - float(vector @ axis) * axis
    length = float(np.linalg.norm(rest))
    return (rest / length).astype(np.float32) if length > 1e-6 else vector


def foreign_share(text: str, background: Background | None) -> float:
    """Return in [0, 1] the share of a query's letters that are of an alphabet in which the index has next to nothing."""
    if background is None or background.cyrillic is None:
        return 0.0
    cyrillic, latin = letter_counts(text)
    lacks = [max(0.0, 1.0 - share / _SOME) for share in (background.cyrillic, 1.0 - background.cyrillic)]
    return (cyrillic * lacks[0] + latin * lacks[1]) / max(cyrillic + latin, 1)


def choose_background(
    old: Background | None, meter: BackgroundMeter, passages: int, stored: Iterable[Sequence[Entry]]
) -> Background | None:
    """Return the background of an index that now holds `passages`, after a load that `meter` saw.

    A load that brought the whole index describes it; an old measurement serves until the index has doubled; else `stored`,
    all entries with vectors, are measured, so that a load in pieces ends like one that wasn't broken.
    """
    if meter.passages >= passages:
        return meter.result()
    if old is not None and old.cyrillic is not None and 2 * old.passages >= passages:
        return old
    anew = BackgroundMeter()
    for entries in stored:
        anew.add(entries)
    return anew.result()
