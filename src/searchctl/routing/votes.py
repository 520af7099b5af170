"""Votes of examples for labels, in two ways that are added: by a label's middle, and example by example.

middle: the cosine with the mean of a label's examples. It is sure where there are few.
kernel: every example votes with exp(2 (cosine - 1)), weighted so that all together reproduce their own labels (ridge
        regression in the kernel's space), so that examples which say the same share one vote.

A label's name or description counts as one more example of it. Examples come and go without starting anew (Schur complements),
which costs milliseconds; the metric follows when everything is counted again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.routing.metric import TINY, Metric, learn_metric
from searchctl.types import Vectors

Floats: TypeAlias = "NDArray[np.float32]"
Rows: TypeAlias = "NDArray[np.int64]"
SHARPNESS = 2.0  # of the kernel; chosen, like RIDGE, in benchmarks/routing.py on data no reported number saw
RIDGE = 0.03
KERNEL_ROWS = 3000  # beyond, the kernel hears a part of the largest labels' examples, so that its cost stays bounded
NAME = -1


@dataclass(frozen=True, slots=True)
class Votes:
    """Examples in their metric.

    `rows` (n, dim) are the examples projected, `lengths` (n,) what they had before, `members` (n, labels) of 0 and 1 whose they
    are. `names` (labels, dim) are projected descriptions, zero for none; `name_shift` (dim,) moves a description to where
    examples lie. The kernel's voters are `voting` (v, dim) with `votes_for` (v, labels) and `voter` (v,), the example's row or
    NAME. `inverse` (v, v), of their ridged kernel, is `counted` (c, c) bordered by zeros, plus `grown @ grown.T` of `grown` (v, r)
    for the voters that came later, so that adding one doesn't write it all anew. `sums` (labels, dim) of each label's examples
    and name, `solved`, which is `inverse @ votes_for`, and `totals` (v,), its rows' sums, are kept because they're dear.
    """

    metric: Metric
    rows: Vectors
    lengths: Floats
    members: Floats
    names: Vectors
    name_shift: Floats
    voting: Vectors
    votes_for: Floats
    voter: Rows
    counted: Floats
    grown: Floats
    sums: Vectors
    solved: Floats
    totals: Floats

    @property
    def inverse(self) -> Floats:
        """The inverse of the ridged kernel: (v, v)."""
        later = len(self.voting) - len(self.counted)
        return np.asarray(np.pad(self.counted, ((0, later), (0, later))) + self.grown @ self.grown.T)

    @property
    def weights(self) -> Floats:
        """What each voter's vote counts for each label: (v, labels)."""
        return np.asarray(self.solved - self.totals[:, None] / np.float32(self.votes_for.shape[1]))

    def scores(self, vectors: Vectors) -> Floats:
        """Score texts given as the encoder's vectors (n, dim): (n, labels), higher is better, about 1 at best."""
        seen = self.metric.project(vectors)
        return np.asarray((seen @ unit(self.sums).T + kernel(seen @ self.voting.T) @ self.weights) / 2)

    def middles(self, vectors: Vectors) -> Floats:
        """Return the cosine with the middle of each label: (n, labels), in [-1, 1]."""
        return np.asarray(self.metric.project(vectors) @ unit(self.sums).T)

    def similarities(self, vectors: Vectors) -> Floats:
        """Return the metric's cosine of texts (n, dim) with every example: (n, examples), in [-1, 1]."""
        return np.asarray(self.metric.project(vectors) @ self.rows.T)

    def added(self, vectors: Vectors, members: Floats, names: Vectors) -> Votes:
        """Return the votes with more examples (k, dim), their labels (k, labels), and descriptions of labels that are new.

        New labels come after the old; `names` (new labels, dim) is zero for none.
        """
        labels, new = members.shape[1], len(names)
        long = self.metric.transformed(vectors)
        lengths = np.maximum(np.linalg.norm(long, axis=1), TINY).astype(np.float32)
        rows = long / lengths[:, None]
        named = np.flatnonzero(np.abs(names).sum(axis=1) > 0)
        projected = np.zeros_like(names, dtype=np.float32)
        projected[named] = self.metric.project(names[named] + self.name_shift)
        fresh = np.concatenate([rows, projected[named]])
        fresh_for = np.concatenate([members, np.eye(labels, dtype=np.float32)[labels - new + named]])
        edges = _edges(self, fresh)
        votes_for = np.concatenate([_wider(self.votes_for, new), fresh_for])
        return Votes(
            self.metric,
            np.concatenate([self.rows, rows]),
            np.concatenate([self.lengths, lengths]),
            np.concatenate([_wider(self.members, new), members]),
            np.concatenate([self.names, projected]),
            self.name_shift,
            np.concatenate([self.voting, fresh]),
            votes_for,
            np.concatenate([self.voter, len(self.rows) + np.arange(len(rows)), np.full(len(named), NAME)]),
            self.counted,
            np.concatenate([_taller(self.grown, len(fresh)), edges], axis=1),
            np.pad(self.sums, ((0, new), (0, 0))) + members.T @ rows + np.pad(projected, ((labels - new, 0), (0, 0))),
            _taller(_wider(self.solved, new), len(fresh)) + edges @ (edges.T @ votes_for),
            np.pad(self.totals, (0, len(fresh))) + edges @ edges.sum(axis=0),
        )

    def removed(self, gone: Rows) -> Votes:
        """Return the votes without these examples (row numbers); their labels stay."""
        kept = np.setdiff1d(np.arange(len(self.rows)), gone)
        leaving = np.isin(self.voter, gone)
        place = np.full(len(self.rows) + 1, NAME)  # the last entry serves names, whose voter is -1
        place[kept] = np.arange(len(kept))
        whole = self.inverse
        inside, between, lost = whole[~leaving][:, ~leaving], whole[~leaving][:, leaving], whole[leaving][:, leaving]
        inverse = np.asarray(inside - between @ np.linalg.solve(lost, between.T) if leaving.any() else whole)
        return replace(
            self,
            rows=self.rows[kept],
            lengths=self.lengths[kept],
            members=self.members[kept],
            voting=self.voting[~leaving],
            votes_for=self.votes_for[~leaving],
            voter=place[self.voter[~leaving]],
            counted=inverse,
            grown=np.zeros((len(inverse), 0), np.float32),
            sums=self.sums - self.members[gone].T @ self.rows[gone],
            solved=np.asarray(inverse @ self.votes_for[~leaving]),
            totals=np.asarray(inverse.sum(axis=1)),
        )


