"""`vectorize INDEX` and `reembed` killed at their most delicate moments and typed again end exactly as unbroken ones."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from searchctl.engines import open_engine
from searchctl.engines.rest.bulk import index_action
from searchctl.engines.rest.engine import ServerEngine
from searchctl.index import Index
from searchctl.lifecycle.versions import versions
from searchctl.types import Json
from tests.conftest import entry
from tests.servers.parameters import server_param, server_url
from tests.servers.proxy import Fault, Proxy, Refuse, Request

DOCUMENTS = 600  # many bulk requests, though what waits is written together
WORDS = "tea coffee bread river stone window letter garden чай кофе хлеб река".split()
TEXT = {"type": "text"}
MAPPING: Json = {"properties": {"name": TEXT, "body": TEXT, "price": {"type": "float"}}}


@pytest.fixture
def engine(request: pytest.FixtureRequest, server: str) -> Iterator[ServerEngine]:
    """The server of the test's parameter."""
    with closing(open_engine(server_url(request, server))) as found:
        assert isinstance(found, ServerEngine)
        yield found


@pytest.fixture
def make(engine: ServerEngine) -> Iterator[Callable[..., str]]:
    """A function that makes an index of somebody else's, always with the same documents, and returns its name."""
    made: list[str] = []

    def one(*, searchctls_own: bool = False) -> str:
        name = f"killed-{uuid.uuid4().hex[:8]}"
        made.append(name)
        if searchctls_own:
            with Index.open(engine.url, name, encoder="hashing:32") as index:
                index.ingest({"id": f"p{number}", "text": product(number)["body"]} for number in range(DOCUMENTS))
            return name
        body: Json = {"settings": {"number_of_replicas": 0}, "mappings": MAPPING}
        engine.client.request("PUT", f"/{name}", body)
        outcomes = engine.bulk.run(name, (index_action(f"p{number}", product(number)) for number in range(DOCUMENTS)))
        assert {one.result for one in outcomes} == {"created"}
        engine.client.request("POST", f"/{name}/_refresh")
        return name

    yield one
    for name in made:
        for index in engine.client.request("GET", f"/*{name}*").body:
            engine.client.request("DELETE", f"/{index}")


def product(number: int) -> Json:
    words = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 9))
    return {"name": f"Product {number}", "body": words, "price": number}


def vectorize(url: str, name: str) -> subprocess.Popen[bytes]:
    return run(url, "vectorize", name, "--text", "body", "--title", "name", "--encoder", "hashing:32")


def embed_anew(url: str, name: str) -> subprocess.Popen[bytes]:
    return run(url, "reembed", "--index", name, "--encoder", "hashing:48", "--known-items", "0")


def run(url: str, *command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "searchctl", *command, "--engine", url, "-q"])


def outcome(engine: ServerEngine, name: str) -> dict[str, Any]:
    """Return all that a run leaves behind, under names that don't depend on the index's."""
    found: dict[str, Any] = {"documents": {}}
    for index, body in engine.client.request("GET", f"/*{name}").body.items():
        stamp = body["mappings"].get("_meta", {}).get("searchctl", {})
        found[index.removesuffix(name)] = {
            "aliases": sorted(alias.removeprefix(name) for alias in body["aliases"]),
            "fields": sorted(body["mappings"]["properties"]),
            "blocks": body["settings"]["index"].get("blocks", {}),
            "relaxed": "searchctl_load" in body["mappings"].get("_meta", {}),
            "background": bool(stamp.get("background")),
        }
    body = {"size": 1000, "_source": engine.dialect.source(vectors=True)}
    for hit in engine.client.request("POST", f"/searchctl-vectors-{name}/_search", body).body["hits"]["hits"]:
        del hit["_source"]["searchctl"]["source"]  # the index's name
        found["documents"][hit["_id"]] = hit["_source"]
    return found


def killed_at(
    url: str,
    name: str,
    moment: str,
    count: int,
    *,
    arrives: bool,
    start: Callable[[str, str], subprocess.Popen[bytes]] = vectorize,
) -> bool:
    """Start the command and kill it when it asks for `moment` the `count`th time; `arrives` says whether the server hears it."""
    seen, counting = 0, threading.Lock()
    process: subprocess.Popen[bytes]

    def fault(request: Request) -> Fault:
        nonlocal seen
        with counting:  # several requests are under way at once
            seen += moment in request.path
            now = moment in request.path and seen == count
        if not now:
            return None
        process.kill()
        process.wait()
        return None if arrives else Refuse(500)

    with Proxy(url, fault) as proxy:
        process = start(proxy.url, name)
        process.wait()
        while len(proxy.done) < len(proxy.requests):
            time.sleep(0.01)
    return process.returncode == -9


def at(server: str, moment: str, count: int, *, arrives: bool) -> Any:
    name = f"{server}-{moment}-{count}-{'after' if arrives else 'before'}"
    return pytest.param(server, moment, count, arrives, marks=server_param(server).marks, id=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "moment", "count", "arrives"),
    [
        at("opensearch-2", "_bulk", 2, arrives=True),
        at("opensearch-2", "_bulk", 3, arrives=False),
        at("opensearch-2", "_settings", 1, arrives=False),
        at("opensearch-2", "_settings", 2, arrives=True),
        at("elasticsearch-9", "_mapping", 1, arrives=True),
        at("elasticsearch-9", "_bulk", 3, arrives=True),
    ],
)
def test_killed_and_typed_again_it_ends_like_an_unbroken_one(
    engine: ServerEngine, make: Callable[..., str], moment: str, count: int, arrives: bool
) -> None:
    unbroken, broken = make(), make()
    assert vectorize(engine.url, unbroken).wait() == 0
    assert killed_at(engine.url, broken, moment, count, arrives=arrives)
    assert vectorize(engine.url, broken).wait() == 0
    expected = outcome(engine, unbroken)
    assert outcome(engine, broken) == expected
    assert len(expected["documents"]) == DOCUMENTS
    assert all("vector" in one["passages"][0] for one in expected["documents"].values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "moment", "count", "arrives"),
    [
        at("opensearch-2", "_clone", 1, arrives=True),
        at("opensearch-2", "_aliases", 1, arrives=False),
        at("elasticsearch-9", "_clone", 1, arrives=True),
        at("elasticsearch-9", "_aliases", 1, arrives=True),
    ],
)
def test_a_name_that_was_about_to_move_moves_the_next_time(
    engine: ServerEngine, make: Callable[..., str], moment: str, count: int, arrives: bool
) -> None:
    name = make(searchctls_own=True)
    assert killed_at(engine.url, name, moment, count, arrives=arrives, start=embed_anew)
    again = embed_anew(engine.url, name).wait()
    assert again == (2 if (moment, arrives) == ("_aliases", True) else 0), "2: it is made with that encoder already"
    engine.forget()
    found = [(one.info.name, one.info.documents, one.current) for one in versions(engine, name)]
    assert found == [(f"{name}-v1", DOCUMENTS, False), (f"{name}-v2", DOCUMENTS, True)]
    aliases = engine.client.request("GET", f"/{name}*").body
    assert [(one, list(body["aliases"])) for one, body in sorted(aliases.items())] == [
        (f"{name}-v1", []),
        (f"{name}-v2", [name]),
    ]
    assert engine.write(f"{name}-v1", [entry("more", "tea")]) == [], "the copy takes documents"
