"""What a reranker must do: say for a query and some texts how well each answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from searchctl.types import Vectors


class Reranker(Protocol):
    """Reads a query together with a text, which is slower and sharper than comparing two vectors made apart."""

    @property
    def name(self) -> str:
        """Short name, shown with the answers."""

    @property
    def weight(self) -> float:
        """How much its score counts against the fused one, in [0, 1]; 1 leaves the order to it alone."""

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each text answers the query: (n,), in [0, 1], on one scale for all queries."""


@runtime_checkable
class TokenEncoder(Protocol):
    """An encoder that can tell the vector of every token: for each text (tokens, dim)."""

    def query_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Encode what people ask. A row is as long as its token counts; the lengths' sum is 1."""

    def document_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Encode what is searched; rows of length 1."""
