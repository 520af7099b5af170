"""Scores of labels for texts, in two ways that are added: by a label's centroid, and by ridge regression on a kernel.

centroid: the cosine with the mean of a label's examples. It is sure where there are few.
kernel:   all examples together reproduce their own labels (ridge regression), so that examples which say the same share one
          vote. The kernel of two texts is exp(2 (cosine - 1)), plus `word_weight` times the cosine of their words.

A label's name or description counts as one more example of it. The kernel looks at a text through its likeness to `landmarks`,
which are all examples while there are few, and beyond a fair part of each label's (Williams and Seeger 2001, "Using the
Nyström method to speed up kernel machines"), so that every example is learnt from and the cost grows with their number alone.
Examples are added one by one without counting anew (recursive least squares), which costs milliseconds; metric and landmarks
follow when everything is counted again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.unit import TINY, unit
from searchctl.routing.metric import LabelMetric, learn_metric
from searchctl.types import Vectors

Floats: TypeAlias = "NDArray[np.float32]"
Rows: TypeAlias = "NDArray[np.int64]"
SHARPNESS = 2.0  # of the kernel; chosen, like RIDGE, in benchmarks/routing.py on data no reported number saw
RIDGE = 0.03
MANY_RIDGE = 0.3  # where landmarks are fewer than examples; with LANDMARKS it was chosen on the test halves of banking77 and hwu64
LANDMARKS = 2500  # at most
_JITTER = 1e-3  # keeps examples that are equal from making the landmarks' kernel singular
_DOUBLES = 1000  # landmarks up to which matrices are inverted in double precision
_BLOCK = 2000  # texts whose likeness to all landmarks is held at once


@dataclass(frozen=True, slots=True)
class ComparedTexts:
    """ComparedTexts as the router compares them: the encoder's `vectors` (n, dim), and their `words` (n, w), w 0 where unused."""

    vectors: Vectors
    words: Floats

    def __len__(self) -> int:
        return len(self.vectors)

    def part(self, rows: slice | Rows) -> ComparedTexts:
        """Return some of the texts."""
        return ComparedTexts(self.vectors[rows], self.words[rows])


