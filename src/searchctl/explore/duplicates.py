"""What stands in a collection twice: the same text, nearly the same wording, or the same thing in other words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from searchctl.background import FEWEST_DOCUMENTS
from searchctl.errors import UsageError
from searchctl.explore.languages import aligned
from searchctl.explore.minhash import Pair, near_pairs, normalised, sketch
from searchctl.explore.neighbours import nearest
from searchctl.types import Vectors

Reason: TypeAlias = Literal["exact", "near", "semantic"]
REASONS: tuple[Reason, ...] = get_args(Reason)
Stage: TypeAlias = Callable[[str], None]

NEAR = 0.7  # of the shingles
_SPREADS = 3.0
_CLOSEST = 0.05  # of the way to unrelated texts: nearer than this is the same, whatever the others are like
_NEIGHBOURS = 10
_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class DuplicateSettings:
    """Which kinds are looked for, and from which likeness on.

    `near` in (0, 1] is the share of wording in common; `semantic` in (-1, 1] the cosine after what all texts share is taken
    away, None to choose it by the collection.
    """

    reasons: tuple[Reason, ...] = REASONS
    near: float = NEAR
    semantic: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.near <= 1:
            raise UsageError(f"texts can't share {self.near} of their wording; give a number above 0, at most 1")
        if self.semantic is not None and not -1 < self.semantic <= 1:
            raise UsageError(f"{self.semantic} is no cosine; give a number between -1 and 1")


@dataclass(frozen=True, slots=True)
class Group:
    """Texts that say the same.

    `members` are rows in order; the first is the one to keep. `reasons[i]` is how member i is tied to the group (for the
    first: how the second is), `similarities[i]` how like the text it was tied to it is, in [0, 1]. `reason` is the weakest tie.
    """

    members: tuple[int, ...]
    reasons: tuple[Reason, ...]
    similarities: tuple[float, ...]

    @property
    def reason(self) -> Reason:
        """The weakest of the ties: what a reader has to check for."""
        return max(self.reasons, key=REASONS.index)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups, the largest first. `threshold` is the cosine that counted as the same meaning, None where none was judged."""

    groups: tuple[Group, ...]
    threshold: float | None

    @property
    def spare(self) -> int:
        """How many texts could go without loss."""
        return sum(len(group.members) - 1 for group in self.groups)


def duplicates(
    texts: Sequence[str],
    vectors: Vectors,
    settings: DuplicateSettings | None = None,
    on_stage: Stage | None = None,
) -> Duplicates:
    """Return groups of texts which say the same; `vectors` (n, dim) have rows of length 1.

    Each step looks only at one text of each group that the steps before it found. Meaning isn't judged among fewer than 20
    different texts, unless `semantic` says from where on.
    """
    settings = settings or DuplicateSettings()
    tell = on_stage or (lambda _: None)
    forest = _Forest(len(texts))
    plain = [normalised(text) for text in texts]
    if "exact" in settings.reasons:
        forest.join("exact", _equal(plain))
    if "near" in settings.reasons:
        tell("comparing wording")
        rows = forest.roots()
        found = near_pairs([sketch(plain[row]) for row in rows], settings.near)
        forest.join("near", (Pair(rows[one], rows[other], similarity) for one, other, similarity in found))
    threshold = settings.semantic
    if "semantic" in settings.reasons:
        tell("comparing meaning")
        rows = forest.roots()
        space = aligned([texts[row] for row in rows], np.ascontiguousarray(vectors[rows]))
        threshold, pairs = _same_meaning(space, settings)
        forest.join("semantic", (Pair(rows[one], rows[other], similarity) for one, other, similarity in pairs))
    return Duplicates(forest.groups(), threshold)


def _equal(plain: Sequence[str]) -> Iterable[Pair]:
    first: dict[str, int] = {}
    for row, text in enumerate(plain):
        if text and first.setdefault(text, row) != row:
            yield Pair(first[text], row, 1.0)


def _same_meaning(space: Vectors, settings: DuplicateSettings) -> tuple[float | None, list[Pair]]:
    few = len(space) < FEWEST_DOCUMENTS
    if len(space) < 2 or (few and settings.semantic is None):
        return settings.semantic, []
    found = nearest(space, min(_NEIGHBOURS, len(space) - 1))
    threshold = settings.semantic
    if threshold is None:
        threshold = chance_threshold(space, found.similarities[:, 0], settings.seed)
    close = np.argwhere(found.similarities >= threshold)
    return threshold, [
        Pair(row, int(found.rows[row, place]), float(found.similarities[row, place])) for row, place in close.tolist()
    ]


def chance_threshold(space: Vectors, closest: NDArray[np.float32], seed: int) -> float:
    """Return the cosine from which two texts of `space` (n, dim) are hardly so alike by chance.

    `closest` (n,) are cosines with the nearest neighbour. It's the higher of two bounds, and at most 0.95 of the way from
    unrelated to equal: random pairs, taken as normal, exceed the first once in all n (n - 1) / 2; the second is the median of
    `closest` plus three times its spread below the median, since neighbours are mostly related, not the same.
    """
    n = len(space)
    random = np.random.default_rng(seed)
    one, other = random.integers(0, n, _PAIRS), random.integers(0, n, _PAIRS)
    cosines = np.concatenate(
        [np.einsum("ij,ij->i", space[a], space[b]) for a, b in _blocks(one[one != other], other[one != other])]
    )
    mean, std = float(cosines.mean()), float(cosines.std())
    once = mean + NormalDist().inv_cdf(1 - 2 / (n * (n - 1))) * std
    median = float(np.median(closest))
    spread = 1.4826 * float(
        np.median(median - closest[closest <= median])
    )  # 1.4826: of a normal, its standard deviation
    return min(max(once, median + _SPREADS * spread), 1 - _CLOSEST * (1 - mean))


def _blocks(
    one: NDArray[np.int64], other: NDArray[np.int64], size: int = 10_000
) -> Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    return ((one[start : start + size], other[start : start + size]) for start in range(0, len(one), size))


class _Forest:
    """Rows joined into groups; each row remembers by what it was first tied. The first row of a group is its root."""

    def __init__(self, rows: int) -> None:
        self._parents = list(range(rows))
        self._ties: dict[int, tuple[Reason, float]] = {}

    def join(self, reason: Reason, pairs: Iterable[Pair]) -> None:
        """Join rows, the most alike first."""
        for one, other, similarity in sorted(pairs, key=lambda pair: (-pair.similarity, pair.one, pair.other)):
            first, second = sorted((self._root(one), self._root(other)))
            if first != second:
                self._parents[second] = first
                self._ties[second] = (reason, round(min(similarity, 1.0), 4))

    def _root(self, row: int) -> int:
        while self._parents[row] != row:
            self._parents[row] = self._parents[self._parents[row]]
            row = self._parents[row]
        return row

    def roots(self) -> list[int]:
        """Return one row of each group, in order."""
        return [row for row, parent in enumerate(self._parents) if row == parent]

    def groups(self) -> tuple[Group, ...]:
        """Return the groups of two and more, the largest first."""
        members: defaultdict[int, list[int]] = defaultdict(list)
        for row in range(len(self._parents)):
            members[self._root(row)].append(row)
        groups = [self._group(rows) for rows in members.values() if len(rows) > 1]
        return tuple(sorted(groups, key=lambda group: (-len(group.members), group.members)))

    def _group(self, rows: list[int]) -> Group:
        ties = [self._ties[row] for row in rows[1:]]
        ties.insert(0, ties[0])
        return Group(tuple(rows), tuple(reason for reason, _ in ties), tuple(value for _, value in ties))
