"""Texts on one subject in several languages, brought together: what a language has in common is no subject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.unit import unit
from searchctl.text.scripts import is_cyrillic
from searchctl.types import Vectors

FEWEST = 20  # texts of a script from which its mean is known


def are_cyrillic(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which texts have more Cyrillic letters than Latin ones."""
    return np.array([is_cyrillic(text) for text in texts], np.bool_)


def aligned(texts: Sequence[str], vectors: Vectors) -> Vectors:
    """Return vectors (n, dim), rows of length 1, of which the mean of all texts in the same script is taken away.

    Encoders set each language a little apart, so that without this every topic comes twice (benchmarks/explore.py).
    """
    cyrillic = are_cyrillic(texts)
    moved = vectors - vectors.mean(axis=0)
    for group in (cyrillic, ~cyrillic):
        if FEWEST <= group.sum() < len(texts):
            moved[group] = vectors[group] - vectors[group].mean(axis=0)
    return np.ascontiguousarray(unit(moved))
