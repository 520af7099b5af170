"""A reranker: the share of the query's words that a text has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class SharedWords:
    """Scores a text by the query's words in it."""

    name = "shared-words"
    weight = 0.5  # as much as the search's own score

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return a score in [0, 1] for each text."""
        wanted = set(query.lower().split())
        return np.array([len(wanted & set(text.lower().split())) / max(len(wanted), 1) for text in texts])
