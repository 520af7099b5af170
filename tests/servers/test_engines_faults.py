"""Servers that are busy, break off, refuse or die: afterwards the index holds the source's documents, once each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.engines.rest import loading
from searchctl.engines.rest.client import QUICK, STEADY, Client
from searchctl.engines.rest.engine import ServerEngine
from searchctl.errors import EngineUnreachable, IndexLocked, ServerRefusal
from searchctl.index import Index
from searchctl.schema import EncoderStamp, PassageSettings, Schema
from searchctl.settings.connection import Connection
from searchctl.types import LexicalQuery
from tests.conftest import entry
from tests.servers.node import Node
from tests.servers.parameters import server_param, server_url
from tests.servers.proxy import BreakOff, Fault, Hang, Proxy, Refuse, Request

INDEX = "faults"
DOCUMENTS = [{"id": f"{number:04}", "text": f"document number {number} about tea"} for number in range(400)]
PARAMETERS = [server_param("opensearch-2"), server_param("elasticsearch-9")]


def engine_at(url: str, pauses: list[float] | None = None) -> ServerEngine:
    """Return an engine that never pauses, only notes how long it would have."""
    connection = Connection(hosts=(url,))
    return ServerEngine(Client(connection, pause=[].append if pauses is None else pauses.append), connection, None)


@pytest.fixture(params=PARAMETERS)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server, without our index before and after."""
    found = server_url(request, request.param)
    with closing(engine_at(found)) as engine:
        engine.drop(INDEX)
        yield found
        engine.drop(INDEX)


def make(engine: ServerEngine) -> Index:
    encoder = HashingEncoder(16)
    stamp = EncoderStamp(encoder.name, encoder.revision, encoder.dim)
    engine.create(INDEX, Schema(stamp, passages=PassageSettings(64, 8)))
    return Index(engine, INDEX, encoder)


def stored(engine: ServerEngine) -> dict[str, tuple[str, int]]:
    """Return text and version of every document, as the server has them."""
    body = {"size": 1000, "version": True, "_source": ["text"]}
    hits = engine.client.request("POST", f"/{INDEX}/_search", body).body["hits"]["hits"]
    return {hit["_id"]: (hit["_source"]["text"], hit["_version"]) for hit in hits}


def settings(engine: ServerEngine) -> tuple[str | None, str]:
    (found,) = engine.client.request("GET", f"/{INDEX}/_settings").body.values()
    return found["settings"]["index"].get("refresh_interval"), found["settings"]["index"]["number_of_replicas"]


def test_a_load_through_a_bad_line_ends_whole_and_a_second_one_writes_nothing(url: str) -> None:
    dice = random.Random(4)

    def faults(request: Request) -> Fault:
        kinds: list[Fault] = [Refuse(429), Refuse(503), BreakOff()]
        safe = request.method != "PUT" or "_mapping" in request.path or "_settings" in request.path
        return dice.choice(kinds) if safe and dice.random() < 0.2 else None

    with closing(engine_at(url)) as direct, Proxy(url) as proxy, closing(engine_at(proxy.url)) as engine:
        index = make(engine)
        proxy.faults = faults
        report = index.ingest(DOCUMENTS, batch=20)
        proxy.faults = lambda request: None
        assert (report.written, report.dead) == (400, 0)
        first = stored(direct)
        assert {id: text for id, (text, _) in first.items()} == {one["id"]: one["text"] for one in DOCUMENTS}
        assert index.ingest(DOCUMENTS, batch=50).unchanged == 400
        assert stored(direct) == first
        assert settings(direct) == (None, "1")


def test_requests_shrink_to_what_the_server_takes(url: str) -> None:
    def faults(request: Request) -> Fault:
        return Refuse(413) if request.size > 9000 else None

    with Proxy(url, faults) as proxy, closing(engine_at(proxy.url)) as engine:
        index = make(engine)
        assert index.ingest(DOCUMENTS, batch=100).written == 400
        learnt = len(proxy.requests)
        large = entry("large", "tea " * 3000)
        (refused,) = engine.write(INDEX, [large, *(entry(f"more-{number}", "tea " * 200) for number in range(100))])
        assert (refused.id, refused.reason) == ("large", "the document is larger than the server takes")
        assert engine.count(INDEX) == 500
        sizes = [one.size for one in proxy.requests[learnt:] if "_bulk" in one.path]
        assert len(sizes) > 9, "they don't fit into one request"
        assert len([size for size in sizes if size > 9000]) == 1, "the large one alone: what was learnt is kept"


