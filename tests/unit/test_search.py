"""Answers through the library: pages that fit together, honest totals, and legs that say why they didn't run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from searchctl.errors import UsageError
from searchctl.fusion import FusionSettings
from searchctl.index import Index
from searchctl.types import Mode


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("search") / "engine", encoder="hashing:64") as opened:
        opened.ingest(
            {
                "id": f"d{n:03}",
                "title": f"Title {n}",
                "text": f"common words and number{n} group{n % 7}",
                "group": n % 7,
            }
            for n in range(400)
        )
        yield opened


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
def test_pages_are_disjoint_and_together_the_whole(index: Index, mode: Mode) -> None:
    whole = [hit.id for hit in index.search("common group3 number17", 250, mode=mode)]
    pages = [
        [hit.id for hit in index.search("common group3 number17", 50, mode=mode, start=start)]
        for start in range(0, 250, 50)
    ]
    assert sum(pages, []) == whole
    assert len(set(whole)) == 250


def test_a_longer_answer_begins_like_a_shorter_one(index: Index) -> None:
    short, long = (index.search("number5 group5", k) for k in (5, 50))
    assert [hit.id for hit in short] == [hit.id for hit in long][:5]
    assert [hit.score for hit in short] == [hit.score for hit in long[:5]]


def test_scores_fall(index: Index) -> None:
    scores = [hit.score for hit in index.search("number5 common", 300)]
    assert scores == sorted(scores, reverse=True)


def test_totals_say_what_they_count(index: Index) -> None:
    assert (
        index.search("number5", mode="lexical").total.value,
        index.search("number5", mode="lexical").total.relation,
    ) == (1, "eq")
    assert index.search("number5", mode="vector").total.value == 400
    everything = index.search("common")
    assert (everything.total.value, everything.total.relation) == (400, "gte")


def test_legs_say_why_they_gave_nothing(index: Index) -> None:
    blind = index.search("zebra")
    assert blind.legs["lexical"].ran and blind.legs["lexical"].reason == "no word of the query is in the index"
    assert blind.legs["vector"].ran and blind.legs["vector"].reason is None and len(blind) == 10
    assert index.search("the and of").legs["lexical"].reason == "the query has no words to look for"
    assert not index.search("common", mode="lexical").legs["vector"].ran
    assert not index.search("common", mode="vector").legs["lexical"].ran
    assert len(index.search("")) == 0


def test_hits_tell_what_each_leg_thought(index: Index) -> None:
    hit = index.search("number42")[0]
    assert hit.id == "d042"
    lexical, vector = hit.legs["lexical"], hit.legs["vector"]
    assert lexical.rank == 1 and lexical.raw is not None and 0 < lexical.normalised <= 1
    assert vector.raw is not None and -1 <= vector.raw <= 1
    assert hit.score == pytest.approx(lexical.weight * lexical.normalised + vector.weight * vector.normalised)


def test_filters_and_signs_hold_in_every_mode(index: Index) -> None:
    for mode in ("hybrid", "lexical", "vector"):
        found = index.search("common words -group3", 400, mode=mode, where={"group": [3, 4]})  # type: ignore[arg-type]
        assert {hit.fields["group"] for hit in found} == {4}


def test_rank_fusion_by_name(index: Index) -> None:
    assert index.search("number42", fusion=FusionSettings("rrf"))[0].id == "d042"


def test_similar_leaves_the_document_itself_out(index: Index) -> None:
    found = index.similar("d010", 5)
    assert len(found) == 5 and "d010" not in [hit.id for hit in found]
    assert index.similar("number11 common words", 3).mode == "vector"


def test_many_queries_at_once_answer_as_one_by_one(index: Index) -> None:
    texts = ["number1", "group2 words", "", "zebra"]
    together = index.search_many(texts, 5)
    for text, answer in zip(texts, together, strict=True):
        alone = index.search(text, 5)
        assert [hit.id for hit in answer] == [hit.id for hit in alone]


@pytest.mark.parametrize("request_", [{"k": 0}, {"start": -1}, {"k": 20_000}, {"mode": "magic"}], ids=str)
def test_impossible_requests_are_refused(index: Index, request_: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        index.search("x", **request_)  # type: ignore[arg-type]
