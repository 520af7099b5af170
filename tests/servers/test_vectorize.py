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
from searchctl.errors import IndexMissing, ServerRefusal, UsageError
from searchctl.index import Index, encoder_stamp
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.doctor import examine
from searchctl.lifecycle.dump import dump
from searchctl.lifecycle.foreign import ForeignIndex, ForeignReport, Reading
from searchctl.lifecycle.reembed import Judging, reembed
from searchctl.lifecycle.restore import restore
from searchctl.lifecycle.vectorize import encode_deferred
from searchctl.lifecycle.versions import roll_back, versioned
from searchctl.schema import EncoderStamp
from searchctl.types import Json, Range
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

    def make(self, name: str, *, knn: bool = False) -> None:
        settings = {**SETTINGS, **({"knn": True} if knn else {})}
        self.ask("PUT", f"/{name}", {"settings": {"index": settings}, "mappings": MAPPING})
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

    def vectors(
        self, encoder: str = "hashing:32", *, name: str = "", in_place: bool = False, **reading: Any
    ) -> ForeignIndex:
        made = open_encoder(encoder)
        stamp = encoder_stamp(encoder, made)
        wanted = Reading("name", ("body.html",), **reading)
        return ForeignIndex(self.engine, name or self.name, stamp, made, wanted, in_place=in_place)

    def photograph(self, *names: str) -> Json:
        """Return all that can be seen of indexes: settings, mappings, aliases, documents with versions, answers."""
        queries: list[Json] = [{"match": {"name": word}} for word in ("product", "17", "STOP", "document")]
        queries += [{"multi_match": {"query": word}} for word in WORDS] + [{"term": {"brand": "a"}}]
        body: Json = {"size": 50, "version": True, "seq_no_primary_term": True}
        return {
            name: {
                "described": self.ask("GET", f"/{name}"),
                "answers": [
                    self.ask("POST", f"/{name}/_search", {**body, "query": query})["hits"] for query in queries
                ],
            }
            for name in names or (self.name,)
        }

    def theirs(self, index: str) -> dict[str, Json]:
        """Return the documents as the shop wrote them."""
        body: Json = {"size": 1000, "query": {"match_all": {}}, "_source": {"excludes": ["passages", "searchctl"]}}
        hits = self.ask("POST", f"/{index}/_search", body)["hits"]["hits"]
        return {hit["_id"]: {**hit["_source"], "_routing": hit.get("_routing")} for hit in hits}

    def nearest(self, text: str) -> str:
        """Return the id of the document whose vectors are nearest to those of a text."""
        return Index(self.engine, self.name).search(text, mode="vector")[0].id


