"""What real apps send, asked of the server and of the gateway: shapes, totals, facets and pages stay, and each reason is told."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from searchctl.gateway.policies import Policies
from searchctl.gateway.reasons import REASONS
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Policy
from tests.gateway.apps import Sent, all_bodies
from tests.gateway.conftest import Shop
from tests.gateway.running import Answered, Running

Json = dict[str, Any]
SLOW = GatewaySettings(budget_ms=60_000)
EXPAND = GatewaySettings(budget_ms=60_000, policies=Policies(Policy(mode="expand")))


def without_took(answer: Any) -> Any:
    """Return an answer without its times and the name of its scroll, which are new each time."""
    if isinstance(answer, dict):
        return {key: without_took(value) for key, value in answer.items() if key not in ("took", "_scroll_id")}
    return [without_took(value) for value in answer] if isinstance(answer, list) else answer


def shape(value: Any) -> Any:
    """Return the keys of an answer apart from its documents, with the types of what stands there."""
    if isinstance(value, dict):
        return {
            key: shape(item)
            for key, item in value.items()
            if key not in ("_source", "highlight", "_explanation", "profile")
        }
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def both(shop: Shop, gateway: Running, sent: Sent) -> tuple[Answered, Answered]:
    path = f"/{shop.index}/_search"
    return shop.ask("POST", path, sent.body, **sent.parameters), gateway.ask("POST", path, sent.body, sent.parameters)


def test_searches_of_apps_are_answered_in_their_own_shape(shop: Shop, gateway: Callable[..., Running]) -> None:
    running = gateway(SLOW)
    bodies = all_bodies()
    assert len(bodies) >= 150
    for sent in bodies:
        direct, through = both(shop, running, sent)
        what = f"{sent.app}: {sent.body} {sent.parameters}"
        assert through.status == direct.status, what
        if sent.expected != "hybrid" or direct.status >= 400:
            assert (through.mode, through.reason) == (
                "lexical",
                sent.expected if direct.status < 400 else through.reason,
            ), what
            if direct.headers["content-type"].startswith("application/json"):
                assert without_took(through.json) == without_took(direct.json), what
            continue
        assert through.mode in ("reorder", "hybrid"), (what, through.reason)
        check_reordered(direct.json, through.json, sent, what)


def check_reordered(direct: Json, through: Json, sent: Sent, what: str) -> None:
    """Totals and facets are equal, hits have the same keys, scores fall."""
    rescued = direct.get("hits", {}).get("total") in (0, {"value": 0, "relation": "eq"})
    if not rescued:
        assert shape(through) == shape(direct), what
        assert through.get("hits", {}).get("total") == direct.get("hits", {}).get("total"), what
    for name in ("aggregations", "suggest", "_shards"):
        assert through.get(name) == direct.get(name), what
    hits = through["hits"]["hits"] if "hits" in through else []
    if "filter_path" not in sent.parameters and hits:
        scores = [hit["_score"] for hit in hits]
        assert scores == sorted(scores, reverse=True), what
        assert not any("passages" in hit.get("_source", {}) for hit in hits), what


@pytest.mark.parametrize("settings", [SLOW, EXPAND], ids=["reorder", "expand"])
def test_pages_are_disjoint_and_complete(
    shop: Shop, gateway: Callable[..., Running], settings: GatewaySettings
) -> None:
    running = gateway(settings)
    query = {"multi_match": {"query": "warm light for the office", "fields": ["name", "description"]}}
    path = f"/{shop.index}/_search"
    whole = running.ask("POST", path, {"query": query, "size": 300})
    total = whole.json["hits"]["total"]["value"]
    assert whole.mode == ("reorder" if settings is SLOW else "hybrid")
    assert len(whole.ids) == len(set(whole.ids)) == total > 50
    pages = [running.ask("POST", path, {"query": query, "from": start, "size": 9}).ids for start in range(0, total, 9)]
    assert [id for page in pages for id in page] == whole.ids
    direct = shop.search({"query": query, "size": 300, "_source": False})
    ids = {hit["_id"] for hit in direct["hits"]["hits"]}
    assert ids == set(whole.ids) if settings is SLOW else ids <= set(whole.ids)


def test_reorder_only_brings_what_the_query_finds(shop: Shop, gateway: Callable[..., Running]) -> None:
    running = gateway(SLOW)
    query: Json = {
        "bool": {"must": [{"match": {"description": "warm gloves"}}], "filter": [{"term": {"brand.keyword": "North"}}]}
    }
    chosen = {"range": {"price": {"lte": 100}}}
    body = {"query": query, "post_filter": chosen, "size": 200}
    through = running.ask("POST", f"/{shop.index}/_search", body)
    direct = shop.search(body)
    assert set(through.ids) == {hit["_id"] for hit in direct["hits"]["hits"]}
    assert through.json["hits"]["total"] == direct["hits"]["total"]


def test_expand_keeps_to_the_filters(shop: Shop, gateway: Callable[..., Running]) -> None:
    running = gateway(EXPAND)
    sized = {"nested": {"path": "attributes", "query": {"term": {"attributes.value": "L"}}}}
    filters = [{"term": {"brand.keyword": "North"}}, sized]
    body: Json = {
        "query": {"bool": {"must": [{"match": {"description": "warm gloves"}}], "filter": filters}},
        "size": 200,
    }
    through = running.ask("POST", f"/{shop.index}/_search", body)
    allowed = shop.search({"query": {"bool": {"filter": filters}}, "size": 500, "_source": False})
    assert through.mode == "hybrid"
    assert set(through.ids) <= {hit["_id"] for hit in allowed["hits"]["hits"]}
    assert through.json["hits"]["total"]["value"] == len(through.ids)


def test_many_searches_keep_their_order(shop: Shop, gateway: Callable[..., Running]) -> None:
    running = gateway(SLOW)
    bodies = [sent for sent in all_bodies() if not sent.parameters and sent.app != "others"][::7]
    lines = [line for sent in bodies for line in ({"index": shop.index}, sent.body)]
    direct, through = shop.ask("POST", "/_msearch", lines), running.ask("POST", "/_msearch", lines)
    assert through.status == 200 and through.mode == "reorder"
    pairs = zip(bodies, direct.json["responses"], through.json["responses"], strict=True)
    for sent, own, made in pairs:
        assert made["status"] == own["status"], sent
        if sent.expected != "hybrid" or own["status"] >= 400:
            assert without_took(made) == without_took(own), sent
        else:
            check_reordered(own, made, sent, str(sent))


def test_many_searches_with_one_that_is_refused_stay_as_they_are(shop: Shop, gateway: Callable[..., Running]) -> None:
    good, bad = {"query": {"match": {"description": "warm gloves"}}}, {"query": {"no_such_query": {}}}
    lines = [line for body in (good, bad) for line in ({"index": shop.index}, body)]
    direct, through = shop.ask("POST", "/_msearch", lines), gateway(SLOW).ask("POST", "/_msearch", lines)
    assert (through.status, without_took(through.json)) == (direct.status, without_took(direct.json))


def test_a_mode_is_chosen_by_header(shop: Shop, gateway: Callable[..., Running]) -> None:
    running = gateway(SLOW)
    path, body = f"/{shop.index}/_search", {"query": {"match": {"description": "warm gloves"}}}
    said = {
        switch: running.ask("POST", path, body, headers={"X-Searchctl": switch})
        for switch in ("off", "on", "explain", "expand")
    }
    assert (said["off"].mode, said["off"].reason) == ("lexical", "disabled")
    assert said["on"].mode == "reorder" and said["expand"].mode == "hybrid"
    legs = said["explain"].json["hits"]["hits"][0]["_explanation"]["details"]
    assert [leg["description"].partition(" ")[0] for leg in legs] == ["lexical", "vector"]
    sorted_body = copy.deepcopy(body) | {"sort": [{"price": "asc"}]}
    strict = running.ask("POST", path, sorted_body, headers={"X-Searchctl": "strict"})
    assert strict.status == 400 and "sort_not_score" in strict.json["error"]["reason"]
    assert running.ask("POST", path, body, headers={"X-Searchctl": "loud"}).status == 400


def test_every_reason_occurs_in_a_test() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py")))
    assert [reason for reason in REASONS if f'"{reason}"' not in written] == []
