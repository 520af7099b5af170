"""What a router knows at one moment: examples counted, and how far their answers can be trusted."""

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
    losses,
    set_threshold,
)
from searchctl.routing.examples import Stored, name_text
from searchctl.routing.guarantee import PrecisionGuarantee, guarantee
from searchctl.routing.left_out import left_out
from searchctl.routing.message import message_of
from searchctl.routing.metric import learn_metric
from searchctl.routing.out_of_scope import Everyday, OutOfScope, learn_out_of_scope
from searchctl.routing.votes import ComparedTexts, Floats, Rows, Votes, count_votes, placed_names
from searchctl.routing.words import Words, learn_words
from searchctl.types import Vectors

# As sure as that, a text belongs to no label. Chosen with the demo's tickets in view, so figures on them aren't held out.
OUTSIDE_LIMIT = 0.92
_TESTED_NAMES = 20  # examples from which on names of labels have to prove themselves
_LEFT_OUT = 3000  # examples that are scored without themselves, so that the cost stays bounded
_LEAST_AGREEMENT = 0.1  # of names with examples, 0 being chance
_CHOOSING = 100  # examples from which on cross-validation chooses
_CHOOSING_AMONG = 1000  # examples it looks at
WORD_WEIGHT = 0.3  # of words beside vectors, where they help
CENTROID_WEIGHTS = (1.0, 0.5, 0.25, 0.1)  # that a centroid may count beside the kernel
_SURELY = 1.0  # standard errors by which another way has to be better than the usual one
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


@dataclass(frozen=True, slots=True)
class State:
    """Examples in the order of the votes' rows, labels in that of its columns, and texts that have no label.

    `described` says of each label what stands for it: "name", "description" or "" for nothing; `phrases` are that text, or else
    the label itself. `outside` (k, dim) and `outside_words` (k, w) are of texts without a label. `vocabulary` is None where
    words aren't looked at. With `multi_label`, a text may have several labels.
    """

    examples: tuple[Stored, ...]
    labels: tuple[str, ...]
    described: tuple[str, ...]
    phrases: tuple[str, ...]
    outside: Vectors
    outside_words: Floats
    everyday: Everyday
    votes: Votes
    vocabulary: Words | None
    multi_label: bool

    @property
    def members(self) -> Floats:
        """Whose the examples are: (n, labels) of 0 and 1."""
        return self.votes.members

    def texts(self, texts: Sequence[str] | None, vectors: Vectors) -> ComparedTexts:
        """Return messages, given with the encoder's vectors (n, dim), as the votes compare them; None where only vectors count."""
        width = self.votes.landmark_words.shape[1]
        if self.vocabulary is None or texts is None:
            return ComparedTexts(vectors, np.zeros((len(vectors), width), np.float32))
        return ComparedTexts(vectors, self.vocabulary.vectors(texts))


@one_thread()
def gather(stored: Sequence[Stored], dim: int, everyday: Vectors | None = None) -> State:
    """Count what is stored; vectors have `dim` numbers. `everyday` (s, dim) are the sentences of `everyday.EVERYDAY`."""
    examples = tuple(one for one in stored if one.kind == "example" and one.labels)
    labels = tuple(dict.fromkeys(label for one in stored for label in one.labels))
    members = members_of([one.labels for one in examples], labels)
    vectors = stacked([one.vector for one in examples], dim)
    names, described, phrases = _names(stored, labels, dim)
    anchors = np.concatenate([vectors, names[np.abs(names).sum(axis=1) > 0]])
    plain = ComparedTexts(vectors, np.zeros((len(vectors), 0), np.float32))
    multi_label = bool((members.sum(axis=1) > 1).any())
    given = np.array([kind == "description" for kind in described], bool)
    if not _names_help(plain, members, names, given):
        names[~given] = 0
    messages = [message_of(one.text) for one in examples]
    vocabulary = learn_words(messages) if _words_help(plain, messages, members, names, multi_label) else None
    words = plain.words if vocabulary is None else vocabulary.vectors(messages)
    weight = 0.0 if vocabulary is None else WORD_WEIGHT
    votes = count_votes(ComparedTexts(vectors, words), members, names, word_weight=weight)
    others = [one for one in stored if one.kind == "outside"]
    state = State(
        examples,
        labels,
        described,
        phrases,
        stacked([one.vector for one in others], dim),
        vocabulary.vectors([message_of(one.text) for one in others])
        if vocabulary is not None
        else np.zeros((len(others), 0), np.float32),
        Everyday(np.zeros((0, dim), np.float32) if everyday is None else everyday, anchors),
        votes,
        vocabulary,
        multi_label,
    )
    return replace(state, votes=_weighed(state, words))


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
    phrases = [name_text(label) for label in labels]
    places = {label: at for at, label in enumerate(labels)}
    for one in stored:
        if one.kind in ("name", "description") and len(one.labels) == 1:
            at = places[one.labels[0]]
            names[at], described[at], phrases[at] = one.vector, one.kind, one.text
    return names, tuple(described), tuple(phrases)


