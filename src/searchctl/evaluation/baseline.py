"""rank-bm25 beside our own lexical leg: another implementation, so that a fault in ours would show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from searchctl.errors import MissingExtra
from searchctl.schema import Analyzer
from searchctl.text.analysis import analyze
from searchctl.translation import _
from searchctl.types import Document


class RankBm25:
    """BM25 (Okapi's idf, k1 1.2, b 0.75) over documents in memory, their words analysed as the index analyses them.

    Every query looks at every document: for thousands of documents, not millions. Raises MissingExtra.
    """

    def __init__(self, documents: Iterable[Document], analyzer: Analyzer) -> None:
        try:
            from rank_bm25 import BM25Okapi
        except ImportError as error:
            raise MissingExtra(_("the mode rank-bm25"), "evaluate") from error
        self._analyzer: Analyzer = analyzer
        self._ids: list[str] = []
        words = []
        for document in documents:
            self._ids.append(document.id)
            words.append(self._terms(f"{document.title}\n{document.text}"))
        self._model = BM25Okapi(words, k1=1.2, b=0.75) if any(words) else None

    def search(self, text: str, k: int) -> Sequence[str]:
        """Return the ids of the `k` best documents, best first, ties by id; only such as share a word with the query."""
        terms = self._terms(text)
        if self._model is None or not terms:
            return []
        scores = np.asarray(self._model.get_scores(terms))
        # Okapi's idf is negative for words in more than half of the documents, so a match isn't always above 0
        rows = [row for row, count in enumerate(self._model.doc_freqs) if any(term in count for term in terms)]
        return [self._ids[row] for row in sorted(rows, key=lambda row: (-scores[row], self._ids[row]))[:k]]

    def _terms(self, text: str) -> list[str]:
        return [token.term for token in analyze(text, self._analyzer)]
