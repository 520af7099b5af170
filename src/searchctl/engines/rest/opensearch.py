"""OpenSearch's own words: the k-NN plugin's field and query."""

from __future__ import annotations

from collections.abc import Sequence

from searchctl.engines.rest.dialect import excluded
from searchctl.engines.rest.documents import LEVEL
from searchctl.engines.rest.options import IndexOptions, Quantisation, VectorEngine
from searchctl.engines.rest.server import Server
from searchctl.errors import UsageError
from searchctl.translation import _
from searchctl.types import Json

_FEWEST_CANDIDATES = 100
_MOST_CANDIDATES = 10_000  # the plugin's own limit
_ENCODERS: dict[tuple[VectorEngine, Quantisation], Json] = {
    ("lucene", "none"): {},
    ("lucene", "int8"): {"encoder": {"name": "sq"}},
    ("faiss", "none"): {},
    ("faiss", "fp16"): {"encoder": {"name": "sq", "parameters": {"type": "fp16"}}},
}
_OF_DOCUMENTS: Json = {"term": {"searchctl.level": LEVEL}}  # k-NN 2.19 and 3.5 take other filters to be about passages


class OpenSearch:
    """OpenSearch 2 and 3 with the k-NN plugin. Implements `Dialect`."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def vector_field(self, field: Json, dim: int, options: IndexOptions) -> Json:
        """Return a `knn_vector` of that dimension; raises UsageError where the server can't have it."""
        kind = (options.vector_engine, options.quantisation)
        if kind not in _ENCODERS:
            known = ", ".join(f"{engine} with {quantisation}" for engine, quantisation in _ENCODERS)
            raise UsageError(
                _("OpenSearch has no {kind} vectors in {kind2}; choose one of: {known}").format(
                    kind=kind[1], kind2=kind[0], known=known
                )
            )
        graph = {"m": options.hnsw_m, "ef_construction": options.hnsw_ef_construction, **_ENCODERS[kind]}
        return {
            **field,
            "dimension": dim,
            "method": {**field["method"], "engine": options.vector_engine, "parameters": graph},
        }

    def nearest(self, vector: Sequence[float], k: int, filters: Sequence[Json]) -> Json:
        """Return a nested k-NN query: filters stand inside it, so that k documents are found among the allowed.

        Lucene's graph is searched as widely as `k` is large, and misses the nearest for a small one.
        """
        clause: Json = {"vector": vector, "k": min(max(2 * k, _FEWEST_CANDIDATES), _MOST_CANDIDATES)}
        if filters:
            clause["filter"] = {"bool": {"filter": [_OF_DOCUMENTS, *filters]}}
        nested = {
            "path": "passages",
            "score_mode": "max",
            "query": {"knn": {"passages.vector": clause}},
            "inner_hits": {"size": 1, "_source": False},
        }
        return {"query": {"nested": nested}}

    def source(self, *, vectors: bool) -> Json:
        """Return `_source` of a search."""
        return {"excludes": excluded(vectors=vectors)}

    def source_parameters(self, *, vectors: bool) -> dict[str, str]:
        """Return `_source` of a request by id."""
        return {"_source_excludes": ",".join(excluded(vectors=vectors))}
