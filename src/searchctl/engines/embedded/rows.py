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


def different(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each value once, ascending. As np.unique, which imports a masked array for it: 10 ms of a short process."""
    ordered = np.sort(values)
    return ordered[_begins(ordered)]


def first_of_each(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each value stands for the first time, ascending."""
    order = np.argsort(values, kind="stable")
    return np.sort(order[_begins(values[order])])


def _begins(ordered: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where in ordered values another one begins."""
    begins = np.ones(len(ordered), np.bool_)
    begins[1:] = ordered[1:] != ordered[:-1]
    return begins
