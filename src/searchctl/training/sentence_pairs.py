"""Pairs of neighbouring sentences, and of strangers, for the objective that BERT had beside masked words. Pure functions.

Devlin et al., "BERT" (2019), next sentence prediction: half of the pairs follow each other in a document, in the other half the
second is from another document. transformers 5 has nothing of the kind any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from searchctl.training.masking import TokenRow

_SHORTER = 0.1  # of the pairs aim at a length below the longest, so that short inputs are known too
_FOLLOWING = 0.5


@dataclass(frozen=True, slots=True)
class SentenceTokens:
    """A sentence's token ids (tokens,), without special ones, and the places of each of its words' tokens."""

    ids: tuple[int, ...]
    words: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class PairFrame:
    """The special tokens around a pair: one before, one after each part."""

    start: int
    end: int


def sentence_pairs(
    documents: Sequence[Sequence[SentenceTokens]], frame: PairFrame, longest: int, random: np.random.Generator
) -> list[TokenRow]:
    """Return pairs from documents, each a list of sentences, of at most `longest` tokens with the special ones.

    Each document's sentences are used up once, in order: a first part of some of them, and then what follows, or sentences of
    another document; what was to follow then begins the next pair. Documents of one sentence only lend their sentence.
    """
    rows: list[TokenRow] = []
    room = longest - 3
    if len(documents) < 2:
        return rows
    for number, sentences in enumerate(documents):
        start = 0
        while len(sentences) - start >= 2:
            aim = room if random.random() >= _SHORTER else int(random.integers(2, room + 1))
            end, size = start, 0
            while end < len(sentences) and (end - start < 2 or size + len(sentences[end].ids) <= aim):
                size += len(sentences[end].ids)
                end += 1
            border = start + int(random.integers(1, end - start))
            first = joined(sentences[start:border])
            follows = bool(random.random() < _FOLLOWING)
            if follows:
                second, start = joined(sentences[border:end]), end
            else:
                second = _of_another(documents, number, max(1, aim - len(first.ids)), random)
                start = border
            first, second = cut(first, second, room, random)
            rows.append(framed(first, second, frame, follows))
    return rows


def joined(sentences: Sequence[SentenceTokens]) -> SentenceTokens:
    """Return sentences as one."""
    ids: list[int] = []
    words: list[tuple[int, ...]] = []
    for sentence in sentences:
        words += [tuple(place + len(ids) for place in word) for word in sentence.words]
        ids += sentence.ids
    return SentenceTokens(tuple(ids), tuple(words))


def cut(
    first: SentenceTokens, second: SentenceTokens, room: int, random: np.random.Generator
) -> tuple[SentenceTokens, SentenceTokens]:
    """Shorten the longer of the two, at its beginning or its end, until both have room together; each keeps a token."""
    spans = [[0, len(first.ids)], [0, len(second.ids)]]
    while sum(end - start for start, end in spans) > room:
        longer = spans[0] if spans[0][1] - spans[0][0] > spans[1][1] - spans[1][0] else spans[1]
        if longer[1] - longer[0] <= 1:
            break
        if random.random() < 0.5:
            longer[0] += 1
        else:
            longer[1] -= 1
    return _part(first, *spans[0]), _part(second, *spans[1])


def framed(first: SentenceTokens, second: SentenceTokens, frame: PairFrame, follows: bool) -> TokenRow:
    """Return a pair with its special tokens; types are 0 up to the first end and 1 after it."""
    ids = (frame.start, *first.ids, frame.end, *second.ids, frame.end)
    types = (0,) * (len(first.ids) + 2) + (1,) * (len(second.ids) + 1)
    behind = len(first.ids) + 2
    words = [tuple(place + 1 for place in word) for word in first.words]
    words += [tuple(place + behind for place in word) for word in second.words]
    return TokenRow(ids, tuple(words), types, follows)


def _of_another(
    documents: Sequence[Sequence[SentenceTokens]], own: int, room: int, random: np.random.Generator
) -> SentenceTokens:
    """Return sentences of another document, from a random one on, as long as there is room for."""
    other = int(random.integers(len(documents) - 1))
    sentences = documents[other + (other >= own)]
    start = int(random.integers(len(sentences)))
    end, size = start, 0
    while end < len(sentences) and (end == start or size + len(sentences[end].ids) <= room):
        size += len(sentences[end].ids)
        end += 1
    return joined(sentences[start:end])


def _part(sentence: SentenceTokens, start: int, end: int) -> SentenceTokens:
    """Return the tokens from `start` to `end`, and those words of which all tokens remain."""
    words = [word for word in sentence.words if word[0] >= start and word[-1] < end]
    return SentenceTokens(sentence.ids[start:end], tuple(tuple(place - start for place in word) for word in words))
