"""An encoder without weights: words and their pieces hashed to signed places. For volume tests and for trying things out.

Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.unit import unit
from searchctl.types import Vectors

_WORD = re.compile(r"\w+")
_CACHED_WORDS = 200_000
_REVISION = "1"


class HashingEncoder:
    """Texts that share words, or pieces of words, get a higher cosine. The same everywhere and always. Implements `Encoder`."""

    max_tokens = 1_000_000

    def __init__(self, dim: int = 256) -> None:
        if not 8 <= dim <= 4096:
            raise ValueError(f"dim must be 8 to 4096, found {dim}")
        self.dim = dim
        self.name = f"hashing:{dim}"
        self.revision = hashlib.sha256(f"hashing {_REVISION} {dim}".encode()).hexdigest()[:12]
        self._features = lru_cache(_CACHED_WORDS)(self._word_features)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode texts; queries and documents alike."""
        return self.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode texts: shape (n, dim). A text without words points along the first axis."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            features = [self._features(word) for word in _WORD.findall(text.lower())]
            if features:
                np.add.at(
                    vector,
                    np.concatenate([places for places, _ in features]),
                    np.concatenate([signs for _, signs in features]),
                )
        vectors[~vectors.any(axis=1), 0] = 1
        return unit(vectors)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count words."""
        return [len(_WORD.findall(text)) for text in texts]

    def _word_features(self, word: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        padded = f"<{word}>"
        pieces = [padded, *(padded[start : start + 4] for start in range(len(padded) - 3))]
        hashes = [int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=8).digest(), "little") for piece in pieces]
        columns = np.array([value % self.dim for value in hashes], np.int64)
        signs = np.array([1.0 if value >> 63 else -1.0 for value in hashes], np.float32)
        signs[1:] *= 0.5  # a whole word tells more than its pieces
        return columns, signs
