"""The vector leg in a server's own words, for whoever speaks JSON to the server without an engine. Implements `VectorLeg`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from searchctl.engines.rest.dialect import UNSTORED, Dialect
from searchctl.engines.rest.documents import ADDED, numbers
from searchctl.engines.rest.queries import vector_ranking
from searchctl.engines.rest.server import Server
from searchctl.schema import Schema
from searchctl.settings.connection import Family
from searchctl.types import Json, Ranking, Vector

_NOT_STALE: Json = {"bool": {"must_not": {"term": {"searchctl.stale": True}}}}
_JOINS = frozenset({"nested", "has_child", "has_parent"})
_MANY = 1000  # candidates where k-NN can't be told which are allowed


class ServerVectorLeg:
    """One family's words."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._dialect = _dialect(Server(family, "", None))

    @property
    def covered(self) -> Json:
        """Return the query of the documents that have vectors of their present text."""
        return {"bool": {"filter": [{"exists": {"field": "searchctl.fingerprint"}}, _NOT_STALE]}}

    def nearest(self, schema: Schema, vector: Vector, k: int, filters: Sequence[Json]) -> Json:
        """Return a search body: the `k` documents nearest to a vector (dim,) among those for which the filters hold."""
        among = [*filters, _NOT_STALE] if schema.layout is not None else list(filters)
        outside = [one for one in among if self._family == "opensearch" and _joins(one)]
        inside = [one for one in among if one not in outside]
        body = self._dialect.nearest(numbers(vector[np.newaxis])[0], max(k, _MANY) if outside else k, inside)
        if outside:
            body["query"] = {"bool": {"must": [body["query"]], "filter": outside}}
        return {**body, "size": k, "_source": False}

    def ranking(self, answer: Json, k: int) -> Ranking:
        """Return the answer to `nearest` as cosines."""
        return vector_ranking(answer, k)

    def added(self, schema: Schema) -> tuple[str, ...]:
        """Return the names of the fields at the top that the app knows nothing of."""
        return ADDED if schema.layout is not None else (*ADDED, UNSTORED)


def _joins(query: Any) -> bool:
    """Tell whether a query looks into other documents of a block: k-NN 2.19 and 3.5 take them for those below a passage."""
    if isinstance(query, dict):
        return not _JOINS.isdisjoint(query) or any(map(_joins, query.values()))
    return isinstance(query, list) and any(map(_joins, query))


def _dialect(server: Server) -> Dialect:
    if server.family == "opensearch":
        from searchctl.engines.rest.opensearch import OpenSearch

        return OpenSearch(server)
    from searchctl.engines.rest.elasticsearch import Elasticsearch

    return Elasticsearch(server)
