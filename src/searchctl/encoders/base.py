"""What an encoder must do: turn texts into unit vectors, queries and documents each in their own way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from searchctl.types import Vectors


class Encoder(Protocol):
    """A sentence encoder. Vectors are float32, shape (n, dim), rows of length 1; no texts give shape (0, dim).

    Prefixes and prompts are the encoder's own business. For classification both sides are encoded as queries.
    """

    @property
    def name(self) -> str:
        """Short name, written into every index made with it."""

    @property
    def revision(self) -> str:
        """Hash of the files that decide its vectors, 12 hex digits."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Longest text it reads, in its own tokens; the rest is cut."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people ask."""

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode what is searched."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without prefixes and special tokens."""
