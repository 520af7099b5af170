"""The passage of a document that answers a query best, and the words in it that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from searchctl.schema import Analyzer
from searchctl.text import analyze, spans_of
from searchctl.types import Document, HitPassage, Passage

_STRETCH = 800  # code points; about what a passage of the usual 256 tokens has


def show_passage(
    document: Document, passages: Sequence[Passage], best: int, weights: Mapping[str, float], analyzer: Analyzer
) -> HitPassage | None:
    """Return passage number `best` of the document with its matching words marked.

    `weights` maps each analysed query term to how much it tells (its inverse document frequency). With `best` -1 the passage
    whose terms tell most is taken, the first of equals. A document that isn't cut yet is shown in even stretches; None for one
    without text.
    """
    passages = passages or _stretches(document.text)
    if not passages:
        return None
    number = best if 0 <= best < len(passages) else _most_telling(document.text, passages, weights, analyzer)
    passage = passages[number]
    text = document.text[passage.start : passage.end]
    return HitPassage(text, passage.start, passage.end, tuple(spans_of(text, weights, analyzer)))


def _stretches(text: str) -> list[Passage]:
    return [Passage(start, min(start + _STRETCH, len(text))) for start in range(0, len(text), _STRETCH)]


def _most_telling(text: str, passages: Sequence[Passage], weights: Mapping[str, float], analyzer: Analyzer) -> int:
    if len(passages) == 1:
        return 0
    return max(range(len(passages)), key=lambda number: _worth(text, passages[number], weights, analyzer))


def _worth(text: str, passage: Passage, weights: Mapping[str, float], analyzer: Analyzer) -> float:
    terms = {token.term for token in analyze(text[passage.start : passage.end], analyzer)}
    return sum(weights.get(term, 0.0) for term in terms)
