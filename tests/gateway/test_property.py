# ruff: noqa: E501
"""Random searches from a grammar of the query language: the gateway is never worse than the server, and filters hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchctl.gateway.policies import Policies
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Policy
from tests.gateway.conftest import Shop
from tests.gateway.running import Answered, Running
from tests.gateway.test_replay import without_took

Json = dict[str, Any]
EXAMPLES = int(os.environ.get("SEARCHCTL_TEST_BODIES", "60"))  # of each mode and server; many more by hand
WORDS = ("warm", "gloves", "light", "rain", "coffee", "office", "перчатки", "bicycle", "cozy", "for", "12345", "the")
FIELDS = (
    "name",
    "description",
    "bullets",
    "name",
    "description",
    "name^3",
    "desc*",
    "brand",
    "category",
    "price",
    "nothing",
)

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join) | st.just("")
fields = st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3)
few = st.lists(st.sampled_from(FIELDS[:4]), min_size=1, max_size=2)
options = st.fixed_dictionaries(
    {},
    optional={
        "fuzziness": st.sampled_from(["AUTO", 1, "AUTO:4,8", "x"]),
        "operator": st.sampled_from(["and", "or", "AND", "xor"]),
        "minimum_should_match": st.sampled_from([1, "50%", "2<75%"]),
        "boost": st.sampled_from([0.5, 2, -1]),
        "analyzer": st.sampled_from(["standard", "english", "keyword"]),
        "_name": st.just("named"),
    },
)
texting = st.one_of(
    st.builds(lambda name, text, more: {"match": {name: {"query": text, **more}}}, st.sampled_from(FIELDS[:4]), texts, options),
    st.builds(lambda name, text: {"match": {name: text}}, st.sampled_from(FIELDS), texts),
    st.builds(lambda name, text: {"match_phrase": {name: text}}, st.sampled_from(FIELDS[:4]), texts),
    st.builds(lambda name, text: {"match_phrase_prefix": {name: text}}, st.sampled_from(FIELDS[:4]), texts),
    st.builds(
        lambda names, text, kind, more: {"multi_match": {"query": text, "fields": names, "type": kind, **more}},
        fields, texts, st.sampled_from(["best_fields", "most_fields", "cross_fields", "phrase", "phrase_prefix", "bool_prefix"]), options,
    ),
    st.builds(lambda names, text: {"combined_fields": {"query": text, "fields": names}}, few, texts),
    st.builds(lambda names, text: {"simple_query_string": {"query": text, "fields": names}}, few, texts),
    st.builds(lambda text, sign: {"query_string": {"query": sign + text, "default_field": "description"}}, texts, st.sampled_from(["", "+", '"', "name:", "("])),
)  # fmt: skip
filtering = st.one_of(
    st.builds(lambda value: {"term": {"brand.keyword": value}}, st.sampled_from(["North", "Acme", "Nobody"])),
    st.builds(lambda value: {"terms": {"category": value}}, st.lists(st.sampled_from(["clothes", "home"]), max_size=2)),
    st.builds(lambda low: {"range": {"price": {"gte": low}}}, st.integers(0, 150)),
    st.just({"term": {"open": True}}),
    st.just({"exists": {"field": "sold"}}),
    st.builds(lambda ids: {"ids": {"values": ids}}, st.lists(st.sampled_from(["p1", "p2", "p9"]), max_size=3)),
    st.builds(lambda size: {"nested": {"path": "attributes", "query": {"term": {"attributes.value": size}}}}, st.sampled_from(["S", "L"])),
    st.builds(lambda begin: {"prefix": {"category": begin}}, st.sampled_from(["c", "x"])),
    st.just({"match_all": {}}),
    st.just({"match_none": {}}),
)  # fmt: skip


def compound(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    some = st.lists(inner, max_size=2)
    either = st.one_of(some, inner)
    return st.one_of(
        st.builds(
            lambda must, should, only, never, least: {
                "bool": {
                    name: value
                    for name, value in (("must", must), ("should", should), ("filter", only), ("must_not", never), ("minimum_should_match", least))
                    if value not in (None, [])
                }
            },
            either, some, st.one_of(st.lists(filtering, max_size=2), filtering), st.lists(st.one_of(filtering, texting), max_size=1),
            st.sampled_from([None, None, 0, 1, "50%"]),
        ),
        st.builds(lambda queries: {"dis_max": {"queries": queries, "tie_breaker": 0.3}}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda query: {"constant_score": {"filter": query}}, inner),
        st.builds(lambda query: {"function_score": {"query": query, "functions": [{"filter": {"term": {"open": True}}, "weight": 3}]}}, inner),
        st.builds(lambda query, worse: {"boosting": {"positive": query, "negative": worse, "negative_boost": 0.2}}, inner, filtering),
    )  # fmt: skip


queries = st.recursive(st.one_of(texting, texting, texting, filtering), compound, max_leaves=5)
bodies = st.fixed_dictionaries(
    {"query": queries},
    optional={
        "from": st.sampled_from([0, 0, 3, 95, 9_995]),
        "size": st.sampled_from([1, 2, 5, 20, 150, 0]),
        "sort": st.sampled_from(["_score", ["_score"], ["_score", {"price": "asc"}], [{"price": "desc"}]]),
        "post_filter": filtering,
        "aggs": st.just({"brands": {"terms": {"field": "brand.keyword"}}}),
        "highlight": st.just({"fields": {"name": {}, "desc*": {"fragment_size": 30}}}),
        "_source": st.sampled_from([False, ["name"], "price", {"excludes": ["name"]}]),
        "track_total_hits": st.sampled_from([True, False, 3]),
        "min_score": st.sampled_from([0.1, 2.0]),
        "explain": st.booleans(),
        "rescore": st.just({"window_size": 5, "query": {"rescore_query": {"match": {"name": "gloves"}}}}),
        "version": st.just(True),
        "terminate_after": st.just(50),
    },
)


@pytest.mark.parametrize("mode", ["reorder", "expand"])
def test_random_searches(shop: Shop, gateway: Callable[..., Running], mode: Any) -> None:
    policies = Policies(Policy(mode=mode, least_relevance=0.0))
    running = gateway(GatewaySettings(budget_ms=60_000, policies=policies))
    path = f"/{shop.index}/_search"
    seen: dict[str, int] = {}

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(bodies)
    def search(body: Json) -> None:
        direct, through = shop.ask("POST", path, body), running.ask("POST", path, body)
        assert through.status == direct.status
        seen[f"{through.mode} {through.reason}"] = seen.get(f"{through.mode} {through.reason}", 0) + 1
        assert through.reason not in ("gateway_error", "backend_error_on_vector_leg", "circuit_open", "budget"), body
        if through.mode == "lexical":
            assert without_took(through.json) == without_took(direct.json)
            return
        check_answer(shop, body, direct, through, mode)

    search()
    assert any(not one.startswith("lexical") for one in seen), seen


def check_answer(shop: Shop, body: Json, direct: Answered, through: Answered, mode: str) -> None:
    hits, own = through.json["hits"]["hits"], direct.json["hits"]["hits"]
    keys = [hit["_id"] for hit in hits]
    assert len(keys) == len(set(keys)) and len(keys) <= body.get("size", 10)
    scores = [hit["_score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert through.json.get("aggregations") == direct.json.get("aggregations")
    total, before = through.json["hits"].get("total"), direct.json["hits"].get("total")
    if mode == "reorder" and (own or (before or {}).get("value")):
        assert total == before and len(hits) == len(own)
        allowed = {**body["query"]}
    else:
        assert (total is None) == (before is None)
        allowed = filters_of(body["query"])
    filters = [allowed, *([body["post_filter"]] if "post_filter" in body else [])]
    found = shop.search(
        {"query": {"bool": {"filter": [{"ids": {"values": keys}}, *filters]}}, "size": 200, "_source": False}
    )
    assert {hit["_id"] for hit in found["hits"]["hits"]} == set(keys)


def filters_of(query: Json) -> Json:
    """Return what every answer has to satisfy, told in another way than the gateway does: all texts match everything."""
    ((name, content),) = query.items()
    if name in (
        "match",
        "match_phrase",
        "match_phrase_prefix",
        "multi_match",
        "combined_fields",
        "simple_query_string",
        "query_string",
    ):
        return {"match_all": {}}
    if name == "bool":
        parts = {
            part: value if isinstance(value, list) else [value]
            for part, value in content.items()
            if part != "minimum_should_match"
        }
        relaxed = {
            part: [filters_of(one) for one in value] for part, value in parts.items() if part in ("must", "should")
        }
        kept = {part: value for part, value in parts.items() if part in ("filter", "must_not")}
        least = {"minimum_should_match": content["minimum_should_match"]} if "minimum_should_match" in content else {}
        return {"bool": {**relaxed, **kept, **least}}
    if name == "dis_max":
        return {"dis_max": {"queries": [filters_of(one) for one in content["queries"]]}}
    inner = {"constant_score": "filter", "function_score": "query", "boosting": "positive"}.get(name)
    return filters_of(content[inner]) if inner else query
