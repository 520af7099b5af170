"""An encoder: texts with the same groups of three letters are alike, so typing errors are found."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from searchctl.errors import EncoderUnavailable
from searchctl.types import Vectors


class TrigramEncoder:
    """Counts groups of three letters, each at a place given by its hash."""

    max_tokens = 100_000

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.name = f"trigrams:{dim}"  # must open the same encoder again: each index keeps it
        self.revision = hashlib.sha256(f"trigrams 1 {dim}".encode()).hexdigest()[:12]

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode queries like documents."""
        return self.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of shape (n, dim), float32."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            letters = f"  {' '.join(text.lower().split())} "
            for start in range(len(letters) - 2):
                digest = hashlib.blake2b(letters[start : start + 3].encode(), digest_size=8).digest()
                vector[int.from_bytes(digest, "big") % self.dim] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count words."""
        return [len(text.split()) for text in texts]


def open_trigrams(name: str, *, threads: int | None = None) -> TrigramEncoder:
    """Open `trigrams` or `trigrams:DIM`; `threads` is of no use here."""
    option = name.partition(":")[2] or "512"
    if not option.isdigit() or not 64 <= int(option) <= 4096:
        raise EncoderUnavailable(f"'{name}' isn't an encoder; write trigrams:DIM with 64 to 4096, as in trigrams:512")
    return TrigramEncoder(int(option))
