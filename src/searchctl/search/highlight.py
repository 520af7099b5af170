"""The passage of a document that answers a query best, the words in it that do, and the sentence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import chain

from searchctl.schema import Analyzer
from searchctl.text.analysis import matching
from searchctl.text.sentences import sentences
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
    spans = sentences(text) if found else []
    sentence = best_sentence(spans, sentence_shares(found, spans, weights))
    return HitPassage(text, passage.start, passage.end, tuple(sorted(chain.from_iterable(found.values()))), sentence)


def best_sentence(spans: Sequence[Passage], scores: Sequence[float]) -> tuple[int, int] | None:
    """Return the span of the sentence that has the highest score, the first of equals; None where there is none."""
    if not spans:
        return None
    best = spans[scores.index(max(scores))]
    return best.start, best.end


def sentence_shares(
    found: Mapping[str, Sequence[tuple[int, int]]], spans: Sequence[Passage], weights: Mapping[str, float]
) -> list[float]:
    """Return for each sentence the share in [0, 1] of what the query's words tell that stands in it.

    `found` are the text's words that match, of `text.matching`.
    """
    total = sum(weights.values()) or 1.0
    ends = [span.end for span in spans]
    shares = [0.0] * len(spans)
    for term, weight in weights.items():
        for number in {bisect_right(ends, start) for start, _ in found.get(term, ())}:  # every word is in a sentence
            shares[number] += weight / total
    return shares


def _stretches(text: str) -> list[Passage]:
    """Cut a text whose vectors are deferred: even, as there's no encoder at hand to count its tokens."""
    return [Passage(start, min(start + _STRETCH, len(text))) for start in range(0, len(text), _STRETCH)]


def _most_telling(text: str, passages: Sequence[Passage], weights: Mapping[str, float], analyzer: Analyzer) -> int:
    if len(passages) == 1:
        return 0
    found = [matching(text[one.start : one.end], weights, analyzer) for one in passages]
    worth = [sum(weight for term, weight in weights.items() if term in held) for held in found]
    return worth.index(max(worth))
