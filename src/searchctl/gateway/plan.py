"""The requests made for one search: both legs and what words tell in one round trip, and the page in a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from searchctl.engines.base import VectorLeg
from searchctl.gateway.dsl import QueryReading, without_inner_hits
from searchctl.gateway.requests import Search
from searchctl.gateway.target import VectorIndexes
from searchctl.search.leg_answers import WINDOW
from searchctl.text.analysis import analyze
from searchctl.types import Json, Vector

_OF_THE_PAGE = (  # what hits are brought with, of no use in the lexical leg
    "from", "size", "_source", "highlight", "stored_fields", "docvalue_fields", "fields", "script_fields", "explain",
    "version", "seq_no_primary_term",
)  # fmt: skip
_OF_THE_WHOLE = (  # what is told of all that was found, of no use for a page
    "aggs", "aggregations", "suggest", "post_filter", "rescore", "min_score", "track_total_hits", "profile",
    "terminate_after", "from", "size", "query",
)  # fmt: skip
_MOST_WORDS = 100
Key: TypeAlias = "tuple[str, str]"  # a document: its index and its id


def words_of(text: str, target: VectorIndexes) -> dict[str, str]:
    """Return a text's words as they were typed, by their term as the index's analyzer makes it; without stop words."""
    typed: dict[str, str] = {}
    for token in analyze(text, target.schema.analyzer):
        typed.setdefault(token.term, text[token.start : token.end])
    return dict(list(typed.items())[:_MOST_WORDS])


def lexical_body(search: Search, *, size: int = WINDOW) -> Json:
    """Return the app's own search with its facets and totals, for the first `size` hits as bare ids."""
    body = {name: value for name, value in search.body.items() if name not in _OF_THE_PAGE}
    if search.lists_total_as_number:
        body.setdefault("track_total_hits", True)
    return {**body, "from": 0, "size": size, "_source": False, "version": True}


def vector_body(
    search: Search, reading: QueryReading, target: VectorIndexes, leg: VectorLeg, vector: Vector, *, matching: bool
) -> Json:
    """Return the vector leg among the documents that the app's query finds (`matching`), or that its filters allow."""
    filters: list[Json] = [search.body["query"]] if matching else list(reading.filters)
    filters += [limit for limit in (search.body.get("post_filter"), target.limit) if limit]
    body = leg.nearest(target.schema, vector, WINDOW, [without_inner_hits(one) for one in filters])
    return {**body, **_defined(search), **({"timeout": search.body["timeout"]} if "timeout" in search.body else {})}


def allowed_body(search: Search, reading: QueryReading, most: int) -> Json | None:
    """Return a search for the ids that the app's filters allow, as long as they are few; None where it has no filters."""
    filters = [without_inner_hits(limit) for limit in (*reading.filters, search.body.get("post_filter")) if limit]
    if not filters:
        return None
    bare: Json = {"size": most, "_source": False, "track_total_hits": most + 1}
    return {"query": {"bool": {"filter": filters}}, **bare, **_defined(search)}


def check_body(search: Search, reading: QueryReading, keys: Sequence[Key]) -> Json:
    """Return a search that tells which documents the app may see within its filters, in which version."""
    filters = [without_inner_hits(limit) for limit in (*reading.filters, search.body.get("post_filter")) if limit]
    bare: Json = {"size": len(keys), "_source": False, "version": True, "track_total_hits": False}
    return {"query": {"bool": {"filter": [ids_query(keys), *filters]}}, **bare, **_defined(search)}


def texts_body(keys: Sequence[Key], fields: Sequence[str]) -> Json:
    """Return a search that brings what documents say now."""
    return {"query": ids_query(keys), "size": len(keys), "_source": list(fields), "track_total_hits": False}


def statistics_body(search: Search, reading: QueryReading, words: Mapping[str, str], target: VectorIndexes) -> Json:
    """Return a search that tells how common each word is in the fields asked, and how much of all a document holds at best."""
    queries = {term: _word_query(typed, reading) for term, typed in words.items()}
    filters = [limit for limit in (*reading.filters, search.body.get("post_filter"), target.limit) if limit]
    best: Json = {"bool": {"should": list(queries.values()), "minimum_should_match": 1}}
    if filters:
        best["bool"]["filter"] = [without_inner_hits(one) for one in filters]
    counts: Json = {"words": {"filters": {"filters": queries}}}
    body: Json = {
        "query": best,
        "size": 1,
        "_source": False,
        "track_total_hits": False,
        "aggs": {"all": {"global": {}, "aggs": counts}},
    }
    return {**body, **_defined(search)}