@pytest.fixture(params=list(map(server_param, SERVERS)))
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Each server in turn with an index of a name of its own."""
    engine = open_engine(server_url(request, request.param))
    assert isinstance(engine, ServerEngine)
    made = Shop(engine, f"shop-{uuid.uuid4().hex[:8]}")
    made.make(made.name)
    yield made
    for name in engine.client.request("GET", f"/{made.name}*,searchctl-vectors-{made.name}*").body:
        engine.client.request("DELETE", f"/{name}")
    engine.close()


PLACES = pytest.mark.parametrize("in_place", [False, True], ids=["beside", "in place"])


def knows_knn(shop: Shop, in_place: bool) -> None:
    """In place OpenSearch needs an index made for vectors: this one is made anew as such."""
    if in_place and shop.engine.server.family == "opensearch":
        shop.ask("DELETE", f"/{shop.name}")
        shop.make(shop.name, knn=True)


@PLACES
def test_every_document_gets_vectors_and_stays_as_it_was(shop: Shop, in_place: bool) -> None:
    knows_knn(shop, in_place)
    before = shop.theirs(shop.name)
    index = shop.vectors(in_place=in_place)
    plan = index.plan()
    assert (plan.documents, plan.waiting) == (DOCUMENTS, DOCUMENTS)
    assert plan.home == (shop.name if in_place else f"searchctl-vectors-{shop.name}")
    assert shop.theirs(shop.name) == before
    report = index.run(Monitor())
    assert (report.documents, report.work.encoded, report.work.refused) == (DOCUMENTS, DOCUMENTS, ())
    assert shop.theirs(shop.name) == before
    found = Index(shop.engine, shop.name)
    text = before["p17"]["body"]["html"]
    hit = found.search(f"Product 17 {text}", mode="vector")[0]
    assert hit.id == "p17" and hit.title == "Product 17" and hit.passage is not None and hit.passage.text == text
    assert hit.fields["price"] == 17
    for mode in ("hybrid", "lexical", "vector"):
        some = found.search("product tea", 50, mode=mode, where={"brand": "a"})
        assert len(some) == 50 and {hit.fields["brand"] for hit in some} == {"a"}
    assert found.search("17", mode="lexical")[0].id == "p17"
    assert found.info().documents == DOCUMENTS and found.count({"brand": "b"}) == DOCUMENTS // 2


def test_their_index_is_the_same_to_the_last_byte_until_all_is_taken_away_again(shop: Shop) -> None:
    alias = f"{shop.name}-sold"
    shop.ask("PUT", f"/{shop.name}/_alias/{alias}", {"filter": {"term": {"brand": "a"}}})
    before = shop.photograph(shop.name, alias)
    shop.vectors().run(Monitor())
    found = Index(shop.engine, shop.name)
    assert len(found.search("tea and bread")) and len(found.search("чай", mode="vector"))
    assert shop.photograph(shop.name, alias) == before
    assert shop.vectors().remove() == DOCUMENTS
    assert shop.photograph(shop.name, alias) == before
    assert list(shop.ask("GET", f"/*{shop.name}*")) == [shop.name]
    assert shop.vectors().remove() == 0


def test_vectors_in_place_are_taken_away_from_every_document(shop: Shop) -> None:
    knows_knn(shop, in_place=True)
    before = shop.theirs(shop.name)
    shop.vectors(in_place=True).run(Monitor())
    assert shop.vectors().in_place, "they stay where they are"
    assert shop.vectors().remove() == DOCUMENTS
    body: Json = {"size": 1000, "query": {"match_all": {}}}
    hits = shop.ask("POST", f"/{shop.name}/_search", body)["hits"]["hits"]
    assert {hit["_id"]: {**hit["_source"], "_routing": hit.get("_routing")} for hit in hits} == before
    assert shop.ask("GET", f"/{shop.name}")[shop.name]["mappings"]["_meta"] == {"owner": "the shop"}


@PLACES
def test_a_second_run_encodes_only_what_changed(shop: Shop, in_place: bool) -> None:
    knows_knn(shop, in_place)
    shop.vectors(in_place=in_place).run(Monitor())
    assert shop.vectors().run(Monitor()).work.encoded == 0
    shop.feed("p1", 1, "A lantern in the fog")
    shop.touch("p2", {"body": {"html": "An anchor made of iron"}})
    shop.touch("p3", {"price": 1000})
    shop.feed("new", 1000, "A violin without strings", refresh=True)
    index = shop.vectors()
    assert index.plan().waiting == 3
    (warning,) = [finding for finding in examine(shop.engine.url, shop.name) if finding.level == "warning"]
    assert (warning.message[-3:], warning.fix) == (": 3", f"searchctl vectorize {shop.name}")
    assert index.run(Monitor()).work.encoded == 3
    assert shop.nearest("Product 1 A lantern in the fog") == "p1"
    assert shop.nearest("Product 2 An anchor made of iron") == "p2"
    assert shop.nearest("Product 1000 A violin without strings") == "new"
    assert shop.theirs(shop.name)["p3"]["price"] == 1000
    shop.ask("DELETE", f"/{shop.name}/_doc/p1", refresh=True)
    assert shop.vectors().run(Monitor()).work.deleted == (0 if in_place else 1)


def test_between_two_runs_documents_are_found_by_what_they_say_now(shop: Shop) -> None:
    shop.vectors().run(Monitor())
    found = Index(shop.engine, shop.name)
    old = shop.theirs(shop.name)["p2"]["body"]["html"]
    shop.feed("fresh", 1000, "A violin without strings")
    shop.touch("p2", {"body": {"html": "An anchor made of iron"}})
    shop.touch("p3", {"price": 1000})
    shop.ask("DELETE", f"/{shop.name}/_doc/p4", refresh=True)
    assert [hit.id for hit in found.search("violin", mode="lexical")] == ["fresh"]
    assert [hit.id for hit in found.search("anchor", mode="lexical")] == ["p2"]
    nearest = [hit.id for hit in found.search(f"Product 2 {old}", DOCUMENTS, mode="vector")]
    assert len(nearest) == DOCUMENTS - 2 and "p2" not in nearest and "p4" not in nearest and "p3" in nearest


def test_an_alias_shows_its_own_documents_only(shop: Shop) -> None:
    shop.vectors().run(Monitor())
    alias = f"{shop.name}-some"
    shop.ask("PUT", f"/{shop.name}/_alias/{alias}", {"filter": {"term": {"brand": "a"}}})
    some = Index(shop.engine, alias)
    for mode in ("hybrid", "lexical", "vector"):
        hits = some.search("product tea", DOCUMENTS, mode=mode)
        assert len(hits) == DOCUMENTS // 2 and {hit.fields["brand"] for hit in hits} == {"a"}
    assert some.get("p1") is None and some.get("p2") is not None
    assert some.count() == some.info().documents == DOCUMENTS // 2
    assert {document.id for document in map(some.get, some.matching_ids({"brand": "b"})) if document} == set()
    with pytest.raises(UsageError, match="written by others"):
        some.delete("p2")


def test_several_indexes_behind_one_name_are_searched_together(shop: Shop) -> None:
    other = f"{shop.name}-2"
    shop.make(other)
    shop.feed("only-here", 2000, "A violin without strings", into=other)
    for name in (shop.name, other):
        shop.ask("PUT", f"/{name}/_alias/{shop.name}-all", {})
    shop.vectors().run(Monitor())
    shop.vectors(name=other).run(Monitor())
    for name in (f"{shop.name}-all", f"{shop.name}*", f"{shop.name},{other}"):
        together = Index(shop.engine, name)
        hits = together.search("Product 2000 A violin without strings", mode="vector")
        assert hits[0].id == "only-here", (name, [(hit.id, hit.score) for hit in hits])
        assert together.search("violin", mode="lexical")[0].id == "only-here"
        ids = [hit.id for hit in together.search("product", 200)]
        assert "only-here" in ids and len(ids) == len(set(ids))


def test_the_owners_fields_analyzers_and_boosts_are_asked(shop: Shop) -> None:
    shop.feed("title", 1, "nothing of the kind")
    shop.touch("title", {"name": "violin"}, routing="r1")
    shop.feed("body", 3, "a violin")
    shop.vectors(match=("name^5", "body.html")).run(Monitor())
    found = Index(shop.engine, shop.name)
    assert [hit.id for hit in found.search("violin", mode="lexical")] == ["title", "body"]
    shop.vectors(match=("name",)).run(Monitor())
    assert [hit.id for hit in found.search("violin", mode="lexical")] == ["title"]
    shop.vectors(body='{"match_phrase": {"body.html": "{{query}}"}}').run(Monitor())
    assert [hit.id for hit in found.search("a violin", mode="lexical")] == ["body"]
    with pytest.raises(UsageError, match="no field 'story' to ask"):
        shop.vectors(match=("story^2",))


def test_a_keyword_below_a_text_is_compared_exactly(shop: Shop) -> None:
    shop.vectors().run(Monitor())
    found = Index(shop.engine, shop.name)
    for name in ("name", "name.raw"):
        assert [hit.id for hit in found.search("product", where={name: "Product 17"})] == ["p17"]
    assert len(found.search("product", 50, where={"price": Range(gte=100)})) == DOCUMENTS - 100


def test_what_could_do_harm_is_named_before_anything_is_written(shop: Shop) -> None:
    name = f"{shop.name}-odd"
    knn = {"knn": True} if shop.engine.server.family == "opensearch" else {}
    settings: Json = {
        "number_of_replicas": 0,
        "default_pipeline": "enrich",
        "mapping": {"total_fields": {"limit": 8}},
        "max_result_window": 50,
        **knn,
    }
    mapping: Json = {
        "dynamic": "strict",
        "_source": {"excludes": ["secret"]},
        "properties": {"name": {"type": "text", "copy_to": "all"}, "all": {"type": "text"}, "secret": {"type": "text"}},
    }
    shop.ask("PUT", f"/{name}", {"settings": {"index": settings}, "mappings": mapping})
    where: dict[str, Any] = {"version": 5_000_000, "version_type": "external", "refresh": True, "pipeline": "_none"}
    shop.ask("PUT", f"/{name}/_doc/1", {"name": "tea", "secret": "s"}, **where)
    shop.ask("PUT", f"/{name}/_settings", {"index": {"blocks": {"write": True}}})
    before = shop.photograph(name)
    made = open_encoder("hashing:32")

    def findings(*, in_place: bool, text: tuple[str, ...] = ()) -> dict[str, str]:
        stamp = encoder_stamp("hashing:32", made)
        index = ForeignIndex(shop.engine, name, stamp, made, Reading("name", text), in_place=in_place)
        return {finding.subject: f"{finding.level} {finding.message}" for finding in index.plan().findings}

    beside = findings(in_place=False, text=("all",))
    assert "enrich" in beside["left alone"] and "write block" in beside["left alone"] and "window" in beside
    assert findings(in_place=False, text=("secret",))["_source"].startswith("error")
    in_place = findings(in_place=True, text=("all",))
    assert {"_source", "blocks", "versions", "field limit", "pipeline", "queries"} <= in_place.keys()
    assert shop.photograph(name) == before
    stamp = encoder_stamp("hashing:32", made)
    index = ForeignIndex(shop.engine, name, stamp, made, Reading("name", ("all",)), in_place=True)
    with pytest.raises(UsageError, match="nothing was changed"):
        index.run(Monitor())
    assert shop.photograph(name) == before
    ForeignIndex(shop.engine, name, stamp, made, Reading("name", ("all",))).run(Monitor())
    assert Index(shop.engine, name).search("tea", mode="vector")[0].id == "1"


def test_a_template_changes_nothing_about_where_vectors_lie(shop: Shop) -> None:
    template = f"/_index_template/{shop.name}"
    own: Json = {"settings": {"index": {"number_of_replicas": 0}}, "aliases": {f"{shop.name}-everything": {}}}
    shop.ask("PUT", template, {"index_patterns": [f"*{shop.name}*"], "priority": 500, "template": own})
    try:
        shop.vectors().run(Monitor())
        with pytest.raises(ServerRefusal):
            shop.ask("GET", f"/_alias/{shop.name}-everything")
        assert Index(shop.engine, shop.name).search("tea", mode="vector")
    finally:
        shop.ask("DELETE", template)


def test_another_encoder_fills_a_version_that_takes_over_when_it_is_whole(shop: Shop) -> None:
    shop.vectors().run(Monitor())
    before = shop.photograph()
    interrupted = shop.vectors("hashing:48").run(stopping_after(1))
    assert interrupted.interrupted and shop.engine.schema(shop.name).encoder == shop.vectors().source.schema.encoder
    report = shop.vectors("hashing:48").run(Monitor())
    assert report.home == f"searchctl-vectors-{shop.name}-v2" and not report.interrupted
    found = Index(shop.engine, shop.name)
    assert found.schema.encoder is not None and found.schema.encoder.dim == 48
    assert len(found.search("tea", 50, mode="vector")) == 50
    home = versioned(shop.engine, shop.name)
    roll_back(shop.engine, home)
    assert shop.engine.schema(shop.name).encoder == EncoderStamp("hashing:32", shop_revision(32), 32)
    assert shop.photograph() == before


def shop_revision(dim: int) -> str:
    return open_encoder(f"hashing:{dim}").revision


def stopping_after(count: int) -> Monitor:
    stop = threading.Event()

    def tell(done: int, total: int) -> None:
        if done >= count:
            stop.set()

    return Monitor(tell, stop)


@PLACES
def test_interrupted_it_goes_on_where_it_stopped(shop: Shop, in_place: bool) -> None:
    knows_knn(shop, in_place)
    first = shop.vectors(in_place=in_place).run(stopping_after(1))
    assert first.interrupted and 0 < first.work.encoded < DOCUMENTS
    second = shop.vectors().run(Monitor())
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

    report: ForeignReport = shop.vectors().run(Monitor(meddle))
    assert report.documents == DOCUMENTS
    found = shop.theirs(shop.name)
    assert "p7" not in found and found["p6"]["price"] == 77
    assert found["p4"]["body"]["html"] == "A lantern in the fog"
    assert shop.nearest("Product 4 A lantern in the fog") == "p4"
    assert shop.nearest("Product 1001 A violin without strings") == "late"


def test_following_finds_changes_by_a_field(shop: Shop) -> None:
    index = shop.vectors(changed_by="changed")
    index.run(Monitor())
    stop = threading.Event()
    seen: list[int] = []
    steps: Iterator[Callable[[], None]] = iter(
        [
            lambda: shop.touch("p8", {"body": {"html": "A lantern in the fog"}, "changed": 2000}),
            lambda: shop.touch("p9", {"body": {"html": "An anchor made of iron"}, "changed": 2001}),
            stop.set,
        ]
    )

    def tell(work: Any) -> None:
        seen.append(work.encoded)
        next(steps)()

    index.follow(Monitor(stop=stop), 0.01, tell)
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
    shop.vectors().run(Monitor())
    index = Index(shop.engine, shop.name)
    with pytest.raises(UsageError, match="written by others"):
        index.ingest([{"id": "x", "text": "mine"}])
    with pytest.raises(UsageError, match=f"vectorize {shop.name} --encoder"):
        reembed(index, encoder_stamp("hashing:48", made), open_encoder("hashing:48"), Judging(), Monitor())
    with pytest.raises(UsageError, match=f"vectorize {shop.name}"):
        encode_deferred(index, Monitor())


def test_its_dump_is_an_index_of_searchctls_own_elsewhere(shop: Shop, tmp_path: Path) -> None:
    shop.vectors().run(Monitor())
    dump(shop.engine, shop.name, tmp_path / "dump", Monitor())
    folder = open_engine(tmp_path / "engine")
    assert restore(folder, "copy", tmp_path / "dump", Monitor()).documents == DOCUMENTS
    copy, theirs = Index(folder, "copy"), shop.theirs(shop.name)["p20"]
    found = copy.search(f"Product 20 {theirs['body']['html']}", mode="vector", where={"price": 20})[0]
    assert (found.id, found.title, found.fields["brand"]) == ("p20", "Product 20", theirs["brand"])
    copy.close()
