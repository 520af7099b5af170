"""Leave-one-out in closed form: every example scored as if it weren't stored.

Its votes are taken back (ridge regression: Rifkin and Lippert 2007, "Notes on regularized least squares"), and its part of the
metric too: without an example, the within-class covariance changes by rank one along the example's deviation from its class
mean, so that all products are corrected (Sherman and Morrison 1950). What the changed metric does to the ridge weights of the
others is left out; against counting anew for every example, the answers agree (tests/unit/test_routing_votes.py).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from searchctl.routing.metric import TINY
from searchctl.routing.votes import NAME, Floats, Rows, Votes, kernel
from searchctl.types import Vectors

_LEAST_REST = 0.05  # of the metric along an example's deviation: a guard against division by nearly nothing


def left_out_scores(votes: Votes) -> Floats:
    """Score every example without itself: (n, labels)."""
    return np.asarray((_middles(votes) + _kernels(votes)) / 2, np.float32)


def left_out_middles(votes: Votes) -> Floats:
    """Return every example's cosine with the labels' middles, without itself: (n, labels)."""
    return _middles(votes)


def _corrected(votes: Votes) -> Callable[[slice | Rows, Vectors], Floats]:
    """Return a function that gives cosines of examples with other points in the metric without the example."""
    long = votes.rows * votes.lengths[:, None]
    scatter, gain = _deviations(votes, long)
    own = np.einsum("nd,nd->n", scatter, long)
    lengths = np.sqrt(votes.lengths**2 + gain * own**2)

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


def _deviations(votes: Votes, long: Vectors) -> tuple[Vectors, Floats]:
    """Return each example's deviation from its class mean (n, dim), and how strongly leaving it out acts along it (n,)."""
    sizes = votes.members.sum(axis=0)
    means = (votes.members.T @ long) / np.maximum(sizes, 1)[:, None]
    shares = votes.members / votes.members.sum(axis=1, keepdims=True).clip(1)
    deviations = long - shares @ means
    smallest = np.where(votes.members > 0, sizes, np.inf).min(axis=1, initial=np.inf)
    alone = ~np.isfinite(smallest) | (smallest < 2)
    scale = np.where(alone, 0.0, smallest / np.where(alone, 1.0, smallest - 1))
    part = votes.metric.influence * scale
    rest = np.maximum(1 - part * np.einsum("nd,nd->n", deviations, deviations), _LEAST_REST)
    return np.asarray(deviations), np.asarray(part / rest, np.float32)


def _middles(votes: Votes) -> Floats:
    cosines, sums = _corrected(votes), votes.sums
    found = cosines(slice(None), sums)
    for label in range(votes.members.shape[1]):
        mine = np.flatnonzero(votes.members[:, label])
        if len(mine):
            found[mine, label] = cosines(mine, (sums[label] - votes.rows[mine])[:, None, :])[:, 0]
    return found


def _kernels(votes: Votes) -> Floats:
    cosines, weights = _corrected(votes), votes.weights
    products = kernel(cosines(slice(None), votes.voting))
    scores = products @ weights
    places = np.flatnonzero(votes.voter != NAME)
    voters = votes.voter[places]
    leverage = np.einsum("nv,vn->n", products[voters], votes.inverse[:, places]) / votes.inverse[places, places]
    scores[voters] -= leverage[:, None] * weights[places]
    return np.asarray(scores)