def _word_query(word: str, reading: QueryReading) -> Json:
    options = {name: value for name, value in reading.words.items() if name != "max_expansions"}
    fields = {"fields": list(reading.fields)} if reading.fields else {}
    return {"multi_match": {"query": word, "type": "best_fields", "lenient": True, **fields, **options}}


def _defined(search: Search) -> Json:
    """Return the fields that the search itself defines, of which its query may make use."""
    return {name: search.body[name] for name in ("runtime_mappings", "derived") if name in search.body}


def header(search: Search) -> Json:
    """Return the line that stands before a search in `_msearch`."""
    return {**({"index": search.index} if search.index else {}), **search.where}


def page_body(search: Search, keys: Sequence[Key], hidden: Sequence[str]) -> Json:
    """Return the app's own search for these documents only, with all that it wants to know of them."""
    body = {name: value for name, value in search.body.items() if name not in _OF_THE_WHOLE}
    _set_source(body, hidden)
    among = {"filter": [ids_query(keys)], "should": [search.body["query"]]}
    return {**body, "query": {"bool": among}, "from": 0, "size": len(keys), "track_total_hits": False}


def rest_body(search: Search, seen: Sequence[Key], start: int, size: int, hidden: Sequence[str]) -> Json:
    """Return the app's own search without the documents that were ordered by both legs, for a page behind them."""
    body = {name: value for name, value in search.body.items() if name not in _OF_THE_WHOLE}
    body |= {name: search.body[name] for name in ("post_filter", "min_score") if name in search.body}
    _set_source(body, hidden)
    among: Json = {"must": [search.body["query"]]}
    if seen:
        among["must_not"] = [ids_query(seen)]
    return {**body, "query": {"bool": among}, "from": start, "size": size, "track_total_hits": False}


def wants_no_ids(body: Mapping[str, Any]) -> bool:
    """Tell whether hits are wanted without their ids, which are needed here to tell them apart."""
    return body.get("stored_fields") in ("_none_", ["_none_"])


def _set_source(body: Json, hidden: Sequence[str]) -> None:
    """Say which part of the documents comes with the hits."""
    if wants_no_ids(body):
        del body["stored_fields"]
        body["_source"] = False
    elif "_source" in body or not body.get("stored_fields"):
        body["_source"] = visible_source(body.get("_source"), hidden)


def matching_body(search: Search, keys: Sequence[Key]) -> Json:
    """Return a search that tells which of these documents the app's own query finds."""
    among: Json = {"filter": [ids_query(keys), without_inner_hits(search.body["query"])]}
    if search.body.get("post_filter"):
        among["filter"].append(search.body["post_filter"])
    bare: Json = {"size": len(keys), "_source": False, "track_total_hits": False}
    return {"query": {"bool": among}, **bare, **_defined(search)}


def passages_body(keys: Sequence[Key], texts: Sequence[str]) -> Json:
    """Return a search that brings the texts of documents and where their passages lie, but no vectors."""
    return texts_body(keys, ["passages.start", "passages.end", *texts])


def ids_query(keys: Sequence[Key]) -> Json:
    """Return the query of some documents; ids alone don't tell them apart where there are several indexes."""
    by_index: dict[str, list[str]] = {}
    for index, id in keys:
        by_index.setdefault(index, []).append(id)
    parts: list[Json] = [
        {"bool": {"filter": [{"term": {"_index": index}}, {"ids": {"values": ids}}]}} for index, ids in by_index.items()
    ]
    return parts[0] if len(parts) == 1 else {"bool": {"should": parts, "minimum_should_match": 1}}


def visible_source(source: Any, hidden: Sequence[str]) -> Any:
    """Return `_source` without the fields that the app knows nothing of, unless it names them itself."""
    if not hidden:
        return True if source is None else source
    if source is False:
        return False
    if source is None or source is True:
        return {"excludes": list(hidden)}
    if not isinstance(source, Mapping):
        source = {"includes": source if isinstance(source, list) else [source]}
    includes = source.get("includes", source.get("include", []))
    excludes = source.get("excludes", source.get("exclude", []))
    named = [str(one) for one in (includes if isinstance(includes, list) else [includes])]
    excluded = [str(one) for one in (excludes if isinstance(excludes, list) else [excludes])]
    kept = [name for name in hidden if not any(one.partition(".")[0] == name for one in named)]
    others = {key: value for key, value in source.items() if key not in ("includes", "include", "excludes", "exclude")}
    return {**others, **({"includes": named} if named else {}), "excludes": [*excluded, *kept]}
