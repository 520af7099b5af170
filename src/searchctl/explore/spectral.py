"""From neighbours to a few coordinates in which topics are dense: a locally scaled graph and its smoothest functions.

Densities can't be told in hundreds of dimensions, where HDBSCAN calls half of the texts noise. The graph's eigenvectors
give it a space in which they can (benchmarks/explore.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, identity

from searchctl.explore.neighbours import Neighbours
from searchctl.ranking.unit import unit

Coordinates = NDArray[np.float64]
_HALVINGS = 40
_SPARE = 16  # more directions than are kept make the kept ones exact sooner
_ROUNDS = 12
_STEPS = 8  # of the walk between two orthogonalisations


def graph_of(neighbours: Neighbours) -> csr_matrix:
    """Return the symmetric weights (n, n) in [0, 1] of a neighbour graph, each row scaled to its own surroundings.

    McInnes, Healy and Melville, "UMAP" (2018), section 3.1: a row's nearest neighbour weighs 1, the others
    exp(-(d - nearest) / s) with s such that they sum to log2(k); the two directions are joined as a + b - ab.
    """
    n, k = neighbours.rows.shape
    distances = np.maximum(1.0 - neighbours.similarities.astype(np.float64), 0.0)
    beyond = distances - distances[:, :1]
    low, high = np.full(n, 1e-6), np.full(n, 10.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        wide = np.exp(-beyond / middle[:, None]).sum(axis=1) > np.log2(k)
        low, high = np.where(wide, low, middle), np.where(wide, middle, high)
    weights = np.exp(-beyond / high[:, None])
    directed = csr_matrix((weights.ravel(), (np.repeat(np.arange(n), k), neighbours.rows.ravel())), shape=(n, n))
    back = directed.T.tocsr()
    return csr_matrix(directed + back - directed.multiply(back))


def embedding(graph: csr_matrix, dimensions: int, seed: int) -> Coordinates:
    """Return the rows' coordinates (n, dimensions) on the unit sphere: the smoothest functions on the graph.

    Shi and Malik, "Normalized Cuts" (2000): eigenvectors of the normalised graph over the root of the degree; rows scaled
    to length 1 as in Ng, Jordan and Weiss (2001). Found by subspace iteration with a fixed number of steps, since many
    topics make eigenvalues so alike that they can't be told apart, and needn't be.
    """
    n = graph.shape[0]
    roots = 1.0 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1e-12))
    walk = (diags(roots) @ graph @ diags(roots) + identity(n)) * 0.5
    space = np.random.default_rng(seed).standard_normal((n, min(dimensions + _SPARE, n)))
    for _ in range(_ROUNDS):
        for _ in range(_STEPS):
            space = walk @ space
        space, _ = np.linalg.qr(space)
    _, directions = np.linalg.eigh(space.T @ (walk @ space))  # in order of growing smoothness
    rows = (space @ directions[:, -dimensions:]) * roots[:, None]
    return unit(rows)
