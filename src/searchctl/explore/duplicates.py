"""What stands in a collection twice: the same text, nearly the same wording, or the same thing in other words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import UsageError
from searchctl.explore.content import contents
from searchctl.explore.contrasts import differ, signs_of, traits_of
from searchctl.explore.languages import aligned
from searchctl.explore.minhash import Pair, near_pairs, normalised, sketch
from searchctl.explore.neighbours import nearest
from searchctl.ranking.cosine_baseline import FEWEST_DOCUMENTS
from searchctl.translation import _
from searchctl.types import DuplicateReason, Vectors

REASONS: tuple[DuplicateReason, ...] = get_args(DuplicateReason)
Rows: TypeAlias = NDArray[np.int64]
Stage: TypeAlias = Callable[[str], None]
Encode: TypeAlias = Callable[[Sequence[str]], Vectors]

NEAR = 0.7  # of the shingles
_STANDING_OUT = 0.3  # of the way from what's around to equality; chosen on development halves (benchmarks/explore.py)
_CLOSEST = 0.05  # of the way to unrelated texts: nearer than this is the same, whatever is around
_NEIGHBOURS = 10
_AROUND = slice(1, 4)
_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class DuplicateSettings:
    """Which kinds are looked for, and from which likeness on.

    `near` in (0, 1] is the share of wording in common; `semantic` in (-1, 1] the cosine after what all texts share is taken
    away. None leaves it to the collection: the cosine must be one that chance hardly gives, and the two texts must be nearer to
    each other than to what is around them.
    """

    reasons: tuple[DuplicateReason, ...] = REASONS
    near: float = NEAR
    semantic: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.near <= 1:
            raise UsageError(
                _("texts can't share {near} of their wording; give a number above 0, at most 1").format(near=self.near)
            )
        if self.semantic is not None and not -1 < self.semantic <= 1:
            raise UsageError(
                _("{semantic} is no cosine; give a number between -1 and 1").format(semantic=self.semantic)
            )


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Texts that say the same.

    `members` are rows in order; the first is the one to keep. `reasons[i]` is how member i is tied to the group (for the
    first: how the second is), `similarities[i]` how like the text it was tied to it is, in [0, 1]. `reason` is the weakest tie.
    """

    members: tuple[int, ...]
    reasons: tuple[DuplicateReason, ...]
    similarities: tuple[float, ...]

    @property
    def reason(self) -> DuplicateReason:
        """The weakest of the ties: what a reader has to check for."""
        return max(self.reasons, key=REASONS.index)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups, the largest first. `threshold` is the least cosine of the same meaning, None where meaning wasn't judged."""

    groups: tuple[DuplicateGroup, ...]
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
    encode: Encode | None = None,
) -> Duplicates:
    """Return groups of texts which say the same; `vectors` (n, dim) have rows of length 1.

    What stands in many texts that otherwise differ, as a footer does, isn't compared; `encode` gives vectors of what is left,
    without it those of the whole texts serve. Texts whose numbers, negation or directions differ don't say the same. Each step
    looks only at one text of each group that the steps before it found. Meaning isn't judged among fewer than 20 different
    texts, unless `semantic` says from where on.
    """
    settings = settings or DuplicateSettings()
    tell = on_stage or (lambda _ignored: None)
    forest = _Forest(len(texts))
    plain = [normalised(text) for text in texts]
    if "exact" in settings.reasons:
        signed = [f"{one}\n{signs_of(text)}" if one else "" for one, text in zip(plain, texts, strict=True)]
        forest.join("exact", _equal(signed))
    own = contents(texts)
    traits = [traits_of(text) for text in own]
    if "near" in settings.reasons:
        tell("comparing wording")
        rows = forest.roots()
        sketches = [sketch(plain[row] if own[row] is texts[row] else normalised(own[row])) for row in rows]
        pairs = (Pair(rows[a], rows[b], similarity) for a, b, similarity in near_pairs(sketches, settings.near))
        forest.join(
            "near", (pair for pair in pairs if not differ(traits[pair.first], traits[pair.second], wording=True))
        )
    threshold = settings.semantic
    if "semantic" in settings.reasons:
        tell("comparing meaning")
        rows = forest.roots()
        space = aligned([own[row] for row in rows], _own_vectors(texts, own, rows, vectors, encode))
        threshold, alike = _same_meaning(space, settings)
        same = (Pair(rows[a], rows[b], similarity) for a, b, similarity in alike)
        forest.join(
            "semantic", (pair for pair in same if not differ(traits[pair.first], traits[pair.second], wording=False))
        )
    return Duplicates(forest.groups(), threshold)


def _own_vectors(
    texts: Sequence[str], own: Sequence[str], rows: Sequence[int], vectors: Vectors, encode: Encode | None
) -> Vectors:
    """Return the vectors (k, dim) of what these texts (row numbers, k) say by themselves."""
    own_vectors = np.array(vectors[rows], np.float32)
    changed = [place for place, row in enumerate(rows) if own[row] is not texts[row]]
    if changed and encode is not None:
        own_vectors[changed] = encode([own[rows[place]] for place in changed])
    return np.ascontiguousarray(own_vectors)


