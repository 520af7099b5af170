"""What the segments of the vector leg hold, searched as one: candidates by codes, then compared by the vectors themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.embedded.quantiser import Codes, Quantiser
from searchctl.engines.embedded.rows import RowSet, different, first_of_each
from searchctl.engines.embedded.segments import Segment, SegmentNotes
from searchctl.engines.embedded.store import Store
from searchctl.types import Vectors

_CANDIDATES = 1000  # of codes, whose vectors are compared
_FIRST = 300  # of these are compared at once; the others where they may be among the best
_SPREAD = 3.0  # standard deviations of the codes' error that a candidate is given


class NearestPassages(NamedTuple):
    """The best passage of each of the nearest documents, best first: document rows, cosines, passage ordinals."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    ordinals: NDArray[np.int32]


NOTHING = NearestPassages(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int32))


@dataclass(frozen=True, slots=True)
class SearchableSegment:
    """One segment, ready to be searched."""

    notes: SegmentNotes
    codes: Codes
    segment: Segment

    @classmethod
    def of(cls, notes: SegmentNotes, quantiser: Quantiser, segment: Segment) -> SearchableSegment:
        """Return a segment as it was read."""
        return cls(notes, quantiser.codes(segment.codes), segment)


class Allowed(NamedTuple):
    """Which positions may be returned: for each part its bits, the lowest first, and the number of all."""

    bits: list[NDArray[np.uint8]] | None  # None: all
    total: int


