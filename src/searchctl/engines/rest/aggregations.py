"""Facets as a server's aggregations, and their answers as counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from searchctl.engines.rest.clauses import clause
from searchctl.fields import shown
from searchctl.schema import FieldType
from searchctl.types import Clause, Exists, Facet, FacetCounts, FacetScope, FacetValue, Json

_SHARD_VALUES = (
    5000  # values that each shard counts for one facet: with no more distinct ones, sums over shards are exact
)


def aggregations_of(name: str, facet: Facet, path: str, nested: str, kind: FieldType) -> Json:
    """Return the aggregations of one facet, their names beginning with `name`.

    In a nested object values are counted by the documents around it. One value more than asked for tells whether there are more.
    """

    def holding(wanted: Clause) -> Json:
        query = clause(path, kind, wanted)
        return {"nested": {"path": nested, "query": query}} if nested else query

    present = holding(Clause(facet.field, Exists()))
    missing: Json = {f"{name} missing": {"filter": {"bool": {"must_not": [present]}}}}
    if facet.ranges:
        ranges = {str(place): holding(Clause(facet.field, one)) for place, one in enumerate(facet.ranges)}
        return {**missing, name: {"filters": {"filters": ranges}}}
    size = facet.n + 1
    by = "documents" if nested else "_count"
    terms: Json = {"field": path, "size": size, "shard_size": max(_SHARD_VALUES, 2 * size)}
    terms["order"] = [{by: "desc"}, {"_key": "asc"}]
    if not nested:
        return {**missing, name: {"terms": terms}}
    values = {"terms": terms, "aggs": {"documents": {"reverse_nested": {}}}}
    return {**missing, name: {"nested": {"path": nested}, "aggs": {"values": values}}}


def counts_of(
    name: str, facet: Facet, kind: FieldType, answer: Mapping[str, Any], documents: int, counts: FacetScope
) -> FacetCounts:
    """Return what the aggregations of one facet answer, among so many documents."""
    missing, aggregation = int(answer[f"{name} missing"]["doc_count"]), answer[name]
    if facet.ranges:
        ranges = [int(aggregation["buckets"][str(place)]["doc_count"]) for place in range(len(facet.ranges))]
        return FacetCounts(facet.field, tuple(map(FacetValue, facet.ranges, ranges)), missing, documents, counts=counts)
    terms = aggregation.get("values", aggregation)
    buckets = terms["buckets"]
    values = tuple(
        FacetValue(_value(kind, bucket["key"]), int(bucket.get("documents", bucket)["doc_count"]))
        for bucket in buckets[: facet.n]
    )
    error = int(terms.get("doc_count_error_upper_bound", 0))
    unknown = documents if error < 0 else error  # below 0 a server says that it can't tell
    return FacetCounts(facet.field, values, missing, documents, len(buckets) > facet.n, unknown, counts)


def _value(kind: FieldType, key: Any) -> Any:
    """Return a bucket's value as it is written; dates come as milliseconds since 1970."""
    return shown(kind, key / 1000 if kind == "date" else key)
