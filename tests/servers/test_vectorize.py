"""Vectors for an index that somebody else made and goes on feeding: nothing of theirs is lost, and what they change is noticed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from searchctl.encoders import open_encoder
from searchctl.engines import open_engine
from searchctl.engines.rest.engine import ServerEngine
from searchctl.errors import IndexMissing, UsageError
from searchctl.index import Index, encoder_stamp
from searchctl.ingest.copying import Watch
from searchctl.lifecycle.doctor import examine
from searchctl.lifecycle.dump import dump, restore
from searchctl.lifecycle.foreign import ForeignIndex, ForeignReport, Reading
from searchctl.lifecycle.reembed import Judging, reembed
from searchctl.lifecycle.vectorize import encode_deferred
from searchctl.lifecycle.versions import drop_version, roll_back, versions
from searchctl.types import Json
from tests.servers.parameters import SERVERS, server_param, server_url

DOCUMENTS = 120
WORDS = "tea coffee bread river stone window letter garden чай кофе хлеб река".split()
MAPPING: Json = {
    "dynamic": "strict",
    "_meta": {"owner": "the shop"},
    "properties": {
        "name": {"type": "text", "analyzer": "theirs", "fields": {"raw": {"type": "keyword"}}},
        "body": {"properties": {"html": {"type": "text"}}},
        "price": {"type": "float"},
        "brand": {"type": "keyword"},
        "changed": {"type": "long"},
    },
}
SETTINGS: Json = {
    "number_of_shards": 2,
    "number_of_replicas": 0,
    "analysis": {"analyzer": {"theirs": {"type": "custom", "tokenizer": "standard", "filter": ["lowercase"]}}},
}


@dataclass
class Shop:
    """Somebody else's index and the program that feeds it."""

    engine: ServerEngine
    name: str

    def ask(self, method: str, path: str, body: Json | None = None, **params: str | int | bool) -> Any:
        return self.engine.client.request(method, path, body, params=params).body

    def make(self, name: str) -> None:
        self.ask("PUT", f"/{name}", {"settings": {"index": SETTINGS}, "mappings": MAPPING})
        for number in range(DOCUMENTS):
            self.feed(f"p{number}", number, into=name, refresh=False)
        self.ask("POST", f"/{name}/_refresh")

    def feed(self, id: str, number: int, text: str = "", *, into: str | None = None, refresh: bool = True) -> None:
        """Write a document whole; every fifth on a shard of the shop's own choice."""
        words = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 12))
        document: Json = {
            "name": f"Product {number}",
            "body": {"html": text or words},
            "price": number,
            "brand": "ab"[number % 2],
            "changed": number,
        }
        where = {"routing": f"r{number % 3}"} if number % 5 == 0 else {}
        self.ask("PUT", f"/{into or self.name}/_doc/{id}", document, refresh=refresh, **where)

    def touch(self, id: str, part: Json, **where: str) -> None:
        self.ask("POST", f"/{self.name}/_update/{id}", {"doc": part}, refresh=True, **where)

    def vectors(self, encoder: str = "hashing:32", **reading: Any) -> ForeignIndex:
        made = open_encoder(encoder)
        stamp = encoder_stamp(encoder, made)
        return ForeignIndex(self.engine, self.name, stamp, made, Reading("name", ("body.html",), **reading))

    def theirs(self, index: str) -> dict[str, Json]:
        """Return the documents as the shop wrote them."""
        body: Json = {"size": 1000, "query": {"match_all": {}}, "_source": {"excludes": ["passages", "searchctl"]}}
        hits = self.ask("POST", f"/{index}/_search", body)["hits"]["hits"]
        return {hit["_id"]: {**hit["_source"], "_routing": hit.get("_routing")} for hit in hits}

    def nearest(self, text: str) -> str:
        """Return the id of the document whose vectors are nearest to those of a text."""
        return Index(self.engine, self.name).search(text, mode="vector")[0].id