def _names_help(texts: ComparedTexts, members: Floats, names: Vectors, given: Flags) -> bool:
    """Tell whether the names of labels say what they mean, as far as examples show; codes like `c17` don't."""
    named = np.flatnonzero((np.abs(names).sum(axis=1) > 0) & ~given)
    own = members[:, named]
    seen = np.flatnonzero(own.sum(axis=1) > 0)
    if len(named) < 2 or len(seen) < _TESTED_NAMES:
        return True
    metric = learn_metric(texts.vectors, members)
    placed, _ = placed_names(metric, names)
    chosen = (metric.project(texts.vectors[seen]) @ placed[named].T).argmax(axis=1)
    agreement = float((own[seen, chosen] > 0).mean())
    chance = float(own[seen].sum(axis=1).mean()) / len(named)
    return (agreement - chance) / max(1 - chance, 1e-9) >= _LEAST_AGREEMENT


def _words_help(
    texts: ComparedTexts, messages: Sequence[str], members: Floats, names: Vectors, multi_label: bool
) -> bool:
    """Tell by cross-validation whether words beside the vectors make left-out answers surely better."""
    if len(messages) < _CHOOSING or members.shape[1] < 2:
        return False
    rows = np.sort(np.random.default_rng(0).permutation(len(messages))[:_CHOOSING_AMONG])
    chosen = [messages[row] for row in rows.tolist()]
    words = learn_words(chosen).vectors(chosen)
    own = members[rows]
    able = np.flatnonzero((own * (own.sum(axis=0) > 1)).sum(axis=1) > 0)
    if len(able) < _CHOOSING:
        return False
    found = []
    for part, weight in ((texts.part(rows), 0.0), (ComparedTexts(texts.vectors[rows], words), WORD_WEIGHT)):
        votes = count_votes(part, own, names, word_weight=weight)
        scores = left_out(votes, able, part.words[able]).scores(votes)
        found.append(_losses(scores, own[able], multi_label))
    return _surely_less(found[1], found[0])


def _weighed(state: State, words: Floats) -> Votes:
    """Return the votes with the weight of centroids that makes left-out answers surely better than the usual weight."""
    votes = state.votes
    able = _able(state)
    if len(able) < _CHOOSING or len(state.labels) < 2:
        return votes
    rows = np.sort(np.random.default_rng(1).permutation(able)[:_CHOOSING_AMONG])
    answers = left_out(votes, rows, words[rows])
    own = state.members[rows]
    usual = best = _losses(answers.scores(votes), own, state.multi_label)
    chosen = votes
    for weight in CENTROID_WEIGHTS[1:]:
        other = replace(votes, centroid_weight=weight)
        lost = _losses(answers.scores(other), own, state.multi_label)
        if lost.mean() < best.mean() and _surely_less(lost, usual):
            best, chosen = lost, other
    return chosen


def _losses(scores: Floats, members: Floats, multi_label: bool) -> Doubles:
    softening = fit_softening(scores, members, multi_label=multi_label)
    return losses(softening.probabilities(scores), members, multi_label=multi_label)


def _surely_less(losses_of_one: Doubles, losses_of_other: Doubles) -> bool:
    gain = losses_of_other - losses_of_one
    return bool(gain.mean() > _SURELY * gain.std() / np.sqrt(len(gain)))


def _able(state: State) -> Rows:
    """Return the examples that can be left out: of whose label something remains."""
    members = state.members
    named = np.abs(state.votes.names).sum(axis=1) > 0
    return np.flatnonzero((members * (members.sum(axis=0) + named > 1)).sum(axis=1) > 0)


def _shrunken(probabilities: Doubles, answers: int) -> Doubles:
    unknown = 1 / (probabilities.shape[1] + 1)
    return np.asarray((answers * probabilities + _IGNORANCE * unknown) / (answers + _IGNORANCE))


@one_thread()
def learn_report(state: State, *, seed: int = 0, most: int = _LEFT_OUT) -> CalibrationReport:
    """Score examples without themselves, `most` at most, and learn from that how far answers can be trusted."""
    votes, members = state.votes, state.members
    rows = np.sort(np.random.default_rng(seed).permutation(_able(state))[:most])
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
    asked = np.concatenate(
        [
            np.where((learnt.examples < OUTSIDE_LIMIT)[:, None], probabilities, 0.0),
            np.where((learnt.known < OUTSIDE_LIMIT)[:, None], foreign, 0.0),
        ]
    )
    truth = np.concatenate([own, np.zeros((len(foreign), len(state.labels)), np.float32)])
    usual = likely_threshold(probabilities, own) if state.multi_label else 0.5
    return replace(report, levels=levels_of(asked, truth, state.labels, multi_label=state.multi_label), usual=usual)


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
    places = {name: at for at, name in enumerate(names)}
    groups = np.zeros((len(labels), len(names)))
    groups[np.arange(len(labels)), [places[name] for name in short]] = 1
    return groups, names
