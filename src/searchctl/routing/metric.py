"""The metric examples are compared in: learnt in closed form from how examples of one class differ among themselves.

Directions in which a class scatters tell nothing about classes, so they're shrunk: vectors are centred, multiplied by the
inverse square root of the shrunken within-class covariance (linear discriminant analysis; Friedman 1989, "Regularized
Discriminant Analysis") and brought back to length 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.unit import TINY, unit
from searchctl.types import Vectors

SHRINKAGE = 0.9  # towards a multiple of the identity; chosen in benchmarks/routing.py on data no reported number saw
_KEPT_CENTRE = 0.9  # where a text may have several labels; +.01 F1 on joined texts of snips-en


@dataclass(frozen=True, slots=True)
class LabelMetric:
    """`centre` (dim,) is taken away, `transform` (dim, dim) multiplied from the right.

    `influence` is how much of an example's own scatter, as the metric sees it, went into the metric: 0 where nothing did.
    """

    centre: NDArray[np.float32]
    transform: NDArray[np.float32]
    influence: float = 0.0

    def project(self, vectors: Vectors) -> Vectors:
        """Return the vectors as the metric sees them: shape kept, rows of length 1."""
        return np.asarray(unit(self.transformed(vectors)), np.float32)

    def transformed(self, vectors: Vectors) -> Vectors:
        """Return the vectors as the metric sees them, of any length."""
        return np.asarray((np.asarray(vectors, np.float32) - self.centre) @ self.transform)


def learn_metric(vectors: Vectors, members: NDArray[np.float32]) -> LabelMetric:
    """Learn the metric from examples (n, dim) and whose they are, `members` (n, classes) of 0 and 1.

    With fewer than two classes nothing is centred; without two examples of one class the metric is plain cosine. Texts of
    several classes lie between these, near the centre, so that not all of it is taken away then.
    """
    rows = np.asarray(vectors, np.float64)
    sizes = members.sum(axis=0)
    held = sizes > 0
    dim = rows.shape[1]
    if held.sum() < 2:
        return LabelMetric(np.zeros(dim, np.float32), np.eye(dim, dtype=np.float32))
    means = (members[:, held].T @ rows) / sizes[held][:, None]
    shares = members[:, held] / members[:, held].sum(axis=1, keepdims=True).clip(1)
    scatter = rows - shares @ means
    covariance = scatter.T @ scatter
    mean_variance = float(np.trace(covariance)) / dim
    centre = means.mean(axis=0) * (_KEPT_CENTRE if (members.sum(axis=1) > 1).any() else 1.0)
    if mean_variance <= TINY:
        return LabelMetric(centre.astype(np.float32), np.eye(dim, dtype=np.float32))
    shrunken = (1 - SHRINKAGE) * covariance + SHRINKAGE * mean_variance * np.eye(dim)
    values, directions = np.linalg.eigh(shrunken / mean_variance)
    transform = (directions / np.sqrt(values)) @ directions.T
    return LabelMetric(centre.astype(np.float32), transform.astype(np.float32), (1 - SHRINKAGE) / mean_variance)
