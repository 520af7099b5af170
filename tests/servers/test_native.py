"""OpenSearch's own hybrid search: the pipelines are taken, do what they say, and answer the same questions as ours."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchctl.engines import open_engine
from searchctl.engines.base import NATIVE, TECHNIQUES, Technique
from searchctl.engines.rest.engine import ServerEngine
from searchctl.errors import UsageError
from searchctl.evaluation.evaluate import evaluate, known_items_of_index
from searchctl.index import Index
from searchctl.lifecycle.pipeline import install
from tests.servers.parameters import server_param, server_url

WORDS = "amber basin cedar delta ember fjord grove harbor island jungle kettle lantern".split()


@pytest.fixture(params=[server_param("opensearch-2")])
def index(request: pytest.FixtureRequest) -> Iterator[Index]:
    name = f"native-{uuid.uuid4().hex[:8]}"
    with Index.open(server_url(request, request.param), name, encoder="hashing:64") as opened:
        opened.ingest(
            [
                {"id": word, "title": f"The {word} {word}land handbook", "text": f"All about {word}.", "number": number}
                for number, word in enumerate(WORDS)
            ]
        )
        yield opened
        opened.engine.drop(name)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_a_pipeline_is_installed_and_serves_a_hybrid_query(index: Index, technique: Technique) -> None:
    assert isinstance(index.engine, ServerEngine)
    made = install(index.engine, technique, f"{index.name}-{technique}", lexical=1.0)
    client = index.engine.client
    assert client.request("GET", f"/_search/pipeline/{made.name}").body[made.name] == made.body
    encoder = index.encoder
    assert encoder is not None
    lexical, nested = made.example["query"]["hybrid"]["queries"]
    lexical["match"]["content"]["query"] = "cedar"
    nested["nested"]["query"]["knn"]["passages.vector"]["vector"] = encoder.encode_queries(["fjord"])[0].tolist()
    path = f"/{index.name}/_search?search_pipeline={made.name}"
    hits = client.request("POST", path, made.example).body["hits"]["hits"]
    scores = {hit["_id"]: hit["_score"] for hit in hits}
    if technique == "weighted":  # all the weight is on the words
        assert hits[0]["_id"] == "cedar" and scores["fjord"] < scores["cedar"]
    else:  # both are first in one leg: 1 / 61, and cedar is somewhere in the other as well
        assert scores["fjord"] >= 1 / 61 - 1e-6 and scores["cedar"] > 1 / 61
    assert "vector" not in hits[0]["_source"]["passages"][0]
    client.request("DELETE", f"/_search/pipeline/{made.name}")


@pytest.mark.parametrize("fusion", NATIVE)
def test_it_answers_without_being_installed(index: Index, fusion: str) -> None:
    first, second = index.search_many(["all about lantern", '"about fjord" -lantern'], 5, fusion=fusion)
    assert first[0].id == "lantern" and len(first) == 5
    assert second[0].id == "fjord" and "lantern" not in {hit.id for hit in second}


@pytest.mark.parametrize("fusion", NATIVE)
def test_a_search_takes_the_servers_order_and_keeps_our_account(index: Index, fusion: str) -> None:
    text = "all about the lantern handbook"
    ours, theirs = index.search(text, 12), index.search(text, 12, fusion=fusion)
    assert theirs.legs["native"].ran and "native" not in ours.legs
    scores = [hit.score for hit in theirs]
    assert scores == sorted(scores, reverse=True) and scores != [hit.score for hit in ours]
    ours_by_id = {hit.id: hit for hit in ours}
    for hit in theirs:
        assert (hit.legs, hit.relevance, hit.passage) == (
            ours_by_id[hit.id].legs,
            ours_by_id[hit.id].relevance,
            ours_by_id[hit.id].passage,
        )
    second = index.search(text, 5, start=5, fusion=fusion)
    assert [hit.id for hit in second] == [hit.id for hit in theirs][5:10]
    odd = index.search(text, where={"number": [1, 3]}, fusion=fusion)
    assert {hit.id for hit in odd} == {WORDS[1], WORDS[3]}


def test_evaluate_puts_it_beside_ours(index: Index) -> None:
    report = evaluate(index, known_items_of_index(index, 12), modes=["hybrid", "native", "native-rrf"])
    assert report.modes == ["hybrid", "native", "native-rrf"]
    assert all(report.mean(mode, report.metrics[0]) > 0.5 for mode in report.modes)


def test_native_fusion_says_what_it_needs(index: Index) -> None:
    with pytest.raises(UsageError, match="joins both legs"):
        index.search("x", mode="lexical", fusion="native")
    with pytest.raises(UsageError, match="no fusion 'best' by name.*native"):
        index.search("x", fusion="best")


def test_elasticsearch_has_no_native_fusion(elasticsearch9_url: str) -> None:
    name = f"native-{uuid.uuid4().hex[:8]}"
    with Index.open(elasticsearch9_url, name, encoder="hashing:16") as opened:
        opened.ingest(["tea"])
        with pytest.raises(UsageError, match="elasticsearch-9.2.0 has no hybrid query of its own"):
            opened.search("tea", fusion="native")
        opened.engine.drop(name)


def test_other_engines_say_that_they_have_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="OpenSearch 2.10"):
        install(open_engine(tmp_path), "rrf", "x")
