"""A search as it comes over the wire: the parameters of its address and its body, joined into one body.

In an address stands what a body may hold as well, and counts more than that. What is known to change nothing but the form of
the answer, or where it is looked for, is kept apart. Anything else leaves the request as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from searchctl.gateway.reasons import Refused, WhyLexical
from searchctl.types import Json

MAX_HITS = 10_000  # what a search may reach by the servers' own default
_WHERE = (
    "routing", "preference", "search_type", "request_cache", "ignore_unavailable", "allow_no_indices", "ignore_throttled",
    "expand_wildcards", "allow_partial_search_results", "ccs_minimize_roundtrips",
)  # fmt: skip
_FORM = ("pretty", "human", "error_trace", "filter_path", "typed_keys", "rest_total_hits_as_int", "format")
_SPEED = ("batched_reduce_size", "max_concurrent_shard_requests", "pre_filter_shard_size", "max_concurrent_searches")
_FLAGS = ("explain", "version", "seq_no_primary_term", "track_scores")
_LISTS = ("stored_fields", "docvalue_fields", "stats")
_QUERY = ("q", "df", "analyzer", "analyze_wildcard", "default_operator", "lenient")
_SOURCE = ("_source", "_source_includes", "_source_excludes")
_OTHERS = ("from", "size", "sort", "track_total_hits", "timeout", "terminate_after", *_QUERY, *_SOURCE)
_KNOWN = frozenset(
    {
        *("query", "from", "size", "sort", "_source", "aggs", "aggregations", "post_filter", "highlight", "suggest"),
        *("rescore", "min_score", "explain", "version", "seq_no_primary_term", "stored_fields", "docvalue_fields"),
        *("fields", "script_fields", "runtime_mappings", "derived", "track_scores", "track_total_hits", "timeout"),
        *("terminate_after", "profile", "stats", "indices_boost"),
    }
)
_VECTORS = ("knn", "rank", "retriever", "sub_searches", "search_pipeline")
_TO_THE_END = ("scroll", "search_after", "slice", "pit")
_SCORE: tuple[Any, ...] = ("_score", {"_score": {}}, {"_score": "desc"}, {"_score": {"order": "desc"}})


@dataclass(frozen=True, slots=True)
class Search:
    """One search: `index` as the app writes it ("" for all), and its body with what stood in the address.

    `where` goes with every request made for it, `form` tells how the answer is written. `forced` is the mode that the app
    asks for itself ("" for the configured one), `explain` that each hit says how it got its place.
    """

    index: str
    body: Json
    where: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    forced: str = ""
    explain: bool = False

    @property
    def start(self) -> int:
        """The number of the page's first hit."""
        return int(self.body.get("from") or 0)

    @property
    def size(self) -> int:
        """The most hits that the page has."""
        return int(self.body.get("size", 10))

    def asks(self, form: str) -> bool:
        """Tell whether a parameter of the form is set."""
        return is_set(self.form.get(form))

    @property
    def lists_total_as_number(self) -> bool:
        """Tell whether totals are plain numbers, as before version 7."""
        return self.asks("rest_total_hits_as_int")


def is_set(value: str | None) -> bool:
    """Tell whether a parameter of an address says yes; one without a value does."""
    return value is not None and value != "false"


def read_body(text: bytes | str) -> Json:
    """Return the object that a body holds, {} for an empty one; raises Refused where another reader might see another one."""
    if not text.strip():
        return {}
    try:
        body = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused("unreadable") from error
    if not isinstance(body, dict):
        raise Refused("unreadable")
    return body


def _unique(pairs: Sequence[tuple[str, Any]]) -> Json:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("the same key twice")
    return values


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} isn't JSON")


def read_search(index: str, parameters: Mapping[str, str], body: Json, *, forced: str = "") -> Search | WhyLexical:
    """Join a search's address and body; the reason where it can't be made hybrid, as far as its query isn't read."""
    try:
        where = {name: parameters[name] for name in _WHERE if name in parameters}
        form = {name: parameters[name] for name in _FORM if name in parameters}
        joined = _with_parameters(dict(body), parameters)
        for name in ("from", "size"):  # templates write them as "{{size}}", and servers read that
            if isinstance(joined.get(name), str) and joined[name].isdecimal():
                joined[name] = int(joined[name])
        search = Search(index, joined, where, form, forced)
        _check(search)
        return search
    except Refused as refused:
        return refused.refusal


