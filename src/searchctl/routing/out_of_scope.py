"""Texts that belong to no label: how far a text is from everything stored, against how far the examples themselves are.

Two signs are joined. One is the cosine with the nearest label's centroid, in the metric. The other is the cosine with the
nearest example, read against the text's likeness to everyday sentences (see `everyday`); it tells more where labels are few, and
the first where they are many. Both are put on the normal scale of the examples, each seen without itself. With known
out-of-scope texts, a logistic weighs their sum against the likeness to the nearest of them. benchmarks/routing.py measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from searchctl.routing.calibration import Doubles, fit_logistic
from searchctl.routing.votes import Floats, Votes
from searchctl.types import Vectors

_CENTROID = (0.3, 0.2)  # mean and spread of the nearest centroid's cosine, as if measured on so many examples:
_COHORT = (3.7, 0.9)  # the same of the nearest example, in spreads of the everyday sentences' cosines
_PLAIN_EXAMPLES = 8
_FEW_LABELS = 8.0  # with so many, both signs count alike
_JOINED = 0.85  # spread of the joined signs, as if measured on as many examples
_NORMAL_EXAMPLES = 30  # from how many examples on their own shares count more than the normal curve
_PRIOR = (1.5, 6.0, -4.0)  # weights of strangeness and of likeness to an out-of-scope text, offset
_SEEN = 1000  # examples whose nearest other example is looked for
_cdf = np.vectorize(lambda z: 0.5 * (1 + erf(z / sqrt(2))), otypes=[float])


@dataclass(frozen=True, slots=True)
class Everyday:
    """What the second sign needs: `sentences` (s, dim), everyday ones, and `anchors` (a, dim), all examples and descriptions."""

    sentences: Vectors
    anchors: Vectors

    def nearness(self, vectors: Vectors, own: np.ndarray[tuple[int, ...], np.dtype[np.int64]] | None = None) -> Doubles:
        """Return the cosine of texts (n, dim) with the nearest anchor in spreads above the everyday sentences' mean: (n,).

        `own` (n,) are anchors that don't count: an example's own.
        """
        if not len(self.sentences) or not len(self.anchors):
            return np.full(len(vectors), _COHORT[0])
        near = vectors @ self.anchors.T
        if own is not None:
            near[np.arange(len(vectors)), own] = -1.0
        usual = vectors @ self.sentences.T
        spread = np.maximum(usual.std(axis=1), 1e-3)
        return np.asarray((near.max(axis=1) - usual.mean(axis=1)) / spread, np.float64)


@dataclass(frozen=True, slots=True)
class OutOfScope:
    """What is usual among examples, and which texts are known to belong to no label: `known` (k, dim), projected.

    `centroid` and `cohort` are mean and spread of the two signs, `share` in [0, 1] what the second counts, `usual` (n,) how
    strange the examples are, in order, and `weights` the logistic's, empty without known texts.
    """

    everyday: Everyday
    centroid: tuple[float, float]
    cohort: tuple[float, float]
    share: float
    joined: float
    usual: Doubles
    known: Vectors
    weights: tuple[float, ...] = ()

    def scores(self, votes: Votes, vectors: Vectors) -> Doubles:
        """Return for texts (n, dim) how sure it is that they belong to no label: (n,), in [0, 1].

        Without known out-of-scope texts: the share of the examples that are nearer to what is stored than this text.
        """
        if not len(votes.sums):
            return np.ones(len(vectors))
        strange = self.strangeness(votes.centroids(vectors).max(axis=1), self.everyday.nearness(vectors))
        like = votes.metric.project(vectors) @ self.known.T
        return self.certainty(strange, like.max(axis=1, initial=-1.0))

    def strangeness(self, centroids: Floats, nearness: Doubles) -> Doubles:
        """Join both signs of texts (n,): about 0 for a usual example, 2 for one of the strangest."""
        (mean, spread), (near, around) = self.centroid, self.cohort
        both = (1 - self.share) * (mean - centroids.astype(np.float64)) / spread + self.share * (
            near - nearness
        ) / around
        return np.asarray(both / self.joined)

    def certainty(self, strange: Doubles, like: Floats) -> Doubles:
        """Return how sure it is that texts this strange (n,), and so like known out-of-scope texts (n,), belong to no label."""
        if self.weights:
            first, second, offset = self.weights
            return np.asarray(1 / (1 + np.exp(-(first * strange + second * like + offset))))
        count = len(self.usual)
        below = np.searchsorted(self.usual, strange) / max(count, 1)
        return np.asarray((_NORMAL_EXAMPLES * _cdf(strange) + count * below) / (_NORMAL_EXAMPLES + count))


@dataclass(frozen=True, slots=True)
class LearntOutOfScope:
    """The scope, and how sure it would be of the examples it was learnt from (n,) and of the known texts (k,), without each."""

    scope: OutOfScope
    examples: Doubles
    known: Doubles


def learn_out_of_scope(
    votes: Votes,
    rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    centroids: Floats,
    everyday: Everyday,
    vectors: Vectors,
) -> LearntOutOfScope:
    """Learn from left-out cosines with the centroids (n, labels) of some examples (row numbers, n).

    The first of the everyday's anchors are the examples in order. `vectors` (k, dim) are of texts known to belong to no label.
    """
    nearest = centroids.max(axis=1, initial=-1.0).astype(np.float64)
    near = _nearness(everyday, rows)
    centroid, cohort = _usual(nearest, _CENTROID), _usual(near[~np.isnan(near)], _COHORT)
    share = _FEW_LABELS / (_FEW_LABELS + max(votes.members.shape[1], 1))
    known = votes.metric.project(vectors)
    scope = OutOfScope(everyday, centroid, cohort, share, 1.0, np.zeros(0), known)
    seen = ~np.isnan(near)
    strange = scope.strangeness(nearest, np.where(seen, near, cohort[0]))
    joined = _usual(strange[seen], (0.0, _JOINED))[1]
    strange = strange / joined
    scope = OutOfScope(everyday, centroid, cohort, share, joined, np.sort(strange[seen]), known)
    if not len(known) or not len(votes.sums):
        return LearntOutOfScope(
            scope, scope.certainty(strange, np.full(len(rows), -1.0, np.float32)), np.zeros(len(known))
        )
    among = known @ known.T
    np.fill_diagonal(among, -1.0)
    like = np.concatenate([(votes.rows[rows] @ known.T).max(axis=1), among.max(axis=1).clip(0.0)])
    outer = scope.strangeness(votes.centroids(vectors).max(axis=1), everyday.nearness(vectors))
    both = np.concatenate([strange, outer])
    truth = np.arange(len(both)) >= len(strange)
    weights = fit_logistic(np.stack([both, like], axis=1), truth, _PRIOR)
    scope = OutOfScope(everyday, centroid, cohort, share, joined, scope.usual, known, weights)
    sure = scope.certainty(both, like)
    return LearntOutOfScope(scope, sure[: len(strange)], sure[len(strange) :])


def _nearness(everyday: Everyday, rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Doubles:
    """Return the examples' nearness to the others, NaN for those beyond the first `_SEEN` of a fair part."""
    nearness = np.full(len(rows), np.nan)
    seen = np.random.default_rng(0).permutation(len(rows))[:_SEEN]
    if len(seen) and len(everyday.anchors) > 1:
        nearness[seen] = everyday.nearness(everyday.anchors[rows[seen]], rows[seen])
    return nearness


def _usual(values: Doubles, plain: tuple[float, float]) -> tuple[float, float]:
    """Return mean and spread of the examples' values (n,), drawn to what is plain while they are few."""
    plain_mean, plain_spread = plain
    count = len(values)
    mean = (float(values.sum()) + _PLAIN_EXAMPLES * plain_mean) / (count + _PLAIN_EXAMPLES)
    squares = float(((values - mean) ** 2).sum()) + _PLAIN_EXAMPLES * plain_spread**2
    return mean, float(np.sqrt(squares / (count + _PLAIN_EXAMPLES)))
