"""What a router knows at one moment: its examples, labels and other texts, counted for the votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from searchctl.engines.threads import one_thread
from searchctl.routing.calibration import (
    Doubles,
    Flags,
    fit_softening,
    losses,
)
from searchctl.routing.examples import Stored
from searchctl.routing.labels import name_text
from searchctl.routing.left_out import left_out
from searchctl.routing.message import message_of
from searchctl.routing.metric import learn_metric
from searchctl.routing.out_of_scope import Everyday
from searchctl.routing.votes import ComparedTexts, Floats, Rows, Votes, count_votes, placed_names
from searchctl.routing.words import Words, learn_words
from searchctl.types import Vectors

_TESTED_NAMES = 20  # examples from which on names of labels have to prove themselves
_LEAST_AGREEMENT = 0.1  # of names with examples, 0 being chance
_CHOOSING = 100  # examples from which on cross-validation chooses
_CHOOSING_AMONG = 1000  # examples it looks at
WORD_WEIGHT = 0.3  # of words beside vectors, where they help
CENTROID_WEIGHTS = (1.0, 0.5, 0.25, 0.1)  # that a centroid may count beside the kernel
_SURELY = 1.0  # standard errors by which another way has to be better than the usual one


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

    @property
    def removable(self) -> Rows:
        """The examples that can be left out: of whose label something remains."""
        members = self.members
        named = np.abs(self.votes.names).sum(axis=1) > 0
        return np.flatnonzero((members * (members.sum(axis=0) + named > 1)).sum(axis=1) > 0)

    def texts(self, texts: Sequence[str] | None, vectors: Vectors) -> ComparedTexts:
        """Return messages, given with the encoder's vectors (n, dim), as the votes compare them; None where only vectors count."""
        width = self.votes.landmark_words.shape[1]
        if self.vocabulary is None or texts is None:
            return ComparedTexts(vectors, np.zeros((len(vectors), width), np.float32))
        return ComparedTexts(vectors, self.vocabulary.vectors(texts))


@one_thread()
def gather(stored: Sequence[Stored], dim: int, everyday: Vectors | None = None) -> State:
    """Count what is stored; vectors have `dim` numbers. `everyday` (s, dim) are the sentences of `everyday.EVERYDAY`."""
    examples = tuple(text for text in stored if text.kind == "example" and text.labels)
    labels = tuple(dict.fromkeys(label for text in stored for label in text.labels))
    members = members_of([example.labels for example in examples], labels)
    vectors = stacked([example.vector for example in examples], dim)
    names, described, phrases = _names(stored, labels, dim)
    anchors = np.concatenate([vectors, names[np.abs(names).sum(axis=1) > 0]])
    plain = ComparedTexts(vectors, np.zeros((len(vectors), 0), np.float32))
    multi_label = bool((members.sum(axis=1) > 1).any())
    given = np.array([kind == "description" for kind in described], bool)
    if not _names_help(plain, members, names, given):
        names[~given] = 0
    messages = [message_of(example.text) for example in examples]
    vocabulary = learn_words(messages) if _words_help(plain, messages, members, names, multi_label) else None
    words = plain.words if vocabulary is None else vocabulary.vectors(messages)
    weight = 0.0 if vocabulary is None else WORD_WEIGHT
    votes = count_votes(ComparedTexts(vectors, words), members, names, word_weight=weight)
    outside = [text for text in stored if text.kind == "outside"]
    state = State(
        examples,
        labels,
        described,
        phrases,
        stacked([text.vector for text in outside], dim),
        vocabulary.vectors([message_of(text.text) for text in outside])
        if vocabulary is not None
        else np.zeros((len(outside), 0), np.float32),
        Everyday(np.zeros((0, dim), np.float32) if everyday is None else everyday, anchors),
        votes,
        vocabulary,
        multi_label,
    )
    return replace(state, votes=_weighed(state, words))


def members_of(labels_of: Sequence[Sequence[str]], labels: Sequence[str]) -> Floats:
    """Return whose texts are, given the labels of each: (n, labels) of 0 and 1."""
    columns = {label: column for column, label in enumerate(labels)}
    members = np.zeros((len(labels_of), len(labels)), np.float32)
    for row, own in enumerate(labels_of):
        members[row, [columns[label] for label in own]] = 1
    return members


def stacked(vectors: Sequence[Vectors], dim: int) -> Vectors:
    """Return vectors (dim,) as rows; none gives (0, dim)."""
    return np.asarray(np.stack(vectors), np.float32) if vectors else np.zeros((0, dim), np.float32)


def _names(
    stored: Sequence[Stored], labels: tuple[str, ...], dim: int
) -> tuple[Vectors, tuple[str, ...], tuple[str, ...]]:
    names, described = np.zeros((len(labels), dim), np.float32), [""] * len(labels)
    phrases = [name_text(label) for label in labels]
    rows = {label: row for row, label in enumerate(labels)}
    for text in stored:
        if text.kind in ("name", "description") and len(text.labels) == 1:
            row = rows[text.labels[0]]
            names[row], described[row], phrases[row] = text.vector, text.kind, text.text
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
    lost = []
    for part, weight in ((texts.part(rows), 0.0), (ComparedTexts(texts.vectors[rows], words), WORD_WEIGHT)):
        votes = count_votes(part, own, names, word_weight=weight)
        scores = left_out(votes, able, part.words[able]).scores(votes)
        lost.append(_losses(scores, own[able], multi_label))
    return _surely_less(lost[1], lost[0])


def _weighed(state: State, words: Floats) -> Votes:
    """Return the votes with the weight of centroids that makes left-out answers surely better than the usual weight."""
    votes = state.votes
    able = state.removable
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


def _surely_less(losses: Doubles, other_losses: Doubles) -> bool:
    gain = other_losses - losses
    return bool(gain.mean() > _SURELY * gain.std() / np.sqrt(len(gain)))
