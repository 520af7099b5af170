"""Whatever fails, the app sees what it would have seen without the gateway, with the reason in a header."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from searchctl.encoders.base import Encoder
from searchctl.gateway.encoding import QueryEncoder
from searchctl.gateway.policies import Policies
from searchctl.gateway.steps import Policy
from searchctl.settings.connection import Family
from tests.gateway.conftest import Shop, make
from tests.gateway.running import Answered, Running
from tests.gateway.test_replay import SLOW, without_took
from tests.servers.node import Node
from tests.servers.proxy import BreakOff, Fault, Hang, Proxy, Refuse, Request

BODY = {"query": {"match": {"description": "warm gloves for the bike"}}, "size": 5}


def check_plain(shop: Shop, answer: Answered, reason: str, index: str | None = None) -> None:
    direct = shop.ask("POST", f"/{index or shop.index}/_search", BODY)
    assert (answer.mode, answer.reason) == ("lexical", reason)
    assert answer.status == direct.status and without_took(answer.json) == without_took(direct.json)


def asked(running: Running, shop: Shop, index: str | None = None) -> Answered:
    return running.ask("POST", f"/{index or shop.index}/_search", BODY)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Refuse(429), "backend_error_on_vector_leg"),
        (Refuse(503), "backend_error_on_vector_leg"),
        (BreakOff(), "gateway_error"),
        (Hang(), "budget"),
    ],
    ids=["429", "503", "half", "hangs"],
)
def test_both_legs_at_once_fail_and_the_circuit_opens(
    shop: Shop, gateway: Callable[..., Running], fault: Fault, reason: str
) -> None:
    def faults(request: Request) -> Fault:
        return fault if request.path.startswith("/_msearch") else None

    with Proxy(shop.url, faults) as proxy:
        running = gateway(replace(SLOW, budget_ms=700), proxy.url)
        asked(running, shop)  # opens the encoder, whatever comes of it
        for _ in range(4):
            check_plain(shop, asked(running, shop), reason)
        before = len(proxy.requests)
        check_plain(shop, asked(running, shop), "circuit_open")
        assert len(proxy.requests) == before + 1
        assert running.ask("GET", "/_searchctl/health").json["open_circuits"] == [shop.index]


def test_a_server_that_refuses_everything_is_passed_on(shop: Shop, gateway: Callable[..., Running]) -> None:
    with Proxy(shop.url, lambda request: Refuse(429)) as proxy:
        answer = asked(gateway(SLOW, proxy.url), shop)
    assert answer.status == 429 and answer.mode == "lexical"


def test_an_encoder_that_fails_or_hangs(shop: Shop, gateway: Callable[..., Running]) -> None:
    free = threading.Event()

    def broken(name: str) -> Encoder:
        raise OSError("no file")

    def hanging(name: str) -> Encoder:
        free.wait(20)
        raise OSError("too late")

    check_plain(shop, asked(gateway(SLOW, encoder=QueryEncoder(broken)), shop), "encoder_error")
    quick = gateway(replace(SLOW, budget_ms=2000), encoder=QueryEncoder(hanging))
    reasons = set()
    for _ in range(5):
        answer = asked(quick, shop)
        reasons.add(answer.reason)
        check_plain(shop, answer, str(answer.reason))
    assert "embed_timeout" in reasons and reasons <= {"embed_timeout", "budget"}
    check_plain(shop, asked(quick, shop), "circuit_open")
    free.set()


def test_a_reranker_that_the_encoder_cannot_serve_costs_no_answer(shop: Shop, gateway: Callable[..., Running]) -> None:
    plain = asked(gateway(SLOW), shop)
    reranked = asked(gateway(replace(SLOW, policies=Policies().with_rerank("maxsim:10"))), shop)
    assert (reranked.mode, reranked.ids) == (plain.mode, plain.ids)


@pytest.fixture
def others(shop: Shop) -> Iterator[Callable[..., str]]:
    """A function that makes another index of the shop's kind, with vectors of an encoder or without."""
    made: list[str] = []

    def other(name: str, encoder: str | None = None) -> str:
        index = f"{shop.index}-{name}"
        made.append(index)
        if encoder is not None:
            make(shop.url, shop.family, index, encoder, copies=1, in_place=shop.in_place)
        else:
            shop.ask("PUT", f"/{index}", {"settings": {"number_of_replicas": 0}})
            shop.ask("PUT", f"/{index}/_doc/1?refresh=true", {"description": "warm gloves"})
        return index

    yield other
    for index in made:
        shop.ask("DELETE", f"/{index},searchctl-vectors-{index}?ignore_unavailable=true")


