"""Elasticsearch's own words: dense vectors and the `knn` section of a search."""

from __future__ import annotations

from collections.abc import Sequence

from searchctl.engines.rest.dialect import excluded
from searchctl.engines.rest.options import IndexOptions, Quantisation
from searchctl.engines.rest.server import Server
from searchctl.errors import UsageError
from searchctl.translation import _
from searchctl.types import Json

_GRAPHS: dict[Quantisation, str] = {"none": "hnsw", "int8": "int8_hnsw", "bbq": "bbq_hnsw"}
_FEWEST_CANDIDATES = 100
_MOST_CANDIDATES = 10_000  # the server's own limit


class Elasticsearch:
    """Elasticsearch 8.11 and later, with any licence. Implements `Dialect`."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def vector_field(self, field: Json, dim: int, options: IndexOptions) -> Json:
        """Return a `dense_vector` of that dimension; raises UsageError where the server can't have it."""
        if options.quantisation not in _GRAPHS:
            known = ", ".join(_GRAPHS)
            raise UsageError(
                _("Elasticsearch has no {quantisation} vectors; choose one of: {known}").format(
                    quantisation=options.quantisation, known=known
                )
            )
        graph = {"m": options.hnsw_m, "ef_construction": options.hnsw_ef_construction}
        return {**field, "dims": dim, "index_options": {"type": _GRAPHS[options.quantisation], **graph}}

    def nearest(self, vector: Sequence[float], k: int, filters: Sequence[Json]) -> Json:
        """Return a kNN search; twice as many candidates as wanted keep the graph's recall high."""
        knn: Json = {
            "field": "passages.vector",
            "query_vector": vector,
            "k": k,
            "num_candidates": min(max(2 * k, _FEWEST_CANDIDATES), _MOST_CANDIDATES),
            "inner_hits": {"size": 1, "_source": False},
        }
        if filters:
            knn["filter"] = {"bool": {"filter": list(filters)}}
        return {"knn": knn}

    def source(self, *, vectors: bool) -> Json:
        """Return `_source` of a search; 9.2 and later bring vectors only when asked."""
        options = {"exclude_vectors": False} if vectors and self.server.hides_vectors else {}
        return {"excludes": excluded(vectors=vectors), **options}

    def source_parameters(self, *, vectors: bool) -> dict[str, str]:
        """Return `_source` of a request by id."""
        options = {"_source_exclude_vectors": "false"} if vectors and self.server.hides_vectors else {}
        return {"_source_excludes": ",".join(excluded(vectors=vectors)), **options}
