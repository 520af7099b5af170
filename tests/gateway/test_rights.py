"""With security on, two users with different document-level rights see only their own documents, in both legs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from searchctl.encoders import open_encoder
from searchctl.engines import open_engine
from searchctl.gateway.policies import Policies
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Policy
from searchctl.index import encoder_stamp
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.foreign import ForeignIndex, Reading
from searchctl.settings.connection import Connection
from tests.gateway.running import Answered, Running
from tests.gateway.shop import fill
from tests.servers.node import Node
from tests.servers.security import READERS

INDEX, ENCODER = "owned-shop", "hashing:64"
QUERY = {"match": {"description": "warm gloves for the bike"}}
FACETS = {"brands": {"terms": {"field": "brand.keyword"}}}
Json = dict[str, Any]


@dataclass(frozen=True)
class GuardedShop:
    """A shop on a node whose users may see the documents of one brand each."""

    node: Node
    plain: Running
    hybrid: Running
    without_rights: Running

    def search(self, gateway: Running, user: str, body: Json) -> Answered:
        return gateway.ask("POST", f"/{INDEX}/_search", body, headers=headers(self.node, user))


def headers(node: Node, user: str) -> dict[str, str]:
    assert node.security is not None
    return {"authorization": "Basic " + b64encode(f"{user}:{node.security.password}".encode()).decode()}


@pytest.fixture(scope="module")
def guarded(secured_elasticsearch: Node) -> Iterator[GuardedShop]:
    node = secured_elasticsearch
    assert node.security is not None
    trust = Connection(ca_certs=str(node.security.authority))
    own = Connection(username=node.security.user, password=node.security.password, ca_certs=trust.ca_certs)
    off = GatewaySettings(policies=Policies(Policy(mode="off")))
    on = GatewaySettings(budget_ms=60_000, policies=Policies(Policy(mode="expand", least_relevance=0.0)))
    with (
        Running(node.url, off, family="elasticsearch", connection=trust) as plain,
        Running(node.url, on, family="elasticsearch", connection=own) as hybrid,
        Running(node.url, on, family="elasticsearch", connection=trust) as without_rights,
    ):
        owner = headers(node, node.security.user)
        plain.ask("POST", "/_license/start_trial", parameters={"acknowledge": "true"}, headers=owner)

        def send(method: str, path: str, body: Any) -> Any:
            answer = plain.ask(method, path, body, headers=owner)
            assert answer.status < 300, answer.raw
            return answer.json

        fill(send, INDEX, knn=False, copies=4)
        engine, encoder = open_engine(node.url, own), open_encoder(ENCODER)
        try:
            reading = Reading("name", ("description",))
            ForeignIndex(engine, INDEX, encoder_stamp(ENCODER, encoder), encoder, reading).run(Monitor())
        finally:
            engine.close()
        yield GuardedShop(node, plain, hybrid, without_rights)
        for name in (INDEX, f"searchctl-vectors-{INDEX}"):  # other tests of the node find it as it was
            send("DELETE", f"/{name}", None)


@pytest.mark.parametrize("mode", ["reorder", "expand"])
def test_two_users_see_only_what_they_may(guarded: GuardedShop, mode: str) -> None:
    seen: dict[str, set[str]] = {}
    for user, brand in READERS.items():
        body = {"query": QUERY, "size": 200, "aggs": FACETS}
        own = guarded.search(guarded.plain, user, body)
        assert own.status == 200 and {one["key"] for one in own.json["aggregations"]["brands"]["buckets"]} == {brand}
        found = guarded.hybrid.ask(
            "POST", f"/{INDEX}/_search", body, headers={**headers(guarded.node, user), "X-Searchctl": mode}
        )
        assert found.mode == ("hybrid" if mode == "expand" else "reorder"), found.reason
        assert {hit["_source"]["brand"] for hit in found.json["hits"]["hits"]} == {brand}
        assert found.json["aggregations"] == own.json["aggregations"]
        assert (set(found.ids) > set(own.ids)) if mode == "expand" else (set(found.ids) == set(own.ids))
        seen[user] = set(found.ids)
    assert not seen["ann"] & seen["bob"]


def test_what_a_user_may_not_ask_is_refused_as_without_the_gateway(guarded: GuardedShop) -> None:
    for user in (*READERS, "nobody"):
        direct = guarded.search(guarded.plain, user, {"query": QUERY})
        bare = guarded.search(guarded.without_rights, user, {"query": QUERY})
        assert (bare.status, bare.mode) == (direct.status, "lexical"), "a user has no rights on the vectors' index"
        forbidden = guarded.hybrid.ask("POST", "/other/_search", {"query": QUERY}, headers=headers(guarded.node, user))
        assert forbidden.status == (401 if user == "nobody" else 403)
    assert guarded.search(guarded.hybrid, "nobody", {"query": QUERY}).status == 401