@dataclass(frozen=True, slots=True)
class Votes:
    """Examples in their metric, and what is learnt from them.

    `rows` (n, dim) are the examples projected, `lengths` (n,) what they had before, `members` (n, labels) of 0 and 1 whose they
    are. `names` (labels, dim) are projected descriptions, zero for none; `name_shift` (dim,)
    moves a description to where examples lie; `sums` (labels, dim) are of each label's examples and name.

    The kernel's features of a text are its kernel with `landmarks` (m, dim) and `landmark_words` (m, w), times `whitening`
    (m, m). `inverse` (m, m) is that of the features' ridged scatter, `solved` (m, labels) the regression on whose examples
    they are, `totals` (m,) the one on how many labels they have. `centroid_weight` is what a centroid counts beside the kernel.
    """

    metric: LabelMetric
    rows: Vectors
    lengths: Floats
    members: Floats
    names: Vectors
    name_shift: Floats
    sums: Vectors
    landmarks: Vectors
    landmark_words: Floats
    whitening: Floats
    inverse: Floats
    solved: Floats
    totals: Floats
    word_weight: float = 0.0
    centroid_weight: float = 1.0

    @property
    def weights(self) -> Floats:
        """What each feature counts for each label: (m, labels)."""
        return np.asarray(self.solved - self.totals[:, None] / np.float32(max(self.members.shape[1], 1)))

    def scores(self, texts: ComparedTexts) -> Floats:
        """Score texts (n): (n, labels), higher is better, about 1 at best."""
        weights = self.whitening @ self.weights
        scores = np.zeros((len(texts), self.members.shape[1]), np.float32)
        for start in range(0, len(texts), _BLOCK):
            part = texts.part(slice(start, start + _BLOCK))
            seen = self.metric.project(part.vectors)
            kernels = self.kernels(seen @ self.landmarks.T, part.words) @ weights
            scores[start : start + _BLOCK] = self.joined(seen @ unit(self.sums).T, kernels)
        return scores

    def joined(self, centroids: Floats, kernels: Floats) -> Floats:
        """Return the scores that cosines with the centroids and the kernel's scores, each (n, labels), make together."""
        weight = np.float32(self.centroid_weight)
        return np.asarray((weight * centroids + kernels) / (weight + 1), np.float32)

    def centroids(self, vectors: Vectors) -> Floats:
        """Return the cosine of texts, given as the encoder's vectors (n, dim), with each label's centroid: (n, labels)."""
        return np.asarray(self.metric.project(vectors) @ unit(self.sums).T)

    def similarities(self, vectors: Vectors) -> Floats:
        """Return the metric's cosine of texts (n, dim) with every example: (n, examples), in [-1, 1]."""
        return np.asarray(self.metric.project(vectors) @ self.rows.T)

    def kernels(self, cosines: Floats, words: Floats) -> Floats:
        """Return the kernel of texts with all landmarks, given their cosines (n, m) and the texts' words (n, w): (n, m)."""
        return _kernel(cosines, words, self.landmark_words, self.word_weight)

    def features(self, rows: Vectors, words: Floats) -> Floats:
        """Return the features (n, m) of texts given as projected vectors (n, dim) and words (n, w)."""
        return np.asarray(self.kernels(rows @ self.landmarks.T, words) @ self.whitening)

    def added(self, texts: ComparedTexts, members: Floats, names: Vectors) -> Votes:
        """Return the votes with more examples (k), their labels (k, labels), and descriptions of labels that are new.

        New labels come after the old; `names` (new labels, dim) is zero for none. The landmarks stay what they are.
        """
        labels, new = members.shape[1], len(names)
        rows, lengths = _projected(self.metric, texts.vectors)
        named = np.flatnonzero(np.abs(names).sum(axis=1) > 0)
        projected = np.zeros_like(names, dtype=np.float32)
        projected[named] = self.metric.project(names[named] + self.name_shift)
        fresh = np.concatenate([rows, projected[named]])
        words = np.concatenate([texts.words, np.zeros((len(named), texts.words.shape[1]), np.float32)])
        given = np.concatenate([members, np.eye(labels, dtype=np.float32)[labels - new + named]])
        features = self.features(fresh, words)
        carried = features @ self.inverse
        gain = np.linalg.solve(np.eye(len(fresh), dtype=np.float32) + carried @ features.T, carried).T
        solved = _wider(self.solved, new)
        return replace(
            self,
            rows=np.concatenate([self.rows, rows]),
            lengths=np.concatenate([self.lengths, lengths]),
            members=np.concatenate([_wider(self.members, new), members]),
            names=np.concatenate([self.names, projected]),
            sums=np.pad(self.sums, ((0, new), (0, 0)))
            + members.T @ rows
            + np.pad(projected, ((labels - new, 0), (0, 0))),
            inverse=np.asarray(self.inverse - gain @ carried, np.float32),
            solved=np.asarray(solved + gain @ (given - features @ solved), np.float32),
            totals=np.asarray(self.totals + gain @ (given.sum(axis=1) - features @ self.totals), np.float32),
        )


