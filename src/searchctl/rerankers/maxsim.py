"""Late interaction: every word of the query looks for its nearest word in the text.

Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over BERT" (SIGIR
2020), here over an encoder that wasn't trained for it and so needs no model of its own; only how much each token of a query
counts is learnt (tools/train_maxsim.py). Measured in benchmarks/rerank.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from searchctl.rerankers.base import TokenEncoder

_FLOOR = 0.5  # no text has less; the weight was chosen on development halves


class MaxSim:
    """Scores a text by the weighted mean over the query's tokens of the highest cosine with any of its own. A `Reranker`."""

    name = "maxsim"
    weight = 0.5

    def __init__(self, encoder: TokenEncoder) -> None:
        self._encoder = encoder
        self._query: tuple[str, NDArray[np.float32]] | None = None

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each text answers the query: (n,), in [0, 1]."""
        tokens = self._query_tokens(query)
        scores = np.zeros(len(texts))
        for row, words in enumerate(self._encoder.document_tokens(texts)):
            if len(words) and len(tokens):
                nearest = float((tokens @ words.T).max(axis=1).sum())
                scores[row] = min(max((nearest - _FLOOR) / (1.0 - _FLOOR), 0.0), 1.0)
        return scores

    def _query_tokens(self, query: str) -> NDArray[np.float32]:
        """Encode the query once for all of its batches; other threads may ask for another one meanwhile."""
        known = self._query
        if known is None or known[0] != query:
            known = self._query = (query, self._encoder.query_tokens([query])[0])
        return known[1]
