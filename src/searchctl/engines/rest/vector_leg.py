"""The vector leg in a server's own words, for whoever speaks JSON to the server without an engine. Implements `VectorLeg`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from searchctl.engines.rest.dialect import UNSTORED, Dialect
from searchctl.engines.rest.documents import ADDED, foreign_document, numbers
from searchctl.engines.rest.foreign import read_fields, text_hash
from searchctl.engines.rest.foreign_search import hash_of, mark_of
from searchctl.engines.rest.queries import vector_ranking
from searchctl.engines.rest.server import Server
from searchctl.engines.rest.state import COMPANION, companion_name
from searchctl.schema import Schema
from searchctl.settings.connection import Family
from searchctl.types import Json, Ranking, Vector

_NOT_STALE: Json = {"bool": {"must_not": {"term": {"searchctl.stale": True}}}}
_JOINS = frozenset({"nested", "has_child", "has_parent"})
_COLUMNS = ("searchctl.id", "searchctl.source", "searchctl.fingerprint")
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

    def companions(self, name: str, indexes: Sequence[str]) -> tuple[str, list[str]]:
        """Return where the vectors of a name's documents may lie: for the name as a whole, or for each of its indexes."""
        return companion_name(name), [companion_name(index) for index in indexes]

    def is_companion(self, index: str) -> bool:
        """Tell whether an index holds nothing but the vectors of another one's documents."""
        return index.startswith(COMPANION)

    def nearest_beside(self, vector: Vector, k: int, ids: Sequence[str] | None, *, passages: bool) -> Json:
        """Return a search of a companion: the `k` documents nearest to a vector (dim,), of these ids only unless None."""
        filters: list[Json] = [] if ids is None else [{"terms": {"searchctl.id": list(ids)}}]
        body = self._dialect.nearest(numbers(vector[np.newaxis])[0], k, filters)
        source: Any = ["passages.start", "passages.end"] if passages else False
        return {**body, "size": k, "_source": source, "docvalue_fields": list(_COLUMNS)}

    def beside_hits(self, answer: Json) -> list[Json]:
        """Return the hits of such a search under the index and the id of the documents they stand for, with their `mark`."""
        hits = []
        for hit in answer["hits"]["hits"]:
            id, index, mark = (str(hit["fields"].get(column, [""])[0]) for column in _COLUMNS)
            hits.append({**hit, "_index": index, "_id": id, "mark": mark})
        return hits

    def is_version(self, mark: str, version: int) -> bool:
        """Tell whether a document in this version is the one that was encoded; otherwise its text has to be looked at."""
        return mark == mark_of(hash_of(mark), version)

    def is_text(self, schema: Schema, mark: str, hit: Json) -> bool:
        """Tell whether a hit with its `texts` says what was encoded."""
        assert schema.layout is not None
        document = foreign_document(hit["_id"], hit.get("_source") or {}, schema.layout)
        return hash_of(mark) == text_hash(document, schema)

    def texts(self, schema: Schema) -> list[str]:
        """Return the fields of an owner's document that were encoded."""
        return read_fields(schema.layout) if schema.layout is not None else ["title", "text"]

    def added(self, schema: Schema) -> tuple[str, ...]:
        """Return the names of the fields at the top that the app knows nothing of."""
        if schema.layout is None:
            return (*ADDED, UNSTORED)
        return () if schema.layout.beside else ADDED


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
