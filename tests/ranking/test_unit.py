"""Vectors of length 1."""

from __future__ import annotations

import numpy as np
import pytest

from searchctl.ranking.unit import unit


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rows_get_length_1_and_keep_their_type(kind: type) -> None:
    rows = np.array([[3, 4], [0, 0], [0, -2]], kind)
    scaled = unit(rows)
    assert scaled.dtype == kind and scaled.tolist() == pytest.approx(np.array([[0.6, 0.8], [0, 0], [0, -1]]))
    assert unit(rows[0]).tolist() == pytest.approx([0.6, 0.8]) and rows[0].tolist() == [3, 4]
    assert unit(rows[None]).shape == (1, 3, 2)
