"""The seam between what both servers share and what each says in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from searchctl.engines.rest.options import IndexOptions
from searchctl.engines.rest.server import Server
from searchctl.types import Json


class Dialect(Protocol):
    """One server's own words. Vectors are numbers of a vector of length 1, filters are query clauses."""

    server: Server

    def vector_field(self, field: Json, dim: int, options: IndexOptions) -> Json:
        """Return the mapping of `passages.vector` for `dim` numbers, from the template's; raises UsageError."""

    def nearest(self, vector: Sequence[float], k: int, filters: Sequence[Json]) -> Json:
        """Return a search body for the `k` documents with the nearest passage, that passage as inner hit."""

    def source(self, *, vectors: bool) -> Json:
        """Return `_source` of a search body that brings documents, with their vectors or without."""

    def source_parameters(self, *, vectors: bool) -> dict[str, str]:
        """Return the same as parameters of a request by id."""


UNSTORED = "content"  # holds what is searched, not what was given
VECTORS = "passages.vector"


def excluded(*, vectors: bool) -> list[str]:
    """Return what documents are brought without."""
    return [UNSTORED] if vectors else [UNSTORED, VECTORS]
