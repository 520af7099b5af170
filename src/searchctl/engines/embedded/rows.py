"""A set of documents that a filter leaves: evaluated once, kept, and asked in the ways that the legs need."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RowSet:
    """Rows of documents, (n,), ascending."""

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self.rows = rows
        self.kept: Any = None  # what a leg has made of it, with what that was made for

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def _mask(self) -> NDArray[np.bool_]:
        """By row; the last element stands for all beyond."""
        mask = np.zeros(int(self.rows[-1]) + 2 if len(self.rows) else 1, np.bool_)
        mask[self.rows] = True
        return mask

    def holds(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell for each of these rows, (m,), whether it's in the set."""
        mask = self._mask
        return mask[np.minimum(rows, len(mask) - 1)]
