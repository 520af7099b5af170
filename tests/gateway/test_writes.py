"""Documents that apps write through the gateway, and their vectors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.writes import VectorsOfWrites, WrittenDocuments, read_written
from tests.gateway.conftest import Shop, make
from tests.gateway.running import Answered, Running
from tests.servers.parameters import server_param, server_url

INDEX = "gateway-writes"
Gateway = Callable[[GatewaySettings], Running]
SETTINGS = GatewaySettings(embed_writes=True, budget_ms=20_000)


def test_what_was_written_stands_in_the_answer() -> None:
    stored = {"_index": "a", "_id": "1", "status": 201, "result": "created"}
    bulk = {
        "items": [
            {"index": stored},
            {"update": {**stored, "_id": "2", "result": "noop", "status": 200}},
            {
                "create": {
                    "_index": "a",
                    "_id": "3",
                    "status": 409,
                    "error": {"type": "version_conflict_engine_exception"},
                }
            },
            {"delete": {**stored, "_id": "4", "result": "deleted", "status": 200}},
            {"update": {**stored, "_index": "b", "_id": "5", "result": "updated", "status": 200}},
            {"index": {**stored, "_id": "1", "result": "updated", "status": 200}},
            {"index": {"status": 201}},
        ]
    }
    assert read_written(bulk) == ([WrittenDocuments("a", ("1",)), WrittenDocuments("b", ("5",))], 1)
    assert read_written({"_index": "a", "_id": "1", "result": "created"}) == ([WrittenDocuments("a", ("1",))], 0)
    assert read_written({"_index": "a", "_id": "1", "result": "deleted"}) == ([], 0)
    assert read_written(None) == read_written({"acknowledged": True}) == ([], 0)
    assert VectorsOfWrites().headers() == []
    assert VectorsOfWrites(2, 1).headers() == [("X-Searchctl-Vectors", "2 encoded, 1 left")]


@pytest.fixture(params=[server_param("opensearch-2"), server_param("elasticsearch-9")])
def written_shop(request: pytest.FixtureRequest) -> Shop:
    name = str(request.param)
    return make(server_url(request, name), "opensearch" if name.startswith("opensearch") else "elasticsearch", INDEX)


@pytest.fixture
def open_door(written_shop: Shop) -> Iterator[Gateway]:
    """A function that starts a gateway before the server."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(Running(written_shop.url, settings, family=written_shop.family))


def vectors_of(shop: Shop, *ids: str) -> list[bool]:
    answer = shop.ask("POST", f"/searchctl-vectors-{INDEX}/_mget", {"ids": list(ids)}).json
    return [document["found"] and bool(document["_source"]["passages"]) for document in answer["docs"]]


def by_meaning(gateway: Running, text: str) -> list[str]:
    body = {"query": {"match": {"description": text}}}
    answer = gateway.ask("POST", f"/{INDEX}/_search", body, headers={"x-searchctl": "expand"})
    assert answer.mode == "hybrid", answer.reason
    return answer.ids


def test_written_documents_have_vectors_when_the_app_hears_of_them(written_shop: Shop, open_door: Gateway) -> None:
    door = open_door(SETTINGS)
    lines: list[Any] = []
    for id, description in (("w1", "zephyr lantern for the garden"), ("w2", "quartz kettle"), ("w1", "zephyr lamp")):
        lines += [{"index": {"_id": id}}, {"name": "Written", "description": description}]
    lines += [{"create": {"_id": "w1"}}, {"name": "Conflict"}, {"delete": {"_id": "nothing"}}]
    answer = door.ask("POST", f"/{INDEX}/_bulk", lines, {"refresh": "true"})
    assert answer.status == 200 and answer.json["errors"]
    assert [next(iter(item.values()))["status"] for item in answer.json["items"]] == [201, 201, 200, 409, 404]
    assert answer.headers["x-searchctl-vectors"] == "2 encoded"
    assert vectors_of(written_shop, "w1", "w2") == [True, True]
    assert by_meaning(door, "zephyr lamps")[0] == "w1"