def test_pauses_grow_and_then_it_gives_up_with_a_sentence(url: str) -> None:
    pauses: list[float] = []
    with Proxy(url, lambda request: Refuse(503)) as proxy, closing(engine_at(proxy.url, pauses)) as engine:
        with pytest.raises(ServerRefusal, match="HTTP 503 to /: the proxy refuses"):
            engine.client.request("GET", "/", patience=STEADY)
        assert len(proxy.requests) == STEADY.attempts
        assert len(pauses) == STEADY.attempts - 1
        for number, pause in enumerate(pauses):
            longest = min(STEADY.first * 2**number, STEADY.longest)
            assert longest / 2 <= pause <= longest


def test_a_request_that_must_not_be_repeated_is_not(url: str) -> None:
    with Proxy(url, lambda request: BreakOff()) as proxy, closing(engine_at(proxy.url)) as engine:
        with pytest.raises(EngineUnreachable, match="broke off"):
            engine.client.request("POST", "/_refresh", repeatable=False)
        assert len(proxy.requests) == 1
        with pytest.raises(EngineUnreachable, match="broke off"):
            engine.client.request("POST", "/_refresh")
        assert len(proxy.requests) == 1 + QUICK.attempts


def test_a_server_that_is_too_slow_is_named(url: str) -> None:
    hangs = Proxy(url, lambda request: Hang())
    with hangs, closing(engine_at(hangs.url)) as engine, pytest.raises(EngineUnreachable, match="hasn't answered"):
        engine.client.request("GET", "/", timeout=0.1)


def test_the_next_host_answers_for_one_that_is_down(url: str) -> None:
    with Proxy(url) as proxy:
        gone = proxy.url
    with closing(engine_at(gone)) as engine, pytest.raises(EngineUnreachable, match="no server answers"):
        engine.indexes()
    connection = Connection(hosts=(gone, url))
    with closing(ServerEngine(Client(connection), connection, None)) as engine:
        for _ in range(3):
            assert engine.server.family in ("opensearch", "elasticsearch")
            assert [one for one in engine.indexes() if one.name == INDEX] == []


def test_what_a_crashed_load_left_is_put_back_when_the_index_is_next_opened(url: str) -> None:
    with closing(engine_at(url)) as crashed, closing(engine_at(url)) as engine:
        make(crashed)
        loading.relax(crashed.client, crashed.state(INDEX, fresh=True))
        assert crashed.write(INDEX, [entry("tea", "green tea")]) == []
        assert settings(crashed) == ("-1", "0")
        assert engine.search(INDEX, [LexicalQuery("tea")])[0].ids == ("tea",)
        assert settings(engine) == (None, "1")
        assert engine.state(INDEX, fresh=True).relaxed is None


def test_a_load_at_work_keeps_others_out_and_its_settings(url: str) -> None:
    with closing(engine_at(url)) as one, closing(engine_at(url)) as other:
        make(one)
        with one.writing(INDEX):
            assert settings(one) == ("-1", "0")
            assert other.schema(INDEX).encoder is not None
            assert settings(one) == ("-1", "0")
            with pytest.raises(IndexLocked, match="writing to the index 'faults'"), other.writing(INDEX):
                pass
        assert settings(one) == (None, "1")
        with one.writing(INDEX):  # nothing is relaxed where people may be searching
            assert one.write(INDEX, [entry("tea", "green tea")]) == []
        with one.writing(INDEX):
            assert settings(one) == (None, "1")


@pytest.mark.slow
@pytest.mark.parametrize("server", ["opensearch-2", "elasticsearch-9"])
def test_a_node_killed_during_a_load_and_started_again_holds_the_source_exactly(
    own_node: Callable[[str], Node], server: str
) -> None:
    node = own_node(server)
    connection = Connection(hosts=(node.url,))

    def documents() -> Iterator[dict[str, str]]:
        for number, document in enumerate(DOCUMENTS):
            if number == 200:
                node.kill()
                node.start()
            yield document

    with closing(ServerEngine(Client(connection), connection, None)) as engine:
        index = make(engine)
        with suppress(EngineUnreachable):  # a node may be down for longer than a load waits: then it's typed again
            index.ingest(documents(), batch=20)
        index.ingest(DOCUMENTS, batch=20)
        found = stored(engine)
        assert {id: text for id, (text, _) in found.items()} == {one["id"]: one["text"] for one in DOCUMENTS}
        assert all(id < "0200" for id, (_, version) in found.items() if version > 1), (
            "only what was in doubt went twice"
        )
        assert index.ingest(DOCUMENTS, batch=20).unchanged == 400
        assert stored(engine) == found
        assert settings(engine) == (None, "1")