def _equal(plain: Sequence[str]) -> Iterable[Pair]:
    first: dict[str, int] = {}
    for row, text in enumerate(plain):
        if text and first.setdefault(text, row) != row:
            yield Pair(first[text], row, 1.0)


def _same_meaning(space: Vectors, settings: DuplicateSettings) -> tuple[float | None, list[Pair]]:
    few = len(space) < FEWEST_DOCUMENTS
    if len(space) < 2 or (few and settings.semantic is None):
        return settings.semantic, []
    neighbours = nearest(space, min(_NEIGHBOURS, len(space) - 1))
    if settings.semantic is None:
        rule = _Rule(*by_chance(space, settings.seed), neighbours.similarities[:, _AROUND].mean(axis=1))
    else:
        rule = _Rule(0.0, settings.semantic, None)
    same = rule.same(np.arange(len(space))[:, None], neighbours.rows, neighbours.similarities)
    pairs = [
        Pair(row, int(neighbours.rows[row, rank]), float(neighbours.similarities[row, rank]))
        for row, rank in np.argwhere(same).tolist()
    ]
    return rule.least, list(_all_alike(pairs, space, rule))


class _Rule(NamedTuple):
    """When two texts mean the same: their cosine is at least `least`, and they stand out from what is `around` each (n,).

    That is the mean cosine of a text's second to fourth neighbour, since the first may be its duplicate. The pair must be
    three tenths of the way from there to equality. This is the margin of Artetxe and Schwenk, "Margin-based Parallel Corpus
    Mining" (2019), by which they find translations; a cosine alone can't tell the same from the related, which are nearer in
    some parts of a collection. Where unrelated texts have `mean`, near enough to equality is the same whatever is around.
    """

    mean: float
    least: float
    around: NDArray[np.float32] | None

    def same(self, rows: Rows, others: Rows, cosines: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell it for `rows` with `others` and their `cosines`, arrays that fit together."""
        enough: NDArray[np.bool_] = cosines >= self.least
        if self.around is None:
            return enough
        around = (self.around[rows] + self.around[others]) / 2
        enough = enough & (cosines - around >= _STANDING_OUT * (1 - around))
        return enough | (cosines >= 1 - _CLOSEST * (1 - self.mean))


def _all_alike(pairs: Iterable[Pair], space: Vectors, rule: _Rule) -> Iterator[Pair]:
    """Yield the pairs, the most alike first, that join groups all of whose texts then are alike: complete linkage.

    Otherwise texts that are each like the next would chain the related together.
    """
    groups: dict[int, list[int]] = {}
    for pair in sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second)):
        own, theirs = groups.setdefault(pair.first, [pair.first]), groups.setdefault(pair.second, [pair.second])
        if own is theirs:
            continue
        rows, others = np.array(own)[:, None], np.array(theirs)[None, :]
        if rule.same(rows, others, space[own] @ space[theirs].T).all():
            own += theirs
            groups.update(dict.fromkeys(theirs, own))
            yield pair


def by_chance(space: Vectors, seed: int) -> tuple[float, float]:
    """Return the mean cosine of unrelated texts of `space` (n, dim), and the one which they hardly reach.

    Random pairs, taken as normal, exceed the second once in all n (n - 1) / 2.
    """
    n = len(space)
    random = np.random.default_rng(seed)
    first, other = random.integers(0, n, _PAIRS), random.integers(0, n, _PAIRS)
    cosines = np.concatenate(
        [np.einsum("ij,ij->i", space[a], space[b]) for a, b in _blocks(first[first != other], other[first != other])]
    )
    mean, std = float(cosines.mean()), float(cosines.std())
    return mean, min(mean + NormalDist().inv_cdf(1 - 2 / (n * (n - 1))) * std, 1 - _CLOSEST * (1 - mean))


def _blocks(
    first: NDArray[np.int64], other: NDArray[np.int64], size: int = 10_000
) -> Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    return ((first[start : start + size], other[start : start + size]) for start in range(0, len(first), size))


class _Forest:
    """Rows joined into groups; each row remembers by what it was first tied. The first row of a group is its root."""

    def __init__(self, rows: int) -> None:
        self._parents = list(range(rows))
        self._ties: dict[int, tuple[DuplicateReason, float]] = {}

    def join(self, reason: DuplicateReason, pairs: Iterable[Pair]) -> None:
        """Join rows, the most alike first."""
        for one, other, similarity in sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second)):
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

    def groups(self) -> tuple[DuplicateGroup, ...]:
        """Return the groups of two and more, the largest first."""
        members: defaultdict[int, list[int]] = defaultdict(list)
        for row in range(len(self._parents)):
            members[self._root(row)].append(row)
        groups = [self._group(rows) for rows in members.values() if len(rows) > 1]
        return tuple(sorted(groups, key=lambda group: (-len(group.members), group.members)))

    def _group(self, rows: list[int]) -> DuplicateGroup:
        ties = [self._ties[row] for row in rows[1:]]
        ties.insert(0, ties[0])
        return DuplicateGroup(
            tuple(rows), tuple(reason for reason, _ignored in ties), tuple(value for _ignored, value in ties)
        )
