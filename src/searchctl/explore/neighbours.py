"""Nearest neighbours among all documents at once: exact, in blocks, by faiss."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.unit import unit
from searchctl.types import Vectors

_BLOCK = 4096
_LARGE = 10_000
_SAMPLE = 20_000  # rows from which directions are learnt


class Neighbours(NamedTuple):
    """For each row its nearest others, best first: `rows` (n, k) and cosines `similarities` (n, k)."""

    rows: NDArray[np.int64]
    similarities: NDArray[np.float32]


def reduced(vectors: Vectors, dimensions: int) -> Vectors:
    """Return centred vectors projected on the directions of largest variance and scaled to length 1."""
    sample = vectors[:: max(1, len(vectors) // _SAMPLE)].astype(np.float64)
    _, directions = np.linalg.eigh(sample.T @ sample)  # in order of growing variance
    projected = vectors @ directions[:, -dimensions:].astype(np.float32)
    return np.ascontiguousarray(unit(projected))


def nearest(vectors: Vectors, k: int) -> Neighbours:
    """Return each row's `k` nearest others; `k` must be less than the number of rows."""
    faiss = importlib.import_module("faiss")
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    usual = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(
        1 if len(vectors) < _LARGE else usual
    )  # below, threads wait for each other longer than they work
    try:
        return _searched(index, vectors, k)
    finally:
        faiss.omp_set_num_threads(usual)


def _searched(index: Any, vectors: Vectors, k: int) -> Neighbours:
    rows = np.empty((len(vectors), k), np.int64)
    similarities = np.empty((len(vectors), k), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        found_similarities, found = index.search(vectors[start : start + _BLOCK], k + 1)
        others = found != np.arange(start, start + len(found))[:, None]
        others[others.all(axis=1), -1] = False  # where ties pushed the row itself off its list, the last is dropped
        rows[start : start + len(found)] = found[others].reshape(-1, k)
        similarities[start : start + len(found)] = found_similarities[others].reshape(-1, k)
    return Neighbours(rows, similarities)
