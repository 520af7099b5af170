"""A table of token vectors whose means come near a teacher's vectors of whole texts: PCA, SIF weights, and a ridge regression.

Vectors of single tokens alone make weak texts. So, as tokenlearn does by gradient descent (Minish Lab, 2024), the table is
fitted to the teacher's vectors of one's own texts; here in closed form: the squared error plus a penalty on leaving the
tokens' own vectors has its one least point at table + A'(AA' + penalty)⁻¹(texts - A table), A being how much each token
counts in each text.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import MissingExtra
from searchctl.ranking.unit import unit
from searchctl.types import Vectors

_SIF = 1e-4  # Arora et al., "A Simple but Tough-to-Beat Baseline for Sentence Embeddings" (2017), as model2vec sets it
_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # in parts of what a text counts with itself
MOST_TEXTS = 12_000  # the system has as many equations

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StaticFit:
    """A fitted `table` (tokens, dim), the `penalty` that was chosen, and what maps a teacher's vectors into its space.

    `plain` is the mean cosine with the teacher on what wasn't fitted for the tokens' own vectors, `fitted` for the table.
    """

    table: Table
    penalty: float
    center: NDArray[np.float32]
    components: NDArray[np.float32]
    plain: float
    fitted: float

    def project(self, vectors: Vectors) -> Vectors:
        """Return a teacher's vectors in the table's space: (n, dim), rows of length 1."""
        return _unit((vectors - self.center) @ self.components)


def fit_static(
    token_vectors: Vectors,
    texts: Sequence[Sequence[int]],
    vectors: Vectors,
    held_out: Sequence[Sequence[int]],
    held_out_vectors: Vectors,
    dim: int,
) -> StaticFit:
    """Fit a table to a teacher's `vectors` (n, d) of texts given as token ids.

    The penalty is chosen on every tenth of the texts; the two cosines are measured on the held-out ones, which nothing was
    chosen by. Tokens without a vector of their own have a row of zeros in `token_vectors` (tokens, d).
    """
    dim = min(dim, vectors.shape[1])
    center = vectors.mean(axis=0)
    components = _principal(vectors - center, dim)
    weights = _sif(texts, len(token_vectors))
    own: NDArray[np.bool_] = np.asarray(token_vectors.any(axis=1))
    start = np.where(own[:, None], token_vectors - token_vectors[own].mean(axis=0), 0) @ components
    start = np.asarray(start * weights[:, None], np.float32)
    goal = (vectors - center) @ components
    counts = _means(texts, len(token_vectors))
    tried = np.arange(len(texts)) % 10 == 0
    start *= _scale(counts @ start, goal)
    penalty = _choose(counts[~tried], goal[~tried], counts[tried], goal[tried], start)
    table = start + _correction(counts, goal - counts @ start, penalty)
    others = _means(held_out, len(token_vectors))
    target = (held_out_vectors - center) @ components
    return StaticFit(
        np.asarray(table, np.float32),
        penalty,
        np.asarray(center, np.float32),
        np.asarray(components, np.float32),
        _mean_cosine(others @ start, target),
        _mean_cosine(others @ table, target),
    )


def _principal(centred: Vectors, dim: int) -> NDArray[np.float64]:
    """Return the first principal directions: (d, dim)."""
    _, directions = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    return np.asarray(directions[:, ::-1][:, :dim])


def _sif(texts: Sequence[Sequence[int]], tokens: int) -> NDArray[np.float64]:
    """Return a weight for each token, the rarer the higher, at most 1."""
    counts = np.bincount(np.concatenate([np.asarray(text, np.int64) for text in texts]), minlength=tokens)
    return np.asarray(_SIF / (_SIF + counts / max(int(counts.sum()), 1)))


def _means(texts: Sequence[Sequence[int]], tokens: int) -> Any:
    """Return a sparse matrix by which a table gives each text the mean of its tokens' vectors: (n, tokens)."""
    try:
        sparse = importlib.import_module("scipy.sparse")
    except ImportError as error:
        raise MissingExtra("distilling a static model", "train") from error
    lengths = np.array([max(len(text), 1) for text in texts])
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    columns = np.concatenate([np.asarray(text, np.int64) for text in texts]) if len(texts) else np.zeros(0, np.int64)
    return sparse.csr_matrix((1.0 / lengths[rows], (rows, columns)), shape=(len(texts), tokens))


def _scale(made: NDArray[Any], goal: NDArray[Any]) -> float:
    return float((made * goal).sum() / max(float((made * made).sum()), 1e-12))


def _choose(counts: Any, goal: NDArray[Any], tried: Any, wanted: NDArray[Any], start: NDArray[Any]) -> float:
    residual = goal - counts @ start
    base = tried @ start
    scores = {
        penalty: _mean_cosine(base + tried @ _correction(counts, residual, penalty), wanted) for penalty in _PENALTIES
    }
    return max(scores, key=lambda penalty: scores[penalty])


def _correction(counts: Any, residual: NDArray[Any], penalty: float) -> NDArray[np.float64]:
    """Return what to add to the table: (tokens, dim)."""
    gram = (counts @ counts.T).toarray()
    gram[np.diag_indices_from(gram)] += penalty * gram.diagonal().mean()
    return np.asarray(counts.T @ np.linalg.solve(gram, residual))


def _mean_cosine(made: NDArray[Any], wanted: NDArray[Any]) -> float:
    return float((_unit(made) * _unit(wanted)).sum(axis=1).mean())


def _unit(rows: NDArray[Any]) -> Vectors:
    return unit(np.asarray(rows, np.float32))