@pytest.fixture(params=map(server_param, SERVERS))
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Each server in turn with an index of a name of its own."""
    engine = open_engine(server_url(request, request.param))
    assert isinstance(engine, ServerEngine)
    made = Shop(engine, f"shop-{uuid.uuid4().hex[:8]}")
    made.make(made.name)
    yield made
    for name in engine.client.request("GET", f"/{made.name}*").body:
        engine.client.request("DELETE", f"/{name}")
    engine.close()


def in_place(shop: Shop) -> bool:
    return shop.engine.server.family == "elasticsearch"


def test_every_document_gets_vectors_and_stays_as_it_was(shop: Shop) -> None:
    before = shop.theirs(shop.name)
    index = shop.vectors()
    plan = index.plan()
    assert (plan.documents, plan.waiting, plan.stale) == (DOCUMENTS, DOCUMENTS, 0)
    assert plan.version == (None if in_place(shop) else f"{shop.name}-v2")
    assert shop.theirs(shop.name) == before
    report = index.run(Watch())
    assert (report.documents, report.work.encoded, report.work.refused) == (DOCUMENTS, DOCUMENTS, ())
    assert shop.theirs(shop.name) == before
    found = Index(shop.engine, shop.name)
    text = before["p17"]["body"]["html"]
    hit = found.search(f"Product 17 {text}", mode="vector")[0]
    assert hit.id == "p17" and hit.title == "Product 17" and hit.passage is not None and hit.passage.text == text
    assert hit.fields["price"] == 17
    assert {one.fields["brand"] for one in found.search("product tea", 50, where={"brand": "a"})} == {"a"}
    assert found.search("17", mode="lexical")[0].id == "p17"
    made = shop.ask("GET", f"/{shop.name}")
    ((_, described),) = made.items()
    assert described["mappings"]["_meta"]["owner"] == "the shop"
    assert described["mappings"]["properties"]["name"]["analyzer"] == "theirs"
    assert described["settings"]["index"]["number_of_shards"] == "2"


def test_the_old_index_stays_for_a_rollback(shop: Shop) -> None:
    before = shop.theirs(shop.name)
    report = shop.vectors().run(Watch())
    if in_place(shop):  # a second encoder can't share the field, so that is what makes a copy there
        report = shop.vectors("hashing:48").run(Watch())
    assert report.moved is not None and report.moved.before == f"{shop.name}-v1"
    assert shop.theirs(shop.name) == shop.theirs(f"{shop.name}-v1") == before
    listed = [(one.info.name, one.info.documents, one.current) for one in versions(shop.engine, shop.name)]
    assert listed == [(f"{shop.name}-v1", DOCUMENTS, False), (f"{shop.name}-v2", DOCUMENTS, True)]
    if not in_place(shop):
        with pytest.raises(UsageError, match="what others wrote, and searchctl never deletes that"):
            drop_version(shop.engine, shop.name, f"{shop.name}-v1")
    roll_back(shop.engine, shop.name)
    assert list(shop.ask("GET", f"/{shop.name}")) == [f"{shop.name}-v1"]
    assert [one.current for one in versions(shop.engine, shop.name)] == [True, False]
    roll_back(shop.engine, shop.name, f"{shop.name}-v2")
    assert shop.nearest(f"Product 17 {before['p17']['body']['html']}") == "p17"


def test_a_second_run_encodes_only_what_changed(shop: Shop) -> None:
    shop.vectors().run(Watch())
    assert shop.vectors().run(Watch()).work.encoded == 0
    shop.feed("p1", 1, "A lantern in the fog")
    shop.touch("p2", {"body": {"html": "An anchor made of iron"}})
    shop.touch("p3", {"price": 1000})
    shop.feed("new", 1000, "A violin without strings", refresh=True)
    index = shop.vectors()
    plan = index.plan()
    assert (plan.version, plan.waiting, plan.stale) == (None, 2, 1)
    (told,) = [one for one in examine(shop.engine.url, shop.name) if one.level == "warning"]
    assert (told.message[-3:], told.fix) == (": 2", f"searchctl vectorize {shop.name}")
    work = index.run(Watch()).work
    assert (work.encoded, work.stale) == (3, 1)
    assert shop.nearest("Product 1 A lantern in the fog") == "p1"
    assert shop.nearest("Product 2 An anchor made of iron") == "p2"
    assert shop.nearest("Product 1000 A violin without strings") == "new"
    assert shop.theirs(shop.name)["p3"]["price"] == 1000


def test_outdated_vectors_answer_nothing(shop: Shop) -> None:
    shop.vectors().run(Watch())
    shop.touch("p2", {"body": {"html": "An anchor made of iron"}})
    index, stop = shop.vectors(), threading.Event()
    stop.set()
    assert index.run(Watch(stop=stop)).work.stale == 1
    found = Index(shop.engine, shop.name).search("Product 2", DOCUMENTS, mode="vector")
    assert len(found) == DOCUMENTS - 1 and "p2" not in [hit.id for hit in found]


def stopping_after(count: int) -> Watch:
    stop = threading.Event()

    def tell(done: int, total: int) -> None:
        if done >= count:
            stop.set()

    return Watch(tell, stop)


def test_interrupted_it_goes_on_where_it_stopped(shop: Shop) -> None:
    first = shop.vectors().run(stopping_after(1))
    assert first.interrupted and 0 < first.work.encoded < DOCUMENTS
    second = shop.vectors().run(Watch())
    assert second.work.encoded == DOCUMENTS - first.work.encoded and not second.interrupted
    assert len(shop.theirs(shop.name)) == DOCUMENTS


def test_what_is_written_all_the_while_isnt_lost(shop: Shop) -> None:
    """The shop writes, changes and deletes during the first pass, and its documents come out as it left them."""
    fed: list[int] = []

    def meddle(done: int, total: int) -> None:
        if not fed:
            fed.append(done)
            shop.feed("p4", 4, "A lantern in the fog")
            shop.touch("p6", {"price": 77})
            shop.feed("late", 1001, "A violin without strings")
            shop.ask("DELETE", f"/{shop.name}/_doc/p7", refresh=True)

    report: ForeignReport = shop.vectors().run(Watch(meddle))
    assert report.documents == DOCUMENTS
    found = shop.theirs(shop.name)
    assert "p7" not in found and found["p6"]["price"] == 77
    assert found["p4"]["body"]["html"] == "A lantern in the fog"
    assert shop.nearest("Product 4 A lantern in the fog") == "p4"
    assert shop.nearest("Product 1001 A violin without strings") == "late"


def test_following_finds_changes_by_a_field(shop: Shop) -> None:
    index = shop.vectors(changed_by="changed")
    report = index.run(Watch())
    stop = threading.Event()
    seen: list[int] = []
    steps: Iterator[Callable[[], None]] = iter(
        [
            lambda: shop.touch("p8", {"body": {"html": "A lantern in the fog"}, "changed": 2000}),
            lambda: shop.feed("p9", 9, "An anchor made of iron"),
            stop.set,
        ]
    )

    def tell(work: Any) -> None:
        seen.append(work.encoded)
        next(steps)()

    index.follow(report.index, Watch(stop=stop), 0.01, tell)
    assert seen == [0, 1, 1]
    assert shop.nearest("Product 8 A lantern in the fog") == "p8"
    assert shop.nearest("Product 9 An anchor made of iron") == "p9"


def test_what_cant_be_vectorized_says_why(shop: Shop, tmp_path: Path) -> None:
    made = open_encoder("hashing:32")
    stamp = encoder_stamp("hashing:32", made)
    with pytest.raises(IndexMissing, match="name one that is there"):
        ForeignIndex(shop.engine, f"{shop.name}-nowhere", stamp, made, Reading())
    with pytest.raises(UsageError, match="no field 'story'; texts are: name"):
        ForeignIndex(shop.engine, shop.name, stamp, made, Reading(None, ("story",)))
    with pytest.raises(UsageError, match="is a folder"):
        ForeignIndex(open_engine(tmp_path), shop.name, stamp, made, Reading())
    with (
        Index.open(shop.engine.url, f"{shop.name}-own", encoder="hashing:32") as own,
        pytest.raises(UsageError, match="own"),
    ):
        ForeignIndex(own.engine, own.name, stamp, made, Reading())
    shop.vectors().run(Watch())
    index = Index(shop.engine, shop.name)
    with pytest.raises(UsageError, match="written by others"):
        index.ingest([{"id": "x", "text": "mine"}])
    with pytest.raises(UsageError, match=f"vectorize {shop.name} --encoder"):
        reembed(index, encoder_stamp("hashing:48", made), open_encoder("hashing:48"), Judging(), Watch())
    with pytest.raises(UsageError, match=f"vectorize {shop.name}"):
        encode_deferred(index, Watch())


def test_its_dump_is_an_index_of_searchctls_own_elsewhere(shop: Shop, tmp_path: Path) -> None:
    shop.vectors().run(Watch())
    dump(shop.engine, shop.name, tmp_path / "dump", Watch())
    folder = open_engine(tmp_path / "engine")
    assert restore(folder, "copy", tmp_path / "dump", Watch()).documents == DOCUMENTS
    copy, theirs = Index(folder, "copy"), shop.theirs(shop.name)["p20"]
    found = copy.search(f"Product 20 {theirs['body']['html']}", mode="vector", where={"price": 20})[0]
    assert (found.id, found.title, found.fields["brand"]) == ("p20", "Product 20", theirs["brand"])
    copy.close()
