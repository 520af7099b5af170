"""The vector leg of an embedded index: codes of most vectors in segments, and the newest compared one by one.

Derived from the store, which alone keeps the vectors. Segments are scanned for candidates, whose vectors are then read from
the store and compared exactly. What no segment covers yet, the tail, is held in memory, up to a bound: an answer says how
many passages it hasn't seen.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.embedded.quantiser import Quantiser
from searchctl.engines.embedded.rows import RowSet, different
from searchctl.engines.embedded.sealed import (
    NOTHING,
    Allowed,
    NearestPassages,
    Sealed,
    SearchableSegment,
    best_documents,
    merged,
)
from searchctl.engines.embedded.segments import Segment, SegmentFolder, SegmentNotes, VectorNotes
from searchctl.engines.embedded.store import PassageVectors, Store
from searchctl.engines.threads import one_thread
from searchctl.types import Vector, Vectors

EXACT_ROWS = 20_000  # up to here comparing all vectors is as quick as codes, and exact
SEGMENT_ROWS = 262_144
_TAIL_ROWS = 2 * EXACT_ROWS  # the most that is held in memory
_BATCH = 4096
_QUERIES_AT_ONCE = 32
_JOINED = 8  # small segments become one
_RETRAIN = 8  # times as many vectors as the quantiser was trained for: it's trained anew
_GARBAGE = 0.3  # share of removed rows at which segments are made anew

Progress = Callable[[int, int], None]


_EMPTY = PassageVectors(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros((0, 0), np.float32)
)


class VectorIndex:
    """Vectors of all passages, by row of their document."""

    def __init__(self, path: Path, dim: int) -> None:
        self._folder = SegmentFolder(path, dim)
        self._mutex = threading.RLock()  # of what the fields below say together
        self._dim = dim
        self._version: tuple[int, ...] | None = None
        self._broken: tuple[int, ...] | None = None  # the version of the notes whose files are damaged
        self._notes = VectorNotes(dim)
        self._sealed: Sealed | None = None  # read when it's first searched
        self._tail = _EMPTY
        self._unseen = 0
        self._dead: NDArray[np.int64] = np.zeros(0, np.int64)  # rows of removed documents, ascending
        self._removals = -1  # how many removals that was made of
        self._alive: tuple[Any, NDArray[np.bool_] | None, Allowed] | None = None

    def __len__(self) -> int:
        return self._notes.rows + len(self._tail.passages)

    # Following the store

    def refresh(self, store: Store) -> None:
        """See what the store has gained and lost, without writing anything."""
        with self._mutex:
            version = self._folder.version()
            if version not in (self._version, self._broken):
                self._use(self._folder.notes(), version)
            self._tail = self._followed_tail(store)
            last = self._last
            self._unseen = store.watermark().passage - last if store.has_passages_after(last) else 0
            dead = store.tombstones_after(self._notes.tombstone)
            if len(dead) != self._removals:
                self._dead, self._removals = different(np.array(dead, np.int64)), len(dead)

    def discard(self, store: Store) -> bool:
        """Use no file any more until they are made anew; False when another process has done that already."""
        with self._mutex:
            renewed = self._folder.version() != self._version
            if not renewed:
                self._broken = self._version
                self._use(VectorNotes(self._dim), ())
            self.refresh(store)
            return not renewed

    def _use(self, notes: VectorNotes, version: tuple[int, ...]) -> None:
        grown = notes.quantiser == self._notes.quantiser
        if not grown or notes.covered < self._notes.covered:
            self._sealed, self._tail = None, _EMPTY
        self._notes, self._version, self._removals = notes, version, -1
        if version:
            self._broken = None

    @property
    def _last(self) -> int:
        """The last passage seen."""
        return int(self._tail.passages[-1]) if len(self._tail.passages) else self._notes.covered

    def _followed_tail(self, store: Store) -> PassageVectors:
        tail, last = _beyond(self._tail, self._notes.covered), self._last
        parts, room = [tail], _TAIL_ROWS - len(tail.passages)
        while room > 0 and len((more := store.passages_after(last, min(_BATCH, room))).passages):
            parts.append(more)
            last, room = int(more.passages[-1]), room - len(more.passages)
        return tail if len(parts) == 1 else _joined(parts)

    @property
    def unseen(self) -> int:
        """How many passages are neither in segments nor in memory, or a few more: they came since the last catching up."""
        return self._unseen

    @property
    def lag(self) -> int:
        """How many passages wait for `catch_up`."""
        waiting = len(self._tail.passages) + self._unseen
        return waiting if waiting > EXACT_ROWS or self._broken else 0

    def catch_up(self, store: Store, progress: Progress | None = None) -> None:
        """Put what is in no segment into one, when it's much. The caller holds the writer's lock."""
        self.refresh(store)
        if self._broken or (not self._notes.segments and self._folder.holds_others()):
            self._save(VectorNotes(self._dim))  # damaged, or of another format
            self.refresh(store)
        if self._is_worn(store):
            self.rebuild(store, progress)
        elif self.lag:
            self._seal(store, self._notes, progress)
            self.refresh(store)

    def _is_worn(self, store: Store) -> bool:
        """Tell whether the segments should be made anew: for much garbage, for an old quantiser, or since the store was replaced."""
        notes, mark = self._notes, store.watermark()
        if not notes.segments:
            return False
        if notes.covered > mark.passage or notes.tombstone > mark.tombstone:
            return True
        if len(self) + self._unseen > _RETRAIN * max(notes.trained, EXACT_ROWS):
            return True
        alive = store.count()[1] - len(self._tail.passages) - self._unseen
        return self._removals > 0 and notes.rows - alive > _GARBAGE * notes.rows

    def rebuild(self, store: Store, progress: Progress | None = None) -> None:
        """Make all segments anew. What there is answers meanwhile; the caller holds the writer's lock."""
        fresh = VectorNotes(self._dim, self._notes.number, tombstone=store.watermark().tombstone)
        if store.count()[1] > EXACT_ROWS:
            self._seal(store, fresh, progress)
        elif self._folder.version() or self._folder.holds_others():
            self._save(fresh)
        self.refresh(store)

    def _seal(self, store: Store, notes: VectorNotes, progress: Progress | None) -> None:
        """Write segments of what is beyond those in `notes`. The notes name each when it's whole, so a kill loses little.

        A new start takes the place of what there was only when all of it is written.
        """
        anew = bool(self._notes.segments) and not notes.segments
        total = max(1, store.watermark().passage - notes.covered)
        started = notes.covered
        if not notes.quantiser:
            quantiser = Quantiser.trained(store.sampled_vectors(EXACT_ROWS))
            trained = store.count()[1]
            notes = replace(notes, quantiser=f"{os.urandom(4).hex()}.quantiser", trained=trained)
            self._folder.write_quantiser(notes.quantiser, quantiser)
        else:
            quantiser = self._folder.read_quantiser(notes)

        def working(rows: int) -> None:
            if progress is not None:
                progress(notes.covered - started + rows, total)

        while segment := _segment(store, quantiser, notes.covered, working):
            name = f"{notes.number}.segment"
            self._folder.write_segment(name, segment)
            made = SegmentNotes(name, len(segment.passages), int(segment.passages[0]), int(segment.passages[-1]))
            notes = replace(notes, number=notes.number + 1, segments=(*notes.segments, made))
            if not anew:
                self._save(notes)
        if anew:
            self._save(notes)
        self._join_small(store, quantiser, working)

    def _join_small(self, store: Store, quantiser: Quantiser, working: Callable[[int], None]) -> None:
        """Make one segment of the last ones when they are many and small: each costs a search some time."""
        notes = self._notes
        small = notes.segments[-_JOINED:]
        if len(small) < _JOINED or max(segment.rows for segment in small) > SEGMENT_ROWS // 2:
            return
        kept = notes.segments[:-_JOINED]
        start = kept[-1].last if kept else 0
        segment = _segment(store, quantiser, start, working, until=notes.covered)
        if segment is not None:
            name = f"{notes.number}.segment"
            self._folder.write_segment(name, segment)
            made = SegmentNotes(name, len(segment.passages), int(segment.passages[0]), notes.covered)
            self._save(replace(notes, number=notes.number + 1, segments=(*kept, made)))

    def _save(self, notes: VectorNotes) -> None:
        self._folder.save(notes)
        with self._mutex:
            self._use(notes, self._folder.version())

    def check(self) -> None:
        """Read all files; raises DamagedPart."""
        self._folder.check()

    # Searching

    def search(self, store: Store, queries: Sequence[Vector], k: int, rows: RowSet | None) -> list[NearestPassages]:
        """Return for each query the `k` documents nearest to it among `rows` (None: all). Raises DamagedPart."""
        best: list[NearestPassages] = []
        with self._mutex:
            for start in range(0, len(queries), _QUERIES_AT_ONCE):
                matrix = np.stack(queries[start : start + _QUERIES_AT_ONCE]).astype(np.float32)
                parts = [self._in_tail(matrix, k, rows)]
                if self._notes.segments:
                    parts.append(self._in_segments(store, matrix, k, rows))
                best += [merged(answers, k) for answers in zip(*parts, strict=True)]
        return best

    def _in_tail(self, matrix: Vectors, k: int, rows: RowSet | None) -> list[NearestPassages]:
        tail = self._tail
        if not len(tail.passages):
            return [NOTHING] * len(matrix)
        allowed = ~_among(tail.documents, self._dead)
        if rows is not None:
            allowed &= rows.holds(tail.documents)
        count = int(np.count_nonzero(allowed))
        if count < len(allowed) // 2:
            tail, allowed = _taken(tail, np.flatnonzero(allowed)), allowed[:0]
        with one_thread():
            scores = matrix @ tail.vectors.T
        if count < len(allowed):
            scores[:, ~allowed] = -np.inf
        return [best_documents(tail.documents, row, tail.ordinals, k, count) for row in scores]

    def _in_segments(self, store: Store, matrix: Vectors, k: int, rows: RowSet | None) -> list[NearestPassages]:
        sealed = self._read()
        return sealed.search(store, matrix, k, self._allowed(sealed, rows))

    def _allowed(self, sealed: Sealed, rows: RowSet | None) -> Allowed:
        state = (sealed, self._removals)
        if self._alive is None or self._alive[0] != state:
            dead = _among(sealed.documents, self._dead)
            alive = ~dead if dead.any() else None
            self._alive = (state, alive, sealed.allowed(alive, None))
        if rows is None:
            return self._alive[2]
        if rows.kept is None or rows.kept[0] != state:
            rows.kept = (state, sealed.allowed(self._alive[1], rows))
        return cast(Allowed, rows.kept[1])

    def _read(self) -> Sealed:
        """Read the segments, those that weren't read yet; raises DamagedPart."""
        notes, sealed = self._notes, self._sealed
        if sealed is None or tuple(part.notes for part in sealed.parts) != notes.segments:
            known = {part.notes: part for part in sealed.parts} if sealed is not None else {}
            quantiser = sealed.quantiser if sealed is not None else self._folder.read_quantiser(notes)
            parts = [
                known.get(segment) or SearchableSegment.of(segment, quantiser, self._folder.read_segment(segment))
                for segment in notes.segments
            ]
            sealed = self._sealed = Sealed(quantiser, parts)
        return sealed


