"""The passage of a document that answers a query best, and the words in it that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from searchctl.schema import Analyzer
from searchctl.text import analyze, spans_of
from searchctl.types import Document, HitPassage, Passage


def show_passage(
    document: Document, passages: Sequence[Passage], best: int, weights: Mapping[str, float], analyzer: Analyzer
) -> HitPassage | None:
    """Return passage number `best` of the document with its matching words marked.

    `weights` maps each analysed query term to how much it tells (its inverse document frequency). With `best` -1 the passage
    whose terms tell most is taken, the first of equals. None for a document without passages.
    """
    if not passages:
        return None
    number = best if 0 <= best < len(passages) else _most_telling(document.text, passages, weights, analyzer)
    passage = passages[number]
    text = document.text[passage.start : passage.end]
    return HitPassage(text, passage.start, passage.end, tuple(spans_of(text, weights, analyzer)))


def _most_telling(text: str, passages: Sequence[Passage], weights: Mapping[str, float], analyzer: Analyzer) -> int:
    if len(passages) == 1:
        return 0
    return max(range(len(passages)), key=lambda number: _worth(text, passages[number], weights, analyzer))


def _worth(text: str, passage: Passage, weights: Mapping[str, float], analyzer: Analyzer) -> float:
    terms = {token.term for token in analyze(text[passage.start : passage.end], analyzer)}
    return sum(weights.get(term, 0.0) for term in terms)
