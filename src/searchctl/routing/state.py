"""What a router knows at one moment: examples counted, and how far their answers can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from searchctl.routing.calibration import (
    Calibration,
    Doubles,
    Flags,
    Promise,
    fit_calibration,
    likely_threshold,
    promise,
    set_threshold,
)
from searchctl.routing.examples import Stored, name_text
from searchctl.routing.left_out import left_out
from searchctl.routing.out_of_scope import Outside, learn_outside
from searchctl.routing.threads import one_thread
from searchctl.routing.votes import Floats, Rows, Votes, count_votes
from searchctl.types import Vectors

_TESTED_NAMES = 20  # examples from which on names of labels have to prove themselves
_LEFT_OUT = 3000  # examples that are scored without themselves, so that the cost stays bounded
_LEAST_AGREEMENT = 0.1  # of names with examples, 0 being chance


@dataclass(frozen=True, slots=True)
class Level:
    """How sure left-out answers at one depth of the labels were (n,), and whether they were right (n,)."""

    confidence: Doubles
    right: Flags

    def promise(self, target: float) -> Promise:
        """Return the threshold that keeps this precision, and what it costs."""
        return promise(self.confidence, self.right, target)


@dataclass(frozen=True, slots=True)
class Trust:
    """What the left-out answers taught. `levels` go from whole labels up.

    `rows` (n,) are the examples that were left out in turn: those of whose label something remains. `left_out` (n, labels) are
    the probabilities they got, `members` (n, labels) whose they are.
    `usual` is the probability from which a label is given where a text may have several and nothing else was asked for.
    """

    calibration: Calibration
    levels: tuple[Level, ...]
    rows: Rows
    left_out: Doubles
    members: Floats
    outside: Outside
    usual: float

    def set_threshold(self, coverage: float) -> float:
        """Return the probability from which a label enters a set that is to hold the true one this often."""
        return set_threshold(self.left_out, self.members, coverage)


@dataclass(frozen=True, slots=True)
class State:
    """Examples in the order of the votes' rows, labels in that of its columns, and texts that have no label.

    `described` says of each label what stands for it: "name", "description" or "" for nothing; `words` are that text, or else
    the label itself.
    """

    examples: tuple[Stored, ...]
    labels: tuple[str, ...]
    described: tuple[str, ...]
    words: tuple[str, ...]
    outside: Vectors
    votes: Votes
    several: bool

    @property
    def members(self) -> Floats:
        """Whose the examples are: (n, labels) of 0 and 1."""
        return self.votes.members


@one_thread()
def gather(stored: Sequence[Stored], dim: int) -> State:
    """Count what is stored; vectors have `dim` numbers."""
    examples = tuple(one for one in stored if one.kind == "example" and one.labels)
    labels = tuple(dict.fromkeys(label for one in stored for label in one.labels))
    members = members_of([one.labels for one in examples], labels)
    vectors = stacked([one.vector for one in examples], dim)
    names, described, words = _names(stored, labels, dim)
    votes = count_votes(vectors, members, names)
    given = np.array([kind == "description" for kind in described], bool)
    if not _names_help(votes, given):
        names[~given] = 0
        votes = count_votes(vectors, members, names)
    outside = stacked([one.vector for one in stored if one.kind == "outside"], dim)
    return State(examples, labels, described, words, outside, votes, bool((members.sum(axis=1) > 1).any()))


def members_of(labels_of: Sequence[Sequence[str]], labels: Sequence[str]) -> Floats:
    """Return whose texts are, given the labels of each: (n, labels) of 0 and 1."""
    place = {label: at for at, label in enumerate(labels)}
    members = np.zeros((len(labels_of), len(labels)), np.float32)
    for row, own in enumerate(labels_of):
        members[row, [place[label] for label in own]] = 1
    return members


def stacked(vectors: Sequence[Vectors], dim: int) -> Vectors:
    """Return vectors (dim,) as rows; none gives (0, dim)."""
    return np.asarray(np.stack(vectors), np.float32) if vectors else np.zeros((0, dim), np.float32)


def _names(
    stored: Sequence[Stored], labels: tuple[str, ...], dim: int
) -> tuple[Vectors, tuple[str, ...], tuple[str, ...]]:
    names, described = np.zeros((len(labels), dim), np.float32), [""] * len(labels)
    words = [name_text(label) for label in labels]
    for one in stored:
        if one.kind in ("name", "description") and len(one.labels) == 1:
            at = labels.index(one.labels[0])
            names[at], described[at], words[at] = one.vector, one.kind, one.text
    return names, tuple(described), tuple(words)


def _names_help(votes: Votes, given: Flags) -> bool:
    """Tell whether the names of labels say what they mean, as far as examples show; codes like `c17` don't."""
    named = np.flatnonzero((np.abs(votes.names).sum(axis=1) > 0) & ~given)
    own = votes.members[:, named]
    seen = np.flatnonzero(own.sum(axis=1) > 0)
    if len(named) < 2 or len(seen) < _TESTED_NAMES:
        return True
    chosen = (votes.rows[seen] @ votes.names[named].T).argmax(axis=1)
    agreement = float((own[seen, chosen] > 0).mean())
    chance = float(own[seen].sum(axis=1).mean()) / len(named)
    return (agreement - chance) / max(1 - chance, 1e-9) >= _LEAST_AGREEMENT


@one_thread()
def learn_trust(state: State, *, seed: int = 0) -> Trust:
    """Score examples without themselves, `_LEFT_OUT` at most, and learn from that how far answers can be trusted."""
    votes, members = state.votes, state.members
    named = np.abs(votes.names).sum(axis=1) > 0
    able = np.flatnonzero((members * (members.sum(axis=0) + named > 1)).sum(axis=1) > 0)
    rows = np.sort(np.random.default_rng(seed).permutation(able)[:_LEFT_OUT])
    shape = (0, len(state.labels))
    scores, middles = left_out(votes, rows) if len(rows) else (np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    own = members[rows]
    calibration = fit_calibration(scores, own, several=state.several)
    probabilities = calibration.probabilities(scores) if scores.size else np.zeros(shape)
    levels = _levels(probabilities, own, state)
    usual = likely_threshold(probabilities, own) if state.several else 0.5
    outside = learn_outside(votes, rows, middles, state.outside)
    return Trust(calibration, levels, rows, probabilities, own, outside, usual)


def _levels(probabilities: Doubles, members: Floats, state: State) -> tuple[Level, ...]:
    if not len(probabilities):
        return (Level(np.zeros(0), np.zeros(0, bool)),)
    if state.several:
        return (Level(probabilities.ravel(), members.ravel() > 0),)
    found = []
    for depth in depths(state.labels):
        groups, _ = grouped(state.labels, depth)
        summed = probabilities @ groups
        best = summed.argmax(axis=1)
        found.append(Level(summed.max(axis=1), (members @ groups)[np.arange(len(best)), best] > 0))
    return tuple(found)


def depths(labels: Sequence[str]) -> list[int | None]:
    """Return the depths at which labels can be read: None for whole, then from the deepest prefix up to one part."""
    deepest = max((label.count("/") for label in labels), default=0)
    return [None, *range(deepest, 0, -1)]


def grouped(labels: Sequence[str], depth: int | None) -> tuple[Doubles, list[str]]:
    """Return which labels fall together when only `depth` parts are read: (labels, groups) of 0 and 1, and the groups' names."""
    short = ["/".join(label.split("/")[:depth]) for label in labels]
    names = list(dict.fromkeys(short))
    groups = np.zeros((len(labels), len(names)))
    groups[np.arange(len(labels)), [names.index(one) for one in short]] = 1
    return groups, names
