"""Texts that belong to no label: how far a text is from everything stored, against how far the examples themselves are.

The evidence is the cosine with the nearest label's middle, in the metric, which told apart out-of-scope texts best of what
benchmarks/routing.py compares. Without out-of-scope examples, it is put on the normal scale of the examples, each seen without
itself; with some, a logistic weighs it against the likeness to the nearest of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from searchctl.routing.calibration import Doubles, fit_logistic
from searchctl.routing.votes import Floats, Rows, Votes
from searchctl.types import Vectors

_PLAIN = (0.3, 0.2)  # mean and spread of the nearest middle's cosine, as if measured on so many examples:
_PLAIN_EXAMPLES = 8
_PRIOR = (1.5, 6.0, -4.0)  # weights of strangeness and of likeness to an outside text, offset
_cdf = np.vectorize(lambda z: 0.5 * (1 + erf(z / sqrt(2))), otypes=[float])


@dataclass(frozen=True, slots=True)
class Outside:
    """What is usual among examples, and which texts are known to belong to no label: `known` (k, dim), projected."""

    mean: float
    spread: float
    known: Vectors
    weights: tuple[float, ...] = ()

    def scores(self, votes: Votes, vectors: Vectors) -> Doubles:
        """Return for texts (n, dim) how sure it is that they belong to no label: (n,), in [0, 1].

        Without known outside texts: the share of the examples that are nearer to their label than this text to any.
        """
        strange = (self.mean - votes.middles(vectors).max(axis=1).astype(np.float64)) / self.spread
        if not self.weights:
            return np.asarray(_cdf(strange))
        like = (votes.metric.project(vectors) @ self.known.T).max(axis=1)
        first, second, offset = self.weights
        return np.asarray(1 / (1 + np.exp(-(first * strange + second * like + offset))))


def learn_outside(votes: Votes, rows: Rows, left_out: Floats, vectors: Vectors) -> Outside:
    """Learn from left-out middles (n, labels) of some examples (row numbers, n).

    `vectors` (k, dim) are of texts known to belong to no label, perhaps none.
    """
    nearest = left_out.max(axis=1, initial=-1.0).astype(np.float64)
    mean, spread = _usual(nearest)
    known = votes.metric.project(vectors)
    if not len(known):
        return Outside(mean, spread, known)
    among = known @ known.T
    np.fill_diagonal(among, -1.0)
    like = np.concatenate([(votes.rows[rows] @ known.T).max(axis=1), among.max(axis=1).clip(0.0)])
    outer = votes.middles(vectors).max(axis=1)
    strange = (mean - np.concatenate([nearest, outer])) / spread
    truth = np.arange(len(strange)) >= len(nearest)
    return Outside(mean, spread, known, fit_logistic(np.stack([strange, like], axis=1), truth, _PRIOR))


def _usual(nearest: Doubles) -> tuple[float, float]:
    """Return mean and spread of the examples' cosines (n,), drawn to what is plain while they are few."""
    plain_mean, plain_spread = _PLAIN
    count = len(nearest)
    mean = (float(nearest.sum()) + _PLAIN_EXAMPLES * plain_mean) / (count + _PLAIN_EXAMPLES)
    squares = float(((nearest - mean) ** 2).sum()) + _PLAIN_EXAMPLES * plain_spread**2
    return mean, float(np.sqrt(squares / (count + _PLAIN_EXAMPLES)))