def test_an_update_is_encoded_as_the_document_then_stands(written_shop: Shop, open_door: Gateway) -> None:
    door = open_door(SETTINGS)

    def said(answer: Answered) -> str | None:
        assert answer.status < 300, answer.raw
        return answer.headers.get("x-searchctl-vectors")

    assert (
        said(door.ask("PUT", f"/{INDEX}/_doc/u1", {"name": "Cup", "description": "plain", "price": 1})) == "1 encoded"
    )
    assert said(door.ask("POST", f"/{INDEX}/_update/u1", {"doc": {"price": 2}})) is None  # the text is as it was
    assert said(door.ask("POST", f"/{INDEX}/_update/u1", {"doc": {"description": "obsidian mug"}})) == "1 encoded"
    if written_shop.family == "opensearch":  # the assembled Elasticsearch has no scripts
        change = {"script": {"source": "ctx._source.description = params.d", "params": {"d": "cobalt beaker"}}}
    else:
        change = {"doc": {"description": "cobalt beaker"}}
    assert said(door.ask("POST", f"/{INDEX}/_update/u1", change, {"refresh": "wait_for"})) == "1 encoded"
    assert by_meaning(door, "cobalt beakers")[0] == "u1"
    assert said(door.ask("DELETE", f"/{INDEX}/_doc/u1")) is None


def test_bytes_and_versions_are_those_of_the_server(written_shop: Shop, open_door: Gateway) -> None:
    door = open_door(SETTINGS)
    first = door.ask("PUT", f"/{INDEX}/_doc/v1", {"name": "One", "description": "first"}).json
    assert first["_version"] == 1
    told = {"if_seq_no": str(first["_seq_no"]), "if_primary_term": str(first["_primary_term"])}
    assert door.ask("PUT", f"/{INDEX}/_doc/v1", {"name": "Two"}, told).status == 200
    assert door.ask("PUT", f"/{INDEX}/_doc/v1", {"name": "Three"}, told).status == 409
    assert written_shop.ask("GET", f"/{INDEX}/_doc/v1").json["_source"] == {"name": "Two"}


def test_what_takes_too_long_is_encoded_behind_the_answer(written_shop: Shop, open_door: Gateway) -> None:
    door = open_door(GatewaySettings(embed_writes=True, budget_ms=1))
    lines: list[Any] = []
    for number in range(300):
        lines += [{"index": {"_id": f"many-{number}"}}, {"name": "Many", "description": f"thing {number}"}]
    answer = door.ask("POST", f"/{INDEX}/_bulk", lines)
    assert answer.status == 200 and not answer.json["errors"]
    assert answer.headers["x-searchctl-vectors"] == "behind"
    until(lambda: door.ask("GET", "/_searchctl/report").json["written"] == {"encoded": 300, "left": 0})
    assert all(vectors_of(written_shop, *(f"many-{number}" for number in range(300))))


def test_without_the_option_writes_go_through_as_they_are(written_shop: Shop, open_door: Gateway) -> None:
    door = open_door(GatewaySettings())
    answer = door.ask("PUT", f"/{INDEX}/_doc/plain-1", {"name": "Plain", "description": "untouched"})
    assert answer.status == 201 and "x-searchctl-vectors" not in answer.headers
    assert vectors_of(written_shop, "plain-1") == [False]


def test_an_index_without_vectors_is_none_of_our_business(written_shop: Shop, open_door: Gateway) -> None:
    door = open_door(SETTINGS)
    written_shop.ask("DELETE", "/gateway-plain?ignore_unavailable=true")
    answer = door.ask("PUT", "/gateway-plain/_doc/1", {"name": "Plain"})
    assert answer.status == 201 and "x-searchctl-vectors" not in answer.headers
    names = written_shop.ask("GET", "/_cat/indices/*gateway-plain*?h=index").raw.decode().split()
    assert names == ["gateway-plain"]


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