def test_indexes_without_vectors_or_with_those_of_several_encoders(
    shop: Shop, gateway: Callable[..., Running], others: Callable[..., str]
) -> None:
    bare, foreign, same = others("bare"), others("foreign", "hashing:32"), others("same", "hashing:64")
    running = gateway(SLOW)
    check_plain(shop, asked(running, shop, bare), "unmapped_index", bare)
    for pair, reason in ((bare, "unmapped_index"), (foreign, "multi_index_mixed_models")):
        check_plain(shop, asked(running, shop, f"{shop.index},{pair}"), reason, f"{shop.index},{pair}")
    together = asked(running, shop, f"{shop.index},{same}")
    assert together.mode == "reorder"
    assert {
        hit["_index"]
        for hit in running.ask("POST", f"/{shop.index},{same}/_search", {**BODY, "size": 500}).json["hits"]["hits"]
    } == {shop.index, same}
    missing = running.ask("POST", "/no-such-index/_search", BODY)
    assert missing.status == 404 and missing.json == shop.ask("POST", "/no-such-index/_search", BODY).json


def test_too_few_documents_with_vectors(
    shop: Shop, gateway: Callable[..., Running], others: Callable[..., str]
) -> None:
    stale = others("stale", "hashing:64")
    for number in range(10):
        shop.ask("PUT", f"/{stale}/_doc/new{number}?refresh=true", {"description": "warm gloves", "name": "new"})
    strict = Policies(Policy(least_coverage=0.9))
    check_plain(shop, asked(gateway(replace(SLOW, policies=strict)), shop, stale), "stale_coverage", stale)
    lax = asked(gateway(SLOW), shop, stale)
    assert lax.mode == "reorder"


def test_an_alias_shows_only_what_its_filter_lets_through(shop: Shop, gateway: Callable[..., Running]) -> None:
    for name, brand in (("mine", "North"), ("yours", "Acme")):
        action = {
            "add": {"index": shop.index, "alias": f"{shop.index}-{name}", "filter": {"term": {"brand.keyword": brand}}}
        }
        assert shop.ask("POST", "/_aliases", {"actions": [action]}).status == 200
    running = gateway(replace(SLOW, policies=Policies(Policy(mode="expand", least_relevance=0.0))))
    for name, brand in (("mine", "North"), ("yours", "Acme")):
        found = running.ask("POST", f"/{shop.index}-{name}/_search", {**BODY, "size": 500})
        assert found.mode == "hybrid"
        assert {hit["_source"]["brand"] for hit in found.json["hits"]["hits"]} == {brand}


def test_shadow_answers_by_words_and_counts_the_rest(shop: Shop, gateway: Callable[..., Running]) -> None:
    running = gateway(replace(SLOW, shadow=1.0))
    for _ in range(3):
        check_plain(shop, asked(running, shop), "disabled")
    shadow: dict[str, Any] = {}
    for _ in range(100):
        shadow = running.ask("GET", "/_searchctl/report").json["shadow"]
        if shadow["compared"] == 3:
            break
        threading.Event().wait(0.1)
    assert shadow["by_outcome"] == {"reorder": 3} and 0 < shadow["overlap@10"] <= 1


@pytest.mark.slow
def test_a_node_that_is_killed_and_comes_back(own_node: Callable[[str], Node]) -> None:
    node = own_node("opensearch-2")
    family: Family = "opensearch"
    shop = make(node.url, family, "own-shop", copies=2)
    with Running(node.url, SLOW, family=family) as running:
        assert asked(running, shop).mode == "reorder"
        node.kill()
        assert asked(running, shop).status == 502
        node.start()
        for _ in range(100):
            answer = asked(running, shop)
            if answer.status == 200 and answer.mode == "reorder":
                break
            threading.Event().wait(0.3)
        assert answer.mode == "reorder"
