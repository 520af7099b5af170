"""Length 1, which every vector here has: so that products of vectors are cosines."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Rows = TypeVar("Rows", NDArray[np.float32], NDArray[np.float64])
TINY = 1e-12  # lengths below count as this, so that nothing is divided by 0


def unit(rows: Rows) -> Rows:
    """Return vectors (..., dim) scaled to length 1, in their own type; a vector of zeros stays one."""
    scaled: Rows = (rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), TINY)).astype(
        rows.dtype, copy=False
    )
    return scaled


def unit_or_first_axis(rows: Rows) -> Rows:
    """Return vectors (n, dim) scaled to length 1; a vector of zeros, which has no direction, points along the first axis."""
    scaled = unit(rows)
    scaled[np.linalg.norm(rows, axis=-1) < TINY] = np.eye(1, rows.shape[-1], dtype=rows.dtype)
    return scaled
