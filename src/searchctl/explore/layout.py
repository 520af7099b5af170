"""Where texts lie on a map: likeness as nearness in two dimensions."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import MissingExtra
from searchctl.explore.languages import aligned
from searchctl.explore.neighbours import reduced
from searchctl.translation import _
from searchctl.types import Vectors

Places = NDArray[np.float64]

_ANCHORS = 2500  # rows laid out by t-SNE; the others are put among them
_DIRECTIONS = 50
_AROUND = 5
_BLOCK = 4096
_OWN_TOPIC = 0.25  # how much nearer an anchor of the row's own topic counts, in cosine
_SCATTER = 0.006  # of the map's width, so that equal texts don't hide each other


def layout(texts: Sequence[str], vectors: Vectors, labels: NDArray[np.int64], seed: int = 0) -> Places:
    """Return a place (n, 2) in [0, 1] for each text with these vectors (n, dim) and topics (-1: none).

    Raises MissingExtra without scikit-learn.
    """
    n = len(vectors)
    if n < 8:
        angles = np.arange(n) * 2 * np.pi / max(n, 1)
        return np.stack([0.5 + 0.4 * np.cos(angles), 0.5 + 0.4 * np.sin(angles)], axis=1)
    random = np.random.default_rng(seed)
    space = reduced(aligned(texts, vectors), _DIRECTIONS)
    anchors = np.sort(random.permutation(n)[:_ANCHORS])
    placed = _tsne(space[anchors], seed)
    places = placed if n <= _ANCHORS else _between(space, labels, anchors, placed)
    places = places + random.normal(0.0, _SCATTER / 2, places.shape)
    low, high = places.min(axis=0), places.max(axis=0)
    result: Places = (places - low) / np.maximum(high - low, 1e-9)
    return result


def _tsne(space: Vectors, seed: int) -> Places:
    try:
        manifold = importlib.import_module("sklearn.manifold")
    except ImportError as error:
        raise MissingExtra(_("a map of topics"), "explore") from error
    perplexity = min(30.0, (len(space) - 1) / 4)
    start = (space[:, -2:] * 1e-4).astype(np.float32)  # the directions of largest variance; scikit-learn's own scale
    with importlib.import_module("threadpoolctl").threadpool_limits(1):  # its threads wait longer than they work
        embedded = manifold.TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(space)
    places = np.asarray(embedded, np.float64)
    spread = np.abs(places - np.median(places, axis=0)).max()
    result: Places = places / max(float(spread), 1e-9)
    return result


def _between(space: Vectors, labels: NDArray[np.int64], anchors: NDArray[np.int64], placed: Places) -> Places:
    """Put each row at the weighted mean of the anchors nearest to it, those of its own topic first."""
    places = np.empty((len(space), 2))
    theirs = labels[anchors]
    for start in range(0, len(space), _BLOCK):
        own = labels[start : start + _BLOCK, None]
        cosines = space[start : start + _BLOCK] @ space[anchors].T + _OWN_TOPIC * ((own == theirs) & (own >= 0))
        best = np.argpartition(-cosines, _AROUND, axis=1)[:, :_AROUND]
        values = np.take_along_axis(cosines, best, axis=1)
        weights = np.exp(10.0 * (values - values.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        places[start : start + _BLOCK] = (placed[best] * weights[:, :, None]).sum(axis=1)
    places[anchors] = placed
    return places