class Sealed:
    """Segments as one: each position has a passage, a document row and an ordinal, (n,)."""

    def __init__(self, quantiser: Quantiser, parts: Sequence[SearchableSegment]) -> None:
        self.quantiser = quantiser
        self.parts = tuple(parts)
        self.starts = np.cumsum([0, *(part.notes.rows for part in parts)])
        self.passages = np.concatenate([part.segment.passages for part in parts])
        self.documents = np.concatenate([part.segment.documents for part in parts])
        self.ordinals = np.concatenate([part.segment.ordinals for part in parts])

    def __len__(self) -> int:
        return len(self.passages)

    @cached_property
    def _passages_per_document(self) -> float:
        return len(self) / max(1, int(np.count_nonzero(np.diff(self.documents))) + 1)

    def allowed(self, alive: NDArray[np.bool_] | None, rows: RowSet | None) -> Allowed:
        """Return the positions of documents that are alive (n,) and among `rows`; None: all."""
        if alive is None and rows is None:
            return Allowed(None, len(self))
        mask = rows.holds(self.documents) if rows is not None else np.ones(len(self), np.bool_)
        if alive is not None:
            mask &= alive
        pieces = np.split(mask, self.starts[1:-1])
        return Allowed([np.packbits(piece, bitorder="little") for piece in pieces], int(np.count_nonzero(mask)))

    def search(self, store: Store, queries: Vectors, k: int, allowed: Allowed) -> list[NearestPassages]:
        """Return for each query (n, dim) the `k` nearest documents."""
        if not allowed.total:
            return [NOTHING] * len(queries)
        want = int(max(_CANDIDATES, 4 * k) * self._passages_per_document)
        while True:
            want = min(want, allowed.total)
            positions, rough = self._candidates(queries, want, allowed.bits)
            nearest = self._compared(store, queries, positions, rough, k)
            if want >= allowed.total or all(len(answer.rows) >= k for answer in nearest):
                return nearest
            want *= 4

    def _candidates(
        self, queries: Vectors, want: int, bits: list[NDArray[np.uint8]] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return for each query the positions with the best codes and about their cosines, (n, want), best first.

        A part is asked for its share of them and a few more, and for all where these may not have been enough.
        """
        sizes = np.diff(self.starts)
        wants = np.minimum(np.minimum(want, sizes), 64 + 2 * want * sizes // len(self))
        answers = [self._of_part(number, queries, int(wants[number]), bits) for number in range(len(self.parts))]
        while True:
            positions = np.concatenate([answer[0] for answer in answers], axis=1)
            scores = np.concatenate([answer[1] for answer in answers], axis=1)
            order = np.argsort(-scores, axis=1, kind="stable")[:, :want]
            least = np.take_along_axis(scores, order[:, -1:], axis=1)
            short = [
                number
                for number, (_, scores) in enumerate(answers)
                if wants[number] < min(want, sizes[number]) and (scores[:, -1:] >= least).any()
            ]
            if not short:
                return np.take_along_axis(positions, order, axis=1), np.take_along_axis(scores, order, axis=1)
            for number in short:
                wants[number] = min(want, sizes[number])
                answers[number] = self._of_part(number, queries, int(wants[number]), bits)

    def _of_part(
        self, number: int, queries: Vectors, want: int, bits: list[NDArray[np.uint8]] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        positions, scores = self.parts[number].codes.nearest(queries, want, None if bits is None else bits[number])
        missing = positions < 0
        return np.where(missing, -1, positions + self.starts[number]), np.where(missing, -np.inf, scores)

    def _compared(
        self, store: Store, queries: Vectors, positions: NDArray[np.int64], rough: NDArray[np.float32], k: int
    ) -> list[NearestPassages]:
        """Compare candidates (n, c) by the vectors themselves: the first ones, then those that the codes' error may hide."""
        first = max(_FIRST, 3 * k)
        exact = self._exact(store, queries, positions[:, :first])
        rest = positions[:, first:].copy()
        for row in range(len(queries)):
            known = np.isfinite(exact[row])
            error = exact[row][known] - rough[row, :first][known]
            worst = self._best(positions[row, :first][known], exact[row][known], k).scores
            if len(worst) == k:
                rest[row, rough[row, first:] + error.mean() + _SPREAD * error.std() < worst[-1]] = -1
        if (rest >= 0).any():
            exact = np.concatenate([exact, self._exact(store, queries, rest)], axis=1)
        nearest = []
        for row in range(len(queries)):
            known = np.isfinite(exact[row])
            nearest.append(self._best(positions[row, : exact.shape[1]][known], exact[row][known], k))
        return nearest

    def _best(self, positions: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> NearestPassages:
        return best_documents(self.documents[positions], scores, self.ordinals[positions], k, len(positions))

    def _exact(self, store: Store, queries: Vectors, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the cosines (n, c) of queries with the vectors at positions (n, c), minus infinity where there is none."""
        held = store.passages_of(self.passages[different(positions[positions >= 0])])
        scores = np.full(positions.shape, -np.inf, np.float32)
        if not len(held.passages):
            return scores
        for row, own_positions in enumerate(positions):
            wanted = self.passages[own_positions]  # of -1 any
            slots = np.minimum(np.searchsorted(held.passages, wanted), len(held.passages) - 1)
            there = (held.passages[slots] == wanted) & (own_positions >= 0)
            scores[row, there] = held.vectors[slots[there]] @ queries[row]  # too small for BLAS to use threads
        return scores


def best_documents(
    documents: NDArray[np.int64], scores: NDArray[np.float32], ordinals: NDArray[np.int32], k: int, allowed: int
) -> NearestPassages:
    """Keep each document's best passage, and the `k` best documents; `allowed` of the scores (n,) aren't minus infinity."""
    take = min(2 * k + 16, allowed)
    while True:
        top = np.argpartition(-scores, take - 1)[:take] if 0 < take < len(scores) else np.arange(len(scores))
        top = top[np.argsort(-scores[top], kind="stable")][:take]
        first = first_of_each(documents[top])
        if len(first) >= k or take >= allowed:
            top = top[first[:k]]
            return NearestPassages(documents[top], np.clip(scores[top].astype(np.float64), -1.0, 1.0), ordinals[top])
        take = min(2 * take, allowed)


def merged(answers: Sequence[NearestPassages], k: int) -> NearestPassages:
    """Return the `k` best of several answers; a document may be in more than one, with different passages."""
    answers = [answer for answer in answers if len(answer.rows)] or [NOTHING]
    if len(answers) == 1:
        return answers[0]
    rows = np.concatenate([answer.rows for answer in answers])
    scores = np.concatenate([answer.scores for answer in answers])
    ordinals = np.concatenate([answer.ordinals for answer in answers])
    order = np.argsort(-scores, kind="stable")
    kept = order[first_of_each(rows[order])[:k]]
    return NearestPassages(rows[kept], scores[kept], ordinals[kept])
