"""What holds for server engines beyond the contract of all engines."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.engines import open_engine
from searchctl.engines.base import term_statistics
from searchctl.engines.rest.engine import ServerEngine
from searchctl.engines.rest.queries import Questions
from searchctl.errors import IndexFormatError, IndexMissing
from searchctl.index import Index
from searchctl.ingest.journal import journal_path
from searchctl.lifecycle.doctor import examine
from searchctl.schema import EncoderStamp, PassageSettings, Schema
from searchctl.types import LexicalQuery, Scope, VectorQuery
from tests.conftest import entry
from tests.servers.parameters import SERVERS, server_param, server_url
from tests.servers.proxy import Proxy

DEMO = Path(__file__).parents[2] / "ingest" / "demo"
OURS = ("shelf", "shelf-new", "shelf-old", "foreign")
ENCODER = HashingEncoder(16)
STAMP = EncoderStamp(ENCODER.name, ENCODER.revision, ENCODER.dim)
SCHEMA = Schema(STAMP, passages=PassageSettings(64, 8), fields={"year": "number"})


def opened(url: str) -> ServerEngine:
    engine = open_engine(url)
    assert isinstance(engine, ServerEngine)
    return engine


@pytest.fixture(params=[server_param(name) for name in SERVERS])
def engine(request: pytest.FixtureRequest) -> Iterator[ServerEngine]:
    """Every server in turn, without our indexes before and after."""
    with closing(opened(server_url(request, request.param))) as found:
        paths = [f"/{name}?ignore_unavailable=true" for name in OURS]
        for path in paths:
            found.client.request("DELETE", path)
        yield found
        for path in paths:
            found.client.request("DELETE", path)


def fill(engine: ServerEngine, name: str, word: str) -> Index:
    engine.create(name, SCHEMA)
    index = Index(engine, name, ENCODER)
    index.ingest([{"id": f"{word}-{number}", "text": f"{word} tea number {number}"} for number in range(12)])
    return index


def test_a_hybrid_search_is_one_request_for_both_legs_and_one_for_the_documents(engine: ServerEngine) -> None:
    fill(engine, "shelf", "green")
    with Proxy(engine.url) as proxy, closing(opened(proxy.url)) as watched:
        index = Index(watched, "shelf", ENCODER)
        assert len(index.search("green tea")) == 10
        proxy.requests.clear()
        assert len(index.search("green tea")) == 10
        asked = [one.path.partition("?")[0] for one in proxy.requests if one.path != "/shelf"]
        assert asked == ["/shelf/_msearch", "/shelf/_mget"]


def test_vectors_travel_only_when_asked_for(engine: ServerEngine) -> None:
    fill(engine, "shelf", "green")
    for vectors in (False, True):
        body = {"query": {"ids": {"values": ["green-1"]}}, "_source": engine.dialect.source(vectors=vectors)}
        (hit,) = engine.client.request("POST", "/shelf/_search", body).body["hits"]["hits"]
        parameters = engine.dialect.source_parameters(vectors=vectors)
        found = engine.client.request("GET", "/shelf/_doc/green-1", params=parameters).body
        for source in (hit["_source"], found["_source"]):
            assert ("vector" in source["passages"][0]) is vectors
            assert "content" not in source


def test_a_document_that_does_not_fit_is_refused_alone(engine: ServerEngine) -> None:
    engine.create("shelf", SCHEMA)
    good, bad = entry("good", "green tea", year=2001), entry("bad" * 200, "black tea")  # ids have up to 512 bytes
    (refused,) = engine.write("shelf", [bad, good])
    assert refused.id == bad.document.id and "512" in refused.reason
    assert engine.count("shelf") == 1


def test_an_alias_shows_its_part_of_our_own_index_only(engine: ServerEngine) -> None:
    index = fill(engine, "shelf", "tea")
    total = index.count()
    ids = [entry.document.id for batch in engine.scan("shelf") for entry in batch][:3]
    alias = {"add": {"index": "shelf", "alias": "shelf-part", "filter": {"terms": {"searchctl.id": ids}}}}
    engine.client.request("POST", "/_aliases", {"actions": [alias]})
    part = Index(engine, "shelf-part", index.encoder)
    for mode in ("hybrid", "lexical", "vector"):
        hits = part.search("tea", total, mode=mode)
        assert {hit.id for hit in hits} <= set(ids) and len(hits)
    assert part.count() == 3 < total
    outside = next(e.document.id for batch in engine.scan("shelf") for e in batch if e.document.id not in ids)
    assert part.get(outside) is None and part.get(ids[0]) is not None


def test_an_index_of_somebody_else_is_left_alone(engine: ServerEngine) -> None:
    engine.client.request("PUT", "/foreign", {})
    with pytest.raises(IndexFormatError, match="searchctl vectorize foreign"):
        engine.schema("foreign")
    assert "foreign" not in {one.name for one in engine.indexes()}


def test_an_index_made_anew_has_another_journal(engine: ServerEngine) -> None:
    engine.create("shelf", SCHEMA)
    before = journal_path(engine, "shelf")
    engine.drop("shelf")
    engine.create("shelf", SCHEMA)
    assert journal_path(engine, "shelf") != before


def test_a_dropped_index_is_missing_at_once_for_other_engines(engine: ServerEngine) -> None:
    index = fill(engine, "shelf", "green")
    with closing(opened(engine.url)) as other:
        other.drop("shelf")
    with pytest.raises(IndexMissing):
        index.search("tea")


def test_words_are_analysed_here_as_on_the_server(engine: ServerEngine) -> None:
    """Statistics and highlights rest on it: each term of the demo, as we see it, is found where the server put it."""
    engine.create("shelf", SCHEMA)
    lines = (DEMO / "corpus.jsonl").read_text(encoding="utf-8").splitlines()[:60]
    texts = [json.loads(line)["text"] for line in lines]
    with engine.writing("shelf"):
        assert engine.write("shelf", [entry(f"{place:03}", text) for place, text in enumerate(texts)]) == []
    questions = Questions(SCHEMA, send_words=False)
    expected: dict[str, int] = {}
    for text in texts:
        for term in Questions(SCHEMA, send_words=False).terms(text):
            expected[term] = expected.get(term, 0) + 1
    everything = " ".join(texts)
    found = term_statistics(engine, "shelf", everything)
    terms = questions.terms(everything)
    assert len(terms) > 300
    different = {term for term in terms if found.frequencies[term] != expected[term]}
    assert len(different) <= len(terms) / 100, different


def test_doctor_tells_about_the_server(engine: ServerEngine) -> None:
    found = {one.subject: one for one in examine(engine.url, "shelf")}
    assert engine.name in found["server"].message and found["index"].level == "warning", "there is no index yet"
    fill(engine, "shelf", "green")
    found = {one.subject: one for one in examine(engine.url, "shelf", encoder="hashing:16")}
    assert engine.name in found["server"].message
    assert (found["health"].level, found["consistency"].level) == ("warning", "ok"), "one node has no place for copies"
    engine.client.request("PUT", "/shelf/_settings", {"index": {"blocks.write": True}})
    assert {one.subject for one in examine(engine.url, "shelf") if one.level == "error"} == {"blocks"}


def test_long_questions_are_cut_to_what_lucene_takes(engine: ServerEngine) -> None:
    fill(engine, "shelf", "green")
    many = " ".join(f"word{number}" for number in range(3000))
    assert len(engine.search("shelf", [LexicalQuery(f"green {many}")])[0].ids) == 10
    assert engine.search("shelf", [LexicalQuery(f"{many} green")])[0].ids == ()
    assert engine.count("shelf", Scope(required=("green tea",))) == 12


def test_asking_for_more_than_a_server_gives_is_asking_for_all_it_gives(engine: ServerEngine) -> None:
    fill(engine, "shelf", "green")
    (vector,) = ENCODER.encode_queries(["tea"])
    found = engine.search("shelf", [LexicalQuery("tea", 10_001), VectorQuery(vector, 10_001)])
    assert [len(one.ids) for one in found] == [12, 12]


@contextmanager
def client_asking(engine: ServerEngine, name: str) -> Iterator[tuple[set[str], list[object]]]:
    """Search all the while; yield which index's documents were seen, and what went wrong."""
    seen: set[str] = set()
    troubles: list[object] = []
    ended = threading.Event()

    def ask() -> None:
        with closing(opened(engine.url)) as own:
            index = Index(own, name, ENCODER)
            while not ended.is_set():
                try:
                    words = {hit.id.split("-")[0] for hit in index.search("tea")}
                    seen.update(words)
                    if len(words) != 1:
                        troubles.append(words)
                except Exception as error:  # noqa: BLE001 - whatever it is, it's what the test is about
                    troubles.append(error)

    reader = threading.Thread(target=ask)
    reader.start()
    try:
        yield seen, troubles
    finally:
        ended.set()
        reader.join()


