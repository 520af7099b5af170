"""A new version takes an index's name over on a real server, and whoever asks all the while gets whole answers."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from searchctl.encoders import open_encoder
from searchctl.engines import open_engine
from searchctl.index import Index, encoder_stamp
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.dump import dump
from searchctl.lifecycle.reembed import Judging, ReembedReport, reembed
from searchctl.lifecycle.restore import restore
from searchctl.lifecycle.vectorize import encode_deferred
from searchctl.lifecycle.versions import drop_version, roll_back
from searchctl.types import Entry
from tests.servers.parameters import SERVERS, server_param, server_url

DOCUMENTS = 150
WORDS = "tea coffee bread river stone window letter garden чай кофе хлеб река камень окно письмо сад".split()


def rows() -> list[dict[str, object]]:
    rng = np.random.default_rng(3)
    return [{"id": f"d{n}", "text": f"Note {n}. " + " ".join(rng.choice(WORDS, 20)), "n": n} for n in range(DOCUMENTS)]


@pytest.fixture(params=map(server_param, SERVERS))
def url(request: pytest.FixtureRequest) -> str:
    """The address of each server in turn."""
    return server_url(request, request.param)


@pytest.fixture
def index(url: str) -> Iterator[Index]:
    """An index of a name of its own, whose versions are dropped afterwards."""
    name = f"swap-{uuid.uuid4().hex[:8]}"
    with Index.open(url, name, encoder="hashing:32") as opened:
        opened.ingest(rows())
        yield opened
        for one in opened.engine.indexes():
            if one.name.startswith(name):
                opened.engine.drop(one.name)


def change(index: Index, encoder: str, monitor: Monitor | None = None) -> ReembedReport:
    made = open_encoder(encoder)
    return reembed(index, encoder_stamp(encoder, made), made, Judging(known_items=0), monitor or Monitor())


class Client(threading.Thread):
    """Asks all the while and remembers what failed."""

    def __init__(self, ask: Callable[[], int], stop: threading.Event) -> None:
        super().__init__()
        self._ask = ask
        self._stopped = stop
        self.answers = 0
        self.failures: list[str] = []

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                found = self._ask()
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                self.failures.append(repr(error))
                continue
            self.answers += 1
            if found != DOCUMENTS:
                self.failures.append(f"{found} documents")


def with_the_library(url: str, name: str, opened: list[Index]) -> Callable[[], int]:
    own = Index.open(url, name, create=False)
    opened.append(own)

    def ask() -> int:
        assert len(own.search("note tea", 5)) == 5
        return own.count()

    return ask


def with_plain_http(url: str, name: str, retried: list[int]) -> Callable[[], int]:
    """A client as OpenSearch's and Elasticsearch's own are: they ask again on 503."""
    body = json.dumps({"query": {"match_all": {}}, "size": 1, "track_total_hits": True}).encode()

    def ask() -> int:
        request = urllib.request.Request(f"{url}/{name}/_search", body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                found = json.load(response)
        except urllib.error.HTTPError as error:
            error.close()
            assert error.code == 503
            retried.append(error.code)
            return ask()
        assert found["_shards"]["failed"] == 0
        return int(found["hits"]["total"]["value"])

    return ask


def test_nobody_who_asks_all_the_while_notices(index: Index, url: str) -> None:
    stop = threading.Event()
    opened: list[Index] = []
    retried: list[int] = []
    library = [Client(with_the_library(url, index.name, opened), stop) for _ in range(2)]
    others = Client(with_plain_http(url, index.name, retried), stop)
    for client in (*library, others):
        client.start()
    try:
        first = change(index, "hashing:64")
        assert first.moved is not None and first.moved.before == f"{index.name}-v1"
        answered = others.answers
        while others.answers < answered + 2:  # the request that was under way has its answer
            stop.wait(0.01)
        at_first = len(retried)  # an index gives up its own name once; requests under way in it may have to be repeated
        change(index, "hashing:48")
        assert roll_back(index.engine, index.name).after == first.version
    finally:
        stop.set()
        for client in (*library, others):
            client.join()
        for one in opened:
            one.close()
    assert [client.failures for client in library] == [[], []]
    assert others.failures == [] and len(retried) == at_first
    assert all(client.answers for client in (*library, others))


def contents(index: Index, name: str) -> dict[str, Entry]:
    return {entry.document.id: entry for batch in index.engine.scan(name, vectors=True) for entry in batch}


def test_the_new_version_holds_the_same_documents_and_the_old_one_stays(index: Index) -> None:
    change(index, "hashing:64")
    old, new = contents(index, f"{index.name}-v1"), contents(index, index.name)
    assert {id: entry.document for id, entry in old.items()} == {id: entry.document for id, entry in new.items()}
    assert len(new) == DOCUMENTS
    encoder = open_encoder("hashing:64")
    for id in ("d0", "d17"):
        np.testing.assert_allclose(new[id].vectors, encoder.encode_documents([new[id].document.text]), atol=1e-6)
    assert index.search(new["d17"].document.text, mode="vector")[0].id == "d17"
    assert index.ingest(rows()).unchanged == DOCUMENTS
    assert roll_back(index.engine, index.name).after == f"{index.name}-v1"
    assert index.schema.encoder is not None and index.schema.encoder.name == "hashing:32"
    index.ingest([{"id": "late", "text": "a lantern in the fog"}])
    assert index.search("lantern", mode="lexical")[0].id == "late"
    drop_version(index.engine, index.name, f"{index.name}-v2")
    assert index.count() == DOCUMENTS + 1


def test_interrupted_it_goes_on_where_it_stopped(index: Index) -> None:
    stop = threading.Event()

    def tell(done: int, total: int) -> None:
        if done >= 100:
            stop.set()

    first = change(index, "hashing:64", Monitor(tell, stop))
    assert first.interrupted and 100 <= first.documents < DOCUMENTS
    second = change(index, "hashing:64")
    assert (second.version, second.encoded) == (first.version, DOCUMENTS - first.documents)


def test_a_dump_moves_between_a_server_and_a_folder(index: Index, tmp_path: Path) -> None:
    dump(index.engine, index.name, tmp_path / "dump", Monitor())
    folder = open_engine(tmp_path / "engine")
    restore(folder, "copy", tmp_path / "dump", Monitor())
    dump(folder, "copy", tmp_path / "back", Monitor())
    restore(index.engine, index.name, tmp_path / "back", Monitor(), replace_index=True)
    assert index.engine.resolve(index.name) == f"{index.name}-v2"
    old, here, new = (
        contents(index, f"{index.name}-v1"),
        contents(Index(folder, "copy"), "copy"),
        contents(index, index.name),
    )
    assert old.keys() == here.keys() == new.keys() and len(new) == DOCUMENTS
    for id, entry in old.items():
        for other in (here[id], new[id]):
            assert (other.document, other.passages, other.fingerprint) == (
                entry.document,
                entry.passages,
                entry.fingerprint,
            )
            np.testing.assert_allclose(other.vectors, entry.vectors, atol=5e-4)
    folder.close()


def test_vectors_come_after_the_texts(index: Index, tmp_path: Path) -> None:
    from searchctl.ingest.model import IngestSettings
    from searchctl.sources import discover

    (tmp_path / "late.txt").write_text("A lantern in the fog.")
    index.ingest_files(discover([str(tmp_path / "late.txt")]).files, IngestSettings(defer_vectors=True))
    assert index.search("lantern", mode="lexical")[0].id == "late.txt"
    assert "late.txt" not in [hit.id for hit in index.search("lantern fog", 300, mode="vector")]
    assert encode_deferred(index, Monitor()).encoded == 1
    assert index.search("A lantern in the fog.", mode="vector")[0].id == "late.txt"
