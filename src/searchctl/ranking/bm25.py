"""The parts of Lucene's BM25 that are needed outside an engine."""

from __future__ import annotations

import math

from searchctl.types import TermStatistics


def idf(documents: int, frequency: int) -> float:
    """Return how much a term tells: ln(1 + (N - n + 0.5) / (n + 0.5)), with N documents of which n hold it.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), in Lucene's form, which is never
    negative. The most for a term that no document holds.
    """
    return math.log1p((max(documents - frequency, 0) + 0.5) / (frequency + 0.5))


def term_weights(statistics: TermStatistics) -> dict[str, float]:
    """Return each term's inverse document frequency."""
    return {term: idf(statistics.documents, frequency) for term, frequency in statistics.frequencies.items()}


def upper_bound(statistics: TermStatistics) -> float:
    """Return a score no document can reach for these terms: Lucene's BM25 is a sum of idf · tf / (tf + …), each factor below 1."""
    return sum(term_weights(statistics).values())
