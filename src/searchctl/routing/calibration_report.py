"""What examples teach when each is answered without itself: how far answers can be trusted, at each depth of the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from searchctl.engines.threads import one_thread
from searchctl.routing.calibration import (
    Doubles,
    Flags,
    Softening,
    fit_softening,
    likely_threshold,
    set_threshold,
)
from searchctl.routing.guarantee import PrecisionGuarantee, guarantee
from searchctl.routing.left_out import left_out
from searchctl.routing.message import message_of
from searchctl.routing.out_of_scope import OutOfScope, learn_out_of_scope
from searchctl.routing.state import State
from searchctl.routing.votes import ComparedTexts, Floats, Rows

# As sure as that, a text belongs to no label. Chosen with the demo's tickets in view, so figures on them aren't held out.
OUTSIDE_LIMIT = 0.92
_LEFT_OUT = 3000  # examples that are scored without themselves, so that the cost stays bounded
_IGNORANCE = 2.0  # answers that say nothing, which the confidence of few examples is mixed with


@dataclass(frozen=True, slots=True)
class Level:
    """How sure left-out answers at one depth of the labels were (n,), and whether they were right (n,).

    `best` (t,) is how sure each text's best label was; where a text has one label, that is `confidence`.
    """

    confidence: Doubles
    right: Flags
    best: Doubles

    def promise(self, target: float) -> PrecisionGuarantee:
        """Return the threshold that keeps this precision, and what it costs."""
        return guarantee(self.confidence, self.right, target, self.best)


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """What the left-out answers taught. `levels` go from whole labels up.

    `rows` (n,) are the examples that were left out in turn: those of whose label something remains. `left_out` (n, labels) are
    the probabilities they got, `members` (n, labels) whose they are. `answers` is how many there are.
    `usual` is the probability from which a label is given where a text may have several and nothing else was asked for.
    """

    softening: Softening
    levels: tuple[Level, ...]
    rows: Rows
    left_out: Doubles
    members: Floats
    scope: OutOfScope
    usual: float
    answers: int

    def probabilities(self, scores: Floats) -> Doubles:
        """Return probabilities (n, labels) of scores (n, labels); what is missing to 1 is that a text has none of the labels.

        While examples are few, they are drawn towards what is likely without knowing anything.
        """
        return _shrunken(self.softening.probabilities(scores), self.answers)

    def set_threshold(self, coverage: float) -> float:
        """Return the probability from which a label enters a set that is to hold the true one this often."""
        return set_threshold(self.left_out, self.members, coverage)

    def promises(self, target: float) -> tuple[PrecisionGuarantee, ...]:
        """Return the guarantee of each level. That of a parent is for texts that get no deeper label."""
        return promises_of(self.levels, target)


def promises_of(levels: Sequence[Level], target: float) -> tuple[PrecisionGuarantee, ...]:
    """Return the guarantee of each level, whole labels first. That of a parent is for texts that get no deeper label."""
    promises: list[PrecisionGuarantee] = []
    left = np.ones(len(levels[0].confidence), bool)
    for level in levels:
        part = (
            level
            if len(level.confidence) != len(left)
            else Level(level.confidence[left], level.right[left], level.best[left])
        )
        promises.append(part.promise(target))
        if len(level.confidence) == len(left):
            left = left & (level.confidence < promises[-1].threshold)
    return tuple(promises)


def _shrunken(probabilities: Doubles, answers: int) -> Doubles:
    unknown = 1 / (probabilities.shape[1] + 1)
    return np.asarray((answers * probabilities + _IGNORANCE * unknown) / (answers + _IGNORANCE))


@one_thread()
def learn_report(state: State, *, seed: int = 0, most: int = _LEFT_OUT) -> CalibrationReport:
    """Score examples without themselves, `most` at most, and learn from that how far answers can be trusted."""
    votes, members = state.votes, state.members
    rows = np.sort(np.random.default_rng(seed).permutation(state.removable)[:most])
    messages = [message_of(state.examples[row].text) for row in rows.tolist()]
    words = state.texts(messages, np.zeros((len(rows), 0), np.float32)).words
    answers = left_out(votes, rows, words)
    scores, own = answers.scores(votes), members[rows]
    softening = fit_softening(scores, own, multi_label=state.multi_label)
    shape = (0, len(state.labels))
    probabilities = _shrunken(softening.probabilities(scores), len(rows)) if scores.size else np.zeros(shape)
    learnt = learn_out_of_scope(votes, rows, answers.centroids, state.everyday, state.outside)
    report = CalibrationReport(softening, (), rows, probabilities, own, learnt.scope, 0.5, len(rows))
    foreign = (
        report.probabilities(votes.scores(ComparedTexts(state.outside, state.outside_words)))
        if state.labels
        else np.zeros(shape)
    )
    # What is taken for out of scope gets no label, and known out-of-scope texts that get one count as mistakes.
    counted = np.concatenate(
        [
            np.where((learnt.examples < OUTSIDE_LIMIT)[:, None], probabilities, 0.0),
            np.where((learnt.known < OUTSIDE_LIMIT)[:, None], foreign, 0.0),
        ]
    )
    truth = np.concatenate([own, np.zeros((len(foreign), len(state.labels)), np.float32)])
    usual = likely_threshold(probabilities, own) if state.multi_label else 0.5
    return replace(report, levels=levels_of(counted, truth, state.labels, multi_label=state.multi_label), usual=usual)


def levels_of(
    probabilities: Doubles, members: Floats, labels: Sequence[str], *, multi_label: bool
) -> tuple[Level, ...]:
    """Return how sure left-out answers (n, labels) were and whether they were right, at each depth of the labels."""
    if not len(probabilities) or not len(labels):
        return (Level(np.zeros(0), np.zeros(0, bool), np.zeros(0)),)
    if multi_label:
        return (Level(probabilities.ravel(), members.ravel() > 0, probabilities.max(axis=1)),)
    levels = []
    for depth in depths(labels):
        groups, _ = grouped(labels, depth)
        summed = probabilities @ groups
        best = summed.argmax(axis=1)
        sure = summed.max(axis=1)
        levels.append(Level(sure, (members @ groups)[np.arange(len(best)), best] > 0, sure))
    return tuple(levels)


def depths(labels: Sequence[str]) -> list[int | None]:
    """Return the depths at which labels can be read: None for whole, then from the deepest prefix up to one part."""
    deepest = max((label.count("/") for label in labels), default=0)
    return [None, *range(deepest, 0, -1)]


def grouped(labels: Sequence[str], depth: int | None) -> tuple[Doubles, list[str]]:
    """Return which labels fall together when only `depth` parts are read: (labels, groups) of 0 and 1, and the groups' names."""
    short = ["/".join(label.split("/")[:depth]) for label in labels]
    names = list(dict.fromkeys(short))
    columns = {name: column for column, name in enumerate(names)}
    groups = np.zeros((len(labels), len(names)))
    groups[np.arange(len(labels)), [columns[name] for name in short]] = 1
    return groups, names
