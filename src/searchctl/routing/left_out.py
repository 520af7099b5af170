"""Leave-one-out in closed form: every example scored as if it weren't stored.

Its share of the regression is taken back (Rifkin and Lippert 2007, "Notes on regularized least squares"), and its part of the
metric too: without an example, the within-class covariance changes by rank one along the example's deviation from its class
mean, so that all products are corrected (Sherman and Morrison 1950). What the changed metric does to the features of the
others is left out; against counting anew for every example, the answers agree (tests/routing/test_votes.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from searchctl.ranking.unit import TINY
from searchctl.routing.votes import Floats, Rows, Votes
from searchctl.types import Vectors

_LEAST_REST = 0.05  # of the metric along an example's deviation: a guard against division by nearly nothing
_DOUBLES = 1000  # landmarks up to which double precision is used
_BLOCK = 1000  # examples that are scored at once


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Scores of examples without themselves, in two parts: `centroids` and `kernels`, both (n, labels). See `Votes.joined`."""

    centroids: Floats
    kernels: Floats

    def scores(self, votes: Votes) -> Floats:
        """Return the scores (n, labels) as the votes join them."""
        return votes.joined(self.centroids, self.kernels)


def left_out(votes: Votes, rows: Rows, words: Floats) -> LeftOut:
    """Score examples (row numbers, n), whose words are given (n, w), without themselves."""
    starts = range(0, len(rows), _BLOCK)
    parts = [_left_out(votes, rows[start : start + _BLOCK], words[start : start + _BLOCK]) for start in starts]
    nothing = np.zeros((0, votes.members.shape[1]), np.float32)
    return LeftOut(
        np.concatenate([nothing, *(part.centroids for part in parts)]),
        np.concatenate([nothing, *(part.kernels for part in parts)]),
    )


def _left_out(votes: Votes, rows: Rows, words: Floats) -> LeftOut:
    cosines = _corrected(votes, rows)
    kernels = _kernels(votes, rows, cosines(slice(None), votes.landmarks), words)
    return LeftOut(_centroids(votes, rows, cosines), kernels)


Cosines: TypeAlias = "Callable[[slice | Rows, Vectors], Floats]"


def _corrected(votes: Votes, rows: Rows) -> Cosines:
    """Return a function that gives cosines of these examples with other points in the metric without the example."""
    scatter, gain = _deviations(votes, rows)
    long = votes.rows[rows] * votes.lengths[rows][:, None]
    own = np.einsum("nd,nd->n", scatter, long)
    lengths = np.sqrt(votes.lengths[rows] ** 2 + gain * own**2)

    def cosines(which: slice | Rows, others: Vectors) -> Floats:
        """Others (m, dim) are for all examples; (n, 1, dim) one for each."""
        if others.ndim == 3:
            across = np.einsum("nd,nmd->nm", scatter[which], others)
            dots = np.einsum("nd,nmd->nm", long[which], others)
            sizes = np.einsum("nmd,nmd->nm", others, others)
        else:
            across, dots = scatter[which] @ others.T, long[which] @ others.T
            sizes = np.einsum("md,md->m", others, others)[None, :]
        dots = dots + (gain * own)[which][:, None] * across
        return np.asarray(
            dots / np.maximum(lengths[which][:, None] * np.sqrt(sizes + gain[which][:, None] * across**2), TINY),
            np.float32,
        )

    return cosines


def _deviations(votes: Votes, rows: Rows) -> tuple[Vectors, Floats]:
    """Return each example's deviation from its class mean (n, dim), and how strongly leaving it out acts along it (n,)."""
    sizes = votes.members.sum(axis=0)
    means = ((votes.members * votes.lengths[:, None]).T @ votes.rows) / np.maximum(sizes, 1)[:, None]
    members = votes.members[rows]
    shares = members / members.sum(axis=1, keepdims=True).clip(1)
    deviations = votes.rows[rows] * votes.lengths[rows][:, None] - shares @ means
    smallest = np.where(members > 0, sizes, np.inf).min(axis=1, initial=np.inf)
    alone = ~np.isfinite(smallest) | (smallest < 2)
    scale = np.where(alone, 0.0, smallest / np.where(alone, 1.0, smallest - 1))
    part = votes.metric.influence * scale
    rest = np.maximum(1 - part * np.einsum("nd,nd->n", deviations, deviations), _LEAST_REST)
    return np.asarray(deviations), np.asarray(part / rest, np.float32)


def _centroids(votes: Votes, rows: Rows, cosines: Cosines) -> Floats:
    """Return the cosines with the labels' centroids, the own label's without the example: (n, labels)."""
    nearness = cosines(slice(None), votes.sums)
    for label in range(votes.members.shape[1]):
        mine = np.flatnonzero(votes.members[rows, label])
        if len(mine):
            nearness[mine, label] = cosines(mine, (votes.sums[label] - votes.rows[rows[mine]])[:, None, :])[:, 0]
    return nearness


def _kernels(votes: Votes, rows: Rows, cosines: Floats, words: Floats) -> Floats:
    """Return the regression's scores without each example, given its corrected cosines (n, m) with the landmarks: (n, labels)."""
    numbers = np.float64 if len(votes.landmarks) <= _DOUBLES else np.float32
    weights = votes.weights.astype(numbers)
    kernels = votes.kernels(cosines, words).astype(numbers) @ votes.whitening
    stored = votes.features(votes.rows[rows], words).astype(numbers)
    carried = stored @ votes.inverse
    leverage = np.einsum("nm,nm->n", carried, stored)
    members = votes.members[rows]
    target = members - members.sum(axis=1, keepdims=True) / max(members.shape[1], 1)
    missed = (target - stored @ weights) / np.maximum(1 - leverage, TINY)[:, None]
    return np.asarray(kernels @ weights - np.einsum("nm,nm->n", kernels, carried)[:, None] * missed, np.float32)
