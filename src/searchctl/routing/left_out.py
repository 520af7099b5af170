"""Leave-one-out in closed form: every example scored as if it weren't stored.

Its votes are taken back (ridge regression: Rifkin and Lippert 2007, "Notes on regularized least squares"), and its part of the
metric too: without an example, the within-class covariance changes by rank one along the example's deviation from its class
mean, so that all products are corrected (Sherman and Morrison 1950). What the changed metric does to the ridge weights of the
others is left out; against counting anew for every example, the answers agree (tests/unit/test_routing_votes.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from searchctl.routing.metric import TINY
from searchctl.routing.votes import NAME, Floats, Rows, Votes, kernel
from searchctl.types import Vectors

_LEAST_REST = 0.05  # of the metric along an example's deviation: a guard against division by nearly nothing


def left_out(votes: Votes, rows: Rows) -> tuple[Floats, Floats]:
    """Score examples (row numbers, n) without themselves.

    Returns their scores and their cosines with the labels' middles, both (n, labels).
    """
    cosines = _corrected(votes, rows)
    middles = _middles(votes, rows, cosines)
    return np.asarray((middles + _kernels(votes, rows, cosines)) / 2, np.float32), middles


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


def _middles(votes: Votes, rows: Rows, cosines: Cosines) -> Floats:
    found = cosines(slice(None), votes.sums)
    for label in range(votes.members.shape[1]):
        mine = np.flatnonzero(votes.members[rows, label])
        if len(mine):
            found[mine, label] = cosines(mine, (votes.sums[label] - votes.rows[rows[mine]])[:, None, :])[:, 0]
    return found


def _kernels(votes: Votes, rows: Rows, cosines: Cosines) -> Floats:
    weights = votes.weights
    products = kernel(cosines(slice(None), votes.voting))
    scores = products @ weights
    place = np.full(len(votes.rows), NAME)
    place[votes.voter[votes.voter != NAME]] = np.flatnonzero(votes.voter != NAME)
    voting = np.flatnonzero(place[rows] != NAME)
    places = place[rows[voting]]
    inverse = votes.inverse
    leverage = np.einsum("nv,vn->n", products[voting], inverse[:, places]) / inverse[places, places]
    scores[voting] -= leverage[:, None] * weights[places]
    return np.asarray(scores)