def _with_parameters(body: Json, parameters: Mapping[str, str]) -> Json:
    for name in parameters:
        if name in ("scroll", "search_pipeline"):
            body[name] = parameters[name]
        elif name not in (*_WHERE, *_FORM, *_SPEED, *_FLAGS, *_LISTS, *_OTHERS):
            raise Refused("unknown_option", f"parameter {name[:40]}")
    if parameters.get("format", "json") != "json":
        raise Refused("unknown_option", "another format than JSON")
    body |= {name: is_set(parameters[name] or "true") for name in _FLAGS if name in parameters}
    body |= {name: parameters[name].split(",") for name in _LISTS if name in parameters}
    body |= {name: parameters[name] for name in ("timeout",) if name in parameters}
    body |= {
        name: _number(name, parameters[name]) for name in ("from", "size", "terminate_after") if name in parameters
    }
    if "track_total_hits" in parameters:
        wanted = parameters["track_total_hits"]
        body["track_total_hits"] = (
            wanted == "true" if wanted in ("true", "false") else _number("track_total_hits", wanted)
        )
    if "sort" in parameters:
        pairs = [one.rpartition(":") for one in parameters["sort"].split(",")]
        body["sort"] = [{name: order} if name else order for name, _, order in pairs]
    if any(name in parameters for name in _SOURCE):
        body["_source"] = _source(parameters)
    if "q" in parameters:
        body["query"] = {"query_string": _query_string(parameters)}
    return body


def _source(parameters: Mapping[str, str]) -> Any:
    plain = parameters.get("_source")
    if plain in ("true", "false"):
        if plain == "false" or not {"_source_includes", "_source_excludes"} & parameters.keys():
            return plain == "true"
        plain = None
    includes = ",".join(filter(None, (plain, parameters.get("_source_includes"))))
    excludes = parameters.get("_source_excludes", "")
    return {name: value.split(",") for name, value in (("includes", includes), ("excludes", excludes)) if value} or True


def _query_string(parameters: Mapping[str, str]) -> Json:
    query: Json = {"query": parameters["q"]}
    if "df" in parameters:
        query["default_field"] = parameters["df"]
    query |= {name: parameters[name] for name in ("analyzer", "default_operator") if name in parameters}
    query |= {name: is_set(parameters[name]) for name in ("analyze_wildcard", "lenient") if name in parameters}
    return query


def _number(name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Refused("unknown_option", f"{name} that isn't a number") from None


def _check(search: Search) -> None:
    """Raise Refused where something beside the query says that the answer has to be lexical."""
    body = search.body
    for name in _TO_THE_END:
        if name in body:
            raise Refused("scroll_or_pit", name)
    for name in _VECTORS:
        if name in body:
            raise Refused("already_vector", name)
    if "ext" in body:
        raise Refused("exact_syntax", "ext")
    if "collapse" in body:
        raise Refused("collapse")
    unknown = next((name for name in body if name not in _KNOWN), None)
    if unknown is not None:
        raise Refused("unknown_option", f"key {unknown[:40]}")
    if not body.get("query"):
        raise Refused("no_text" if "suggest" in body and not body.get("aggs") else "match_all")
    _check_page(body)
    if not sorts_by_score(body.get("sort")):
        raise Refused("sort_not_score")
    if search.lists_total_as_number and not isinstance(body.get("track_total_hits", True), bool):
        raise Refused("unknown_option", "totals as numbers with a limit")


def _check_page(body: Json) -> None:
    for name in ("from", "size"):
        value = body.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise Refused("unknown_option", f"{name} that isn't a number")
    size = body.get("size", 10)
    if size == 0:
        raise Refused("size_zero")
    if body.get("from", 0) + size > MAX_HITS:
        raise Refused("deep_page")


def sorts_by_score(sort: Any) -> bool:
    """Tell whether hits come by falling score, ties by whatever else; so they do where nothing is said."""
    if sort is None or sort == []:
        return True
    first = sort[0] if isinstance(sort, list) else sort
    return first in _SCORE
