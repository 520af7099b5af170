"""Searches that find nothing as they were typed, reranking, and templates: as `Searcher` does it, through the gateway and in process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from searchctl import hybrid
from searchctl.errors import ConfigError, EncoderUnavailable
from searchctl.gateway.dsl import read_query
from searchctl.gateway.hybrid import Hybrid
from searchctl.gateway.meant import other_readings, spelt, with_text
from searchctl.gateway.policies import Policies, read_policies
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Policy, RerankPolicy
from searchctl.types import TermStatistics
from tests.gateway.conftest import Shop
from tests.gateway.running import Running
from tests.gateway.test_clients import PARAPHRASE, REORDER, body, names, shop_of
from tests.gateway.test_replay import without_took
from tests.servers.parameters import server_param

Json = dict[str, Any]
MATCH = {"match": {"name": "kettel"}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (MATCH, {"match": {"name": "kettle"}}),
        ({"match": {"name": {"query": " kettel ", "boost": 2}}}, {"match": {"name": {"query": "kettle", "boost": 2}}}),
        (
            {"bool": {"must": [MATCH], "filter": [MATCH], "must_not": MATCH, "should": {"dis_max": {"queries": [MATCH]}}}},
            {
                "bool": {
                    "must": [{"match": {"name": "kettle"}}], "filter": [MATCH], "must_not": MATCH,
                    "should": {"dis_max": {"queries": [{"match": {"name": "kettle"}}]}},
                }
            },
        ),
        ({"constant_score": {"filter": MATCH}}, {"constant_score": {"filter": {"match": {"name": "kettle"}}}}),
        ({"multi_match": {"query": "kettel", "fields": ["a"]}}, {"multi_match": {"query": "kettle", "fields": ["a"]}}),
        ({"match": {"name": "kettel pot"}}, {"match": {"name": "kettel pot"}}),
        ({"term": {"name": "kettel"}}, {"term": {"name": "kettel"}}),
    ],
)  # fmt: skip
def test_a_query_with_another_text(query: Json, expected: Json) -> None:
    assert with_text(query, "kettel", "kettle") == expected
    assert not isinstance(read_query(query, {}), str)


def test_what_may_have_been_meant() -> None:
    nothing = TermStatistics(10, {"rtnnkt": 0})
    assert "кеттле" in {reading.query for reading in other_readings("rtnnkt", nothing, "auto")}
    spelling = spelt("kettel", TermStatistics(10, {"kettel": 0}), "auto")
    assert "kettle" in next(spelling)
    with pytest.raises(StopIteration) as end:
        spelling.send({"kettle": 3})
    assert end.value.value.query == "kettle"
    with pytest.raises(StopIteration) as end:
        next(spelt("kettle", TermStatistics(10, {"kettl": 3}), "auto"))
    assert end.value.value is None


def test_reranking_is_named_in_the_settings() -> None:
    assert read_policies({"rerank": "maxsim:20", "repair": False}, "x").usual == Policy(
        repair=False, rerank=RerankPolicy("maxsim", 20)
    )
    assert read_policies({"rerank": "maxsim"}, "x").usual.rerank == RerankPolicy("maxsim")
    assert read_policies({"rerank": ""}, "x").usual.rerank is None
    for table, said in (
        ({"rerank": 3}, "a name"),
        ({"rerank": "maxsim:1"}, "2 to 100"),
        ({"repair": "no"}, "true or false"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_policies(table, "x")


@pytest.fixture(params=[server_param("opensearch-2"), server_param("elasticsearch-9")])
def meaningful(request: pytest.FixtureRequest) -> Shop:
    return shop_of(request, str(request.param))


@pytest.fixture
def door(meaningful: Shop) -> Any:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(**policy: Any) -> Running:
            settings = GatewaySettings(budget_ms=60_000, policies=Policies(Policy(**policy)))
            return stack.enter_context(Running(meaningful.url, settings, family=meaningful.family))

        yield start


@pytest.mark.parametrize(
    ("typed", "meant", "first", "mode"),
    [
        ("umbrelal", "umbrella", "Umbrella", "reorder"),
        ("gthxfnrb", "перчатки", "Зимние перчатки", "expand"),
    ],
)
def test_a_search_that_finds_nothing_is_answered_as_it_was_meant(
    meaningful: Shop, door: Callable[..., Running], typed: str, meant: str, first: str, mode: str
) -> None:
    path = f"/{meaningful.index}/_search"
    assert meaningful.search(body(typed))["hits"]["hits"] == []
    running = door(mode=mode)
    found = running.ask("POST", path, body(typed))
    assert (found.mode, found.reason, unquote(found.headers["x-searchctl-query"])) == ("hybrid", "repaired", meant)
    assert names(found.json)[0] == first
    own = meaningful.search(body(meant))
    assert found.json["hits"]["total"]["value"] >= own["hits"]["total"]["value"] > 0
    assert found.json["aggregations"] == own["aggregations"]
    filtered = running.ask("POST", path, body(typed, brand="Nobody"))
    assert names(filtered.json) == []


def test_a_paraphrase_is_not_taken_for_a_typing_error(meaningful: Shop, door: Callable[..., Running]) -> None:
    found = door().ask("POST", f"/{meaningful.index}/_search", body(PARAPHRASE))
    assert (found.mode, found.reason) == ("hybrid", "rescued") and names(found.json)[0] == "Espresso machine"
    as_typed = door(repair=False).ask("POST", f"/{meaningful.index}/_search", body("umbrelal"))
    assert as_typed.reason != "repaired"


def test_a_script_that_the_encoder_cannot_read_stays_lexical(meaningful: Shop, door: Callable[..., Running]) -> None:
    path, asked = f"/{meaningful.index}/_search", body("ქართული ხელთათმანები")
    found = door().ask("POST", path, asked)
    assert (found.mode, found.reason) == ("lexical", "unread_script")
    assert without_took(found.json) == without_took(meaningful.ask("POST", path, asked).json)


def test_the_best_are_reranked(meaningful: Shop, door: Callable[..., Running]) -> None:
    path, asked = f"/{meaningful.index}/_search", body(REORDER, size=20)
    plain = door().ask("POST", path, asked)
    reranked = door(rerank=RerankPolicy("maxsim", 5)).ask("POST", path, {**asked, "explain": True})
    assert reranked.mode == "reorder" and reranked.json["hits"]["total"] == plain.json["hits"]["total"]
    assert sorted(reranked.ids[:5]) == sorted(plain.ids[:5]) and reranked.ids[5:] == plain.ids[5:]
    scores = [hit["_score"] for hit in reranked.json["hits"]["hits"]]
    assert scores == sorted(scores, reverse=True)
    legs = [one["description"].partition(" ")[0] for one in reranked.json["hits"]["hits"][0]["_explanation"]["details"]]
    assert legs == ["lexical", "vector", "rerank"]


def test_a_reranker_that_is_not_there_is_told_at_the_start() -> None:
    with pytest.raises(EncoderUnavailable, match="no reranker 'no-such'"):
        Hybrid(Policies().with_rerank("no-such:5"))
    assert Policies().with_rerank(None).rerankers == set()
    assert Policies(patterns=(("shop-*", Policy(rerank=RerankPolicy("maxsim"))),)).rerankers == {"maxsim"}


def test_what_was_meant_is_told_in_process(meaningful: Shop) -> None:
    if meaningful.family != "elasticsearch":
        pytest.skip("opensearch-py's answers have no headers")
    elasticsearch = pytest.importorskip("elasticsearch")
    client = hybrid(elasticsearch.Elasticsearch(meaningful.url), budget_ms=60_000)
    found = client.search(index=meaningful.index, **body("umbrelal"))
    assert found.meta.headers["x-searchctl-query"] == "umbrella" and names(found)[0] == "Umbrella"
    assert found.meta.headers["x-searchctl-reason"] == "repaired"


def test_reranking_in_process(meaningful: Shop) -> None:
    if meaningful.family != "opensearch":
        pytest.skip("one client is enough")
    opensearchpy = pytest.importorskip("opensearchpy")
    client = hybrid(opensearchpy.OpenSearch(meaningful.url), budget_ms=60_000, rerank="maxsim:5")
    plain = hybrid(opensearchpy.OpenSearch(meaningful.url), budget_ms=60_000)
    found, own = (one.search(index=meaningful.index, body=body(REORDER)) for one in (client, plain))
    assert sorted(names(found)) == sorted(names(own))


@pytest.mark.parametrize("server", [server_param("opensearch-2")])
def test_templates_one_by_one_and_together(server: str, request: pytest.FixtureRequest) -> None:
    shop = shop_of(request, server)
    source = (
        json.dumps(body("%TEXT%", size=20))
        .replace('"%TEXT%"', '"{{text}}"')
        .replace('"size": 20', '"size": "{{size}}"')
    )
    stored = shop.ask("PUT", "/_scripts/gateway-words", {"script": {"lang": "mustache", "source": source}})
    assert stored.status == 200, stored.raw

    def filled(text: str, size: int = 5) -> Json:
        return {"id": "gateway-words", "params": {"text": text, "size": size}}

    settings = GatewaySettings(budget_ms=60_000)
    with Running(shop.url, settings, family=shop.family) as running:
        one = running.ask("POST", f"/{shop.index}/_search/template", filled(REORDER))
        own = shop.ask("POST", f"/{shop.index}/_search/template", filled(REORDER))
        assert one.mode == "reorder" and one.json["hits"]["total"] == own.json["hits"]["total"]
        inline = {"source": {"query": {"match_all": {}}, "size": "{{n}}"}, "params": {"n": 2}}
        missing = {"id": "no-such-template"}
        lines: list[Json] = []
        for template in (filled(REORDER), inline, filled(PARAPHRASE), missing, {**filled(REORDER), "explain": True}):
            lines += [{"index": shop.index}, template]
        many, direct = (asked("POST", "/_msearch/template", lines) for asked in (running.ask, shop.ask))
        assert (many.mode, many.reason) == ("hybrid", "-,match_all,rescued,backend_error,-")
        through, plain = many.json["responses"], direct.json["responses"]
        assert [one["status"] for one in through] == [one["status"] for one in plain]
        assert names(through[0]) == names(one.json) and through[0]["hits"]["total"] == plain[0]["hits"]["total"]
        assert names(through[2])[0] == "Espresso machine" and names(plain[2]) == []
        for place in (1, 3):
            assert without_took(through[place]) == without_took(plain[place])
        assert "_explanation" in through[4]["hits"]["hits"][0]
        lexical = running.ask("POST", "/_msearch/template", lines, headers={"X-Searchctl": "off"})
        assert without_took(lexical.json) == without_took(direct.json) and lexical.mode == "lexical"
