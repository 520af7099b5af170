"""The passage of a document that answers a query best, and the words in it that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from searchctl.schema import Analyzer
from searchctl.text import analyze
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
    passage = (
        passages[best]
        if 0 <= best < len(passages)
        else max(passages, key=lambda one: _worth(document.text, one, weights, analyzer))
    )
    text = document.text[passage.start : passage.end]
    marks = tuple((token.start, token.end) for token in analyze(text, analyzer) if token.term in weights)
    return HitPassage(text, passage.start, passage.end, marks)


def _worth(text: str, passage: Passage, weights: Mapping[str, float], analyzer: Analyzer) -> float:
    terms = {token.term for token in analyze(text[passage.start : passage.end], analyzer)}
    return sum(weights.get(term, 0.0) for term in terms)