def unit(rows: Floats) -> Floats:
    """Bring rows to length 1; zero stays zero."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), TINY))


def kernel(cosines: Floats) -> Floats:
    """Return how much two texts with these cosines have to say about each other: in (0, 1]."""
    return np.asarray(np.exp(np.float32(SHARPNESS) * (cosines - 1)))


def count_votes(vectors: Vectors, members: Floats, names: Vectors, *, seed: int = 0) -> Votes:
    """Count examples (n, dim), their labels (n, labels) of 0 and 1, and descriptions (labels, dim), zero for none."""
    named = np.flatnonzero(np.abs(names).sum(axis=1) > 0)
    middle = names[named].mean(axis=0) if len(named) > 1 else np.zeros(names.shape[1])
    plain = Metric(np.asarray(middle, np.float32), np.eye(names.shape[1], dtype=np.float32))
    metric = learn_metric(vectors, members) if len(vectors) else plain
    # names of labels are another kind of text than examples, and lie apart from them together
    shift = np.asarray(metric.centre - middle if len(named) > 1 else middle, np.float32)
    projected = np.zeros_like(names, dtype=np.float32)
    projected[named] = metric.project(names[named] + shift)
    long = metric.transformed(vectors)
    lengths = np.maximum(np.linalg.norm(long, axis=1), TINY).astype(np.float32)
    rows = np.asarray(long / lengths[:, None], np.float32)
    heard = _heard(members, KERNEL_ROWS, seed)
    voting = np.concatenate([rows[heard], projected[named]])
    votes_for = np.concatenate([members[heard], np.eye(members.shape[1], dtype=np.float32)[named]])
    inverse = _inverse(kernel(voting @ voting.T))
    return Votes(
        metric,
        rows,
        lengths,
        np.asarray(members, np.float32),
        projected,
        shift,
        voting,
        votes_for,
        np.concatenate([heard, np.full(len(named), NAME)]),
        inverse,
        np.zeros((len(voting), 0), np.float32),
        np.asarray(members.T @ rows + projected, np.float32),
        inverse @ votes_for,
        np.asarray(inverse.sum(axis=1)),
    )


def _inverse(products: Floats) -> Floats:
    ridged = products + np.float32(RIDGE) * np.eye(len(products), dtype=np.float32)
    return np.asarray(np.linalg.inv(ridged), np.float32)


def _edges(votes: Votes, fresh: Vectors) -> Floats:
    """Return the columns (v + k, k) whose products with each other, added to the inverse, extend it by k voters (k, dim)."""
    between = kernel(votes.voting @ fresh.T)
    carried = votes.grown @ (votes.grown.T @ between)
    carried[: len(votes.counted)] += votes.counted @ between[: len(votes.counted)]
    root = np.linalg.cholesky(_inverse(kernel(fresh @ fresh.T) - between.T @ carried))
    return np.concatenate([-carried @ root, root])


def _taller(rows: Floats, more: int) -> Floats:
    return np.asarray(np.pad(rows, ((0, more), (0, 0))))


def _wider(members: Floats, more: int) -> Floats:
    return np.asarray(np.pad(members, ((0, 0), (0, more)))) if more else members


def _heard(members: Floats, limit: int, seed: int) -> Rows:
    """Choose at most `limit` examples for the kernel, as many of each label as of any other while it has them."""
    count = len(members)
    if count <= limit:
        return np.arange(count)
    order = np.random.default_rng(seed).permutation(count)
    turn = np.full(count, count)
    for label in range(members.shape[1]):
        own = order[members[order, label] > 0]
        turn[own] = np.minimum(turn[own], np.arange(len(own)))
    return np.sort(order[np.argsort(turn[order], kind="stable")][:limit])