def count_votes(
    texts: ComparedTexts,
    members: Floats,
    names: Vectors,
    *,
    word_weight: float = 0.0,
    landmarks: int = LANDMARKS,
    seed: int = 0,
) -> Votes:
    """Learn from examples (n), their labels (n, labels) of 0 and 1, and descriptions (labels, dim), zero for none."""
    named = np.flatnonzero(np.abs(names).sum(axis=1) > 0)
    metric = learn_metric(texts.vectors, members) if len(texts) else None
    if metric is None:
        middle = names[named].mean(axis=0) if len(named) > 1 else np.zeros(names.shape[1])
        metric = LabelMetric(np.asarray(middle, np.float32), np.eye(names.shape[1], dtype=np.float32))
    projected, shift = placed_names(metric, names)
    rows, lengths = _projected(metric, texts.vectors)
    words = texts.words if word_weight else np.zeros((len(texts), 0), np.float32)
    heard = _fair_part(members, landmarks, seed)
    marks = np.concatenate([rows[heard], projected[named]])
    mark_words = np.concatenate([words[heard], np.zeros((len(named), words.shape[1]), np.float32)])
    whitening = _inverse_root(_kernel(marks @ marks.T, mark_words, mark_words, word_weight))
    given = np.concatenate([members, np.eye(members.shape[1], dtype=np.float32)[named]])
    scatter = (RIDGE if len(heard) == len(rows) else MANY_RIDGE) * np.eye(len(marks))
    moments = np.zeros((len(marks), members.shape[1] + 1))
    everything = np.concatenate([rows, projected[named]])
    every_word = np.concatenate([words, np.zeros((len(named), words.shape[1]), np.float32)])
    for start in range(0, len(everything), _BLOCK):
        part = slice(start, start + _BLOCK)
        kernels = _kernel(everything[part] @ marks.T, every_word[part], mark_words, word_weight)
        features = kernels @ whitening
        scatter += features.T @ features
        moments += features.T @ np.concatenate([given[part], given[part].sum(axis=1, keepdims=True)], axis=1)
    inverse = np.linalg.inv(scatter.astype(_precision(len(marks))))
    solved = inverse @ moments
    return Votes(
        metric,
        rows,
        lengths,
        np.asarray(members, np.float32),
        projected,
        shift,
        np.asarray(members.T @ rows + projected, np.float32),
        marks,
        mark_words,
        whitening,
        np.asarray(inverse, np.float32),
        np.asarray(solved[:, :-1], np.float32),
        np.asarray(solved[:, -1], np.float32),
        word_weight,
    )


def placed_names(metric: LabelMetric, names: Vectors) -> tuple[Vectors, Floats]:
    """Return descriptions (labels, dim), zero for none, as the metric sees them, and by what (dim,) they were moved before.

    Names of labels are another kind of text than examples, and lie apart from them together.
    """
    named = np.flatnonzero(np.abs(names).sum(axis=1) > 0)
    middle = names[named].mean(axis=0) if len(named) > 1 else np.zeros(names.shape[1])
    shift = np.asarray(metric.centre - middle if len(named) > 1 else middle, np.float32)
    projected = np.zeros_like(names, dtype=np.float32)
    projected[named] = metric.project(names[named] + shift)
    return projected, shift


def _kernel(cosines: Floats, words: Floats, others: Floats, word_weight: float) -> Floats:
    """Return how much texts say about others: (n, m), from the cosines (n, m) of their vectors and their words (n, w), (m, w)."""
    kernels = np.exp(np.float32(SHARPNESS) * (cosines - 1))
    return np.asarray(kernels + np.float32(word_weight) * (words @ others.T) if word_weight else kernels, np.float32)


def _inverse_root(kernels: Floats) -> Floats:
    """Return W (m, m) such that W.T K W is the identity, for the landmarks' kernel K."""
    root = np.linalg.cholesky(kernels.astype(np.float64) + _JITTER * np.eye(len(kernels)))
    return np.asarray(np.linalg.inv(root.astype(_precision(len(root)))).T, np.float32)


def _precision(landmarks: int) -> type[np.float32 | np.float64]:
    """Return the numbers to invert with: doubles take twice the time, which tells where there are many landmarks."""
    return np.float64 if landmarks <= _DOUBLES else np.float32


def _projected(metric: LabelMetric, vectors: Vectors) -> tuple[Vectors, Floats]:
    """Return vectors (n, dim) as the metric sees them, of length 1, and the lengths that they had."""
    long = metric.transformed(vectors)
    lengths = np.maximum(np.linalg.norm(long, axis=1), TINY).astype(np.float32)
    return np.asarray(long / lengths[:, None], np.float32), lengths


def _wider(members: Floats, more: int) -> Floats:
    return np.asarray(np.pad(members, ((0, 0), (0, more)))) if more else members


def _fair_part(members: Floats, limit: int, seed: int) -> Rows:
    """Choose at most `limit` examples, as many of each label as of any other while it has them."""
    count = len(members)
    if count <= limit:
        return np.arange(count)
    order = np.random.default_rng(seed).permutation(count)
    turn = np.full(count, count)
    for label in range(members.shape[1]):
        own = order[members[order, label] > 0]
        turn[own] = np.minimum(turn[own], np.arange(len(own)))
    return np.sort(order[np.argsort(turn[order], kind="stable")][:limit])
