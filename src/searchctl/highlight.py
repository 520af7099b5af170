"""The passage of a document that answers a query best, the words in it that do, and the sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from searchctl.schema import Analyzer
from searchctl.sentences import sentences
from searchctl.text import Token, matching
from searchctl.types import Document, HitPassage, Passage

_STRETCH = 800  # code points; about what a passage of the usual 256 tokens has


def best_passage(
    document: Document, passages: Sequence[Passage], best: int, weights: Mapping[str, float], analyzer: Analyzer
) -> Passage | None:
    """Return passage number `best`, or with -1 the one whose terms tell most, the first of equals; None where there is none."""
    passages = passages or _stretches(document.text)
    if not passages:
        return None
    return passages[best if 0 <= best < len(passages) else _most_telling(document.text, passages, weights, analyzer)]


def show_passage(
    document: Document, passages: Sequence[Passage], best: int, weights: Mapping[str, float], analyzer: Analyzer
) -> HitPassage | None:
    """Return passage number `best` of the document with its matching words and the sentence they tell most in.

    `weights` maps each analysed query term to how much it tells (its inverse document frequency); see `best_passage`. No
    sentence where no word matches.
    """
    passage = best_passage(document, passages, best, weights, analyzer)
    if passage is None:
        return None
    text = document.text[passage.start : passage.end]
    found = matching(text, weights, analyzer)
    shown = HitPassage(text, passage.start, passage.end, tuple((token.start, token.end) for token in found))
    if not found:
        return shown
    spans = sentences(text)
    return with_sentence(shown, spans, sentence_shares(found, spans, weights))


def with_sentence(passage: HitPassage, spans: Sequence[Passage], scores: Sequence[float]) -> HitPassage:
    """Return the passage with the sentence that has the highest score, the first of equals."""
    if not spans:
        return passage
    best = spans[max(range(len(spans)), key=lambda number: scores[number])]
    return replace(passage, sentence=(best.start, best.end))


def sentence_shares(found: Sequence[Token], spans: Sequence[Passage], weights: Mapping[str, float]) -> list[float]:
    """Return for each sentence the share in [0, 1] of what the query's words tell that stands in it.

    `found` are the text's words that match, of `text.matching`.
    """
    total = sum(weights.values()) or 1.0
    return [
        _worth([token for token in found if span.start <= token.start < span.end], weights) / total for span in spans
    ]


def _stretches(text: str) -> list[Passage]:
    """Cut a text whose vectors are deferred: even, as there's no encoder at hand to count its tokens."""
    return [Passage(start, min(start + _STRETCH, len(text))) for start in range(0, len(text), _STRETCH)]


def _most_telling(text: str, passages: Sequence[Passage], weights: Mapping[str, float], analyzer: Analyzer) -> int:
    if len(passages) == 1:
        return 0
    found = [matching(text[one.start : one.end], weights, analyzer) for one in passages]
    return max(range(len(passages)), key=lambda number: _worth(found[number], weights))


def _worth(found: Sequence[Token], weights: Mapping[str, float]) -> float:
    return sum(weights[term] for term in {token.term for token in found})