def wait_for(word: str, seen: set[str], troubles: list[object]) -> None:
    """Return as soon as documents of this index were seen after now."""
    seen.clear()
    while word not in seen and not troubles:
        threading.Event().wait(0.01)


def test_nobody_sees_an_alias_being_swapped(engine: ServerEngine) -> None:
    fill(engine, "shelf-old", "old")
    fill(engine, "shelf-new", "new")
    engine.alias("shelf", "shelf-old")
    with client_asking(engine, "shelf") as (seen, troubles):
        for word in ("new", "old", "new", "old", "new"):
            engine.alias("shelf", f"shelf-{word}")
            wait_for(word, seen, troubles)
    assert troubles == []


def test_an_index_that_gives_up_its_name_keeps_its_number_of_copies(engine: ServerEngine) -> None:
    fill(engine, "shelf", "old")
    fill(engine, "shelf-new", "new")
    for copies in ({"number_of_replicas": "3"}, {"auto_expand_replicas": "0-2"}):
        engine.client.request("PUT", "/shelf/_settings", {"index": copies})
        engine.alias("shelf", "shelf-new", keep="shelf-old")
        kept = engine.client.request("GET", "/shelf-old/_settings").body["shelf-old"]["settings"]["index"]
        assert copies.items() <= kept.items()
        engine.drop("shelf-old")
        engine.client.request("POST", "/_aliases", {"actions": [{"remove": {"index": "shelf-new", "alias": "shelf"}}]})
        engine.forget()
        fill(engine, "shelf", "old")


def test_nobody_sees_an_indexs_own_name_becoming_an_alias(engine: ServerEngine) -> None:
    fill(engine, "shelf", "old")
    fill(engine, "shelf-new", "new")
    with client_asking(engine, "shelf") as (seen, troubles):
        wait_for("old", seen, troubles)
        assert engine.alias("shelf", "shelf-new", keep="shelf-old") == "shelf-old"
        wait_for("new", seen, troubles)
        assert engine.alias("shelf", "shelf-old") == "shelf-new"
        wait_for("old", seen, troubles)
    assert troubles == []
    assert engine.write("shelf-old", [entry("more", "tea")]) == [], "the clone takes documents"
