"""The words of texts as vectors, for what a sentence encoder overlooks: names, codes, question words.

Stems and pairs of neighbouring words, weighted by how rare they are among the examples, are hashed into `WIDTH` numbers
(Weinberger et al. 2009, "Feature hashing for large scale multitask learning").
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from searchctl.ranking.unit import unit
from searchctl.routing.votes import Floats
from searchctl.text.analysis import analyze

WIDTH = 1024
_BUCKETS = 1 << 16
_WORD = re.compile(r"\w+")
_LONGEST = 4000  # code points of a text whose words are looked at


@dataclass(frozen=True, slots=True)
class Words:
    """How rare words are among the examples: `rarity` (65,536,), by the hash of a word."""

    rarity: Floats

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return the words of texts as rows of length 1: (n, WIDTH)."""
        rows = np.zeros((len(texts), WIDTH), np.float32)
        for row, text in zip(rows, texts, strict=True):
            hashes = _hashes(text)
            signs = np.where(hashes >> 31 & 1, np.float32(1), np.float32(-1))
            np.add.at(row, hashes >> 16 & (WIDTH - 1), signs * self.rarity[hashes & (_BUCKETS - 1)])
        return unit(rows)


def learn_words(texts: Sequence[str]) -> Words:
    """Learn from examples how rare words are: log((n + 1) / (frequency + 0.5))."""
    counts = np.zeros(_BUCKETS, np.float32)
    for text in texts:
        counts[np.unique(_hashes(text) & (_BUCKETS - 1))] += 1
    return Words(np.log((len(texts) + 1) / (counts + np.float32(0.5))).astype(np.float32).clip(0))


def _hashes(text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return a hash of 32 bits for each different stem and pair of words."""
    head = text[:_LONGEST]
    words = ["^", *_WORD.findall(head.lower()), "$"]
    features = {f"s{token.term}" for token in analyze(head)} | {
        f"{word} {other}" for word, other in zip(words, words[1:], strict=False)
    }
    return np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in sorted(features)], np.int64)