def _segment(
    store: Store, quantiser: Quantiser, covered: int, working: Callable[[int], None], until: int | None = None
) -> Segment | None:
    """Return the next passages beyond `covered`, all that there are up to `until`, as a segment; None when there are none."""
    numbers: list[PassageVectors] = []

    def batches() -> Iterator[Vectors]:
        last, rows = covered, 0
        while (until is not None or rows < SEGMENT_ROWS) and len((more := store.passages_after(last, _BATCH)).passages):
            if until is not None and more.passages[-1] > until:
                more = _taken(more, slice(None, int(np.searchsorted(more.passages, until, side="right"))))
                if not len(more.passages):
                    return
            last, rows = int(more.passages[-1]), rows + len(more.passages)
            numbers.append(more._replace(vectors=more.vectors[:0]))
            working(rows)
            yield more.vectors

    codes = quantiser.encode(batches())
    if not numbers:
        return None
    rows = _joined(numbers)
    return Segment(codes, rows.passages, rows.documents, rows.ordinals)


def _joined(parts: list[PassageVectors]) -> PassageVectors:
    parts = [part for part in parts if len(part.passages)] or parts[:1]
    return PassageVectors(
        np.concatenate([part.passages for part in parts]),
        np.concatenate([part.documents for part in parts]),
        np.concatenate([part.ordinals for part in parts]),
        np.concatenate([part.vectors for part in parts]),
    )


def _taken(passages: PassageVectors, positions: NDArray[np.int64] | slice) -> PassageVectors:
    return PassageVectors(
        passages.passages[positions],
        passages.documents[positions],
        passages.ordinals[positions],
        passages.vectors[positions],
    )


def _beyond(passages: PassageVectors, passage: int) -> PassageVectors:
    start = int(np.searchsorted(passages.passages, passage, side="right"))
    return _taken(passages, slice(start, None)) if start else passages


def _among(documents: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for each of `documents`, ascending, whether it's among `rows`, ascending."""
    mask = np.zeros(len(documents), np.bool_)
    starts, ends = np.searchsorted(documents, rows, "left"), np.searchsorted(documents, rows, "right")
    for start, end in zip(starts[starts < ends], ends[starts < ends], strict=True):
        mask[start:end] = True
    return mask
