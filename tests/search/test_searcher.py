"""Answers through the library: pages that fit together, honest totals, and legs that say why they didn't run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from searchctl.engines.base import term_statistics
from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.lifecycle.doctor import examine
from searchctl.ranking.fusion import FusionSettings, Method
from searchctl.types import Mode, Total


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
    assert index.search("number5", mode="lexical").total == Total(1, "eq", "lexical")
    assert index.search("number5", mode="vector").total == Total(400, "eq", "vector")
    assert index.search("common").total == Total(400, "gte", "lexical")
    nearest_too = index.search("number5")  # the nearest 100, after which paging goes on to all
    assert nearest_too.total.value < len(index.search("number5", 400).hits) == 400
    assert (nearest_too.total.relation, nearest_too.total.counts) == ("gte", "hybrid")
    few = index.search("number5", where={"group": 5}, k=100)
    assert few.total == Total(len(few.hits), "eq", "hybrid")


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


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
def test_a_quotation_is_a_phrase_where_some_document_has_it_and_words_elsewhere(index: Index, mode: Mode) -> None:
    met = index.search('"number17 group3"', mode=mode)
    assert [hit.id for hit in met] == ["d017"] and met.unmet == ()
    unmet = index.search('"group3 number17"', mode=mode)
    words = index.search("group3 number17", mode=mode)
    assert [hit.id for hit in unmet] == [hit.id for hit in words] and unmet.unmet == ("group3 number17",)
    assert len(index.search('+"group3 number17"', mode=mode)) == 0
    both = index.search('"group3 number17" +number24', mode=mode)
    assert [hit.id for hit in both] == ["d024"] and both.unmet == ("group3 number17",)


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


def test_relevance_is_a_probability_that_the_best_hit_has_most_of(index: Index) -> None:
    results = index.search("number42 group0", 400)
    assert all(0.0 <= hit.relevance <= 1.0 for hit in results)
    assert results.best_relevance == max(hit.relevance for hit in results)
    assert index.search("number42 group0", 5, start=5).best_relevance == results.best_relevance
    assert index.search("").best_relevance == 0.0


@pytest.mark.parametrize("fusion", ["weighted", "rrf", "distribution"])
def test_relevance_does_not_depend_on_how_the_legs_are_joined(index: Index, fusion: Method) -> None:
    usual = {hit.id: hit.relevance for hit in index.search("number42 words", 100)}
    other = {hit.id: hit.relevance for hit in index.search("number42 words", 100, fusion=FusionSettings(fusion))}
    shared = usual.keys() & other.keys()
    assert len(shared) > 50
    assert {id: usual[id] for id in shared} == pytest.approx({id: other[id] for id in shared})


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
def test_the_least_relevance_cuts_every_page_alike(index: Index, mode: Mode) -> None:
    everything = index.search("number42 group0", 100, mode=mode)
    least = sorted(hit.relevance for hit in everything)[-7]
    kept = [hit.id for hit in everything if hit.relevance >= least]
    found = index.search("number42 group0", 100, mode=mode, min_relevance=least)
    assert [hit.id for hit in found] == kept
    assert found.total.value == len(kept)
    pages = [
        hit.id
        for start in (0, 3, 6)
        for hit in index.search("number42 group0", 3, mode=mode, min_relevance=least, start=start)
    ]
    assert pages == kept[:9]


def test_no_good_answer_is_an_outcome(index: Index) -> None:
    doubtful = index.search("zebra")
    assert len(doubtful) == 10 and 0 < doubtful.best_relevance < 0.5
    nothing = index.search("zebra", min_relevance=0.5)
    assert len(nothing) == 0 and not nothing.answered
    assert nothing.best_relevance == doubtful.best_relevance
    assert (nothing.total.value, nothing.total.relation) == (0, "eq")
    assert not index.search("").answered


def test_a_least_relevance_beyond_one_is_refused(index: Index) -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        index.search("x", min_relevance=1.5)


def test_codes_lean_on_words(index: Index) -> None:
    assert index.search("number42")[0].legs["lexical"].weight > 0.8
    assert index.search("words common to all these texts")[0].legs["lexical"].weight == 0.5


def test_pages_beyond_the_window_go_on_in_one_order(index: Index) -> None:
    deep = [hit.id for hit in index.search("common", 400)]
    assert sorted(deep) == [f"d{n:03}" for n in range(400)]
    assert [hit.id for hit in index.search("common", 300)] == deep[:300]
    assert [hit.id for start in range(0, 400, 37) for hit in index.search("common", 37, start=start)][:400] == deep


def test_similar_documents_page_too(index: Index) -> None:
    whole = [hit.id for hit in index.similar("d010", 399)]
    assert len(set(whole)) == 399 and "d010" not in whole
    assert [hit.id for start in range(0, 150, 50) for hit in index.similar("d010", 50, start=start)] == whole[:150]


TRAINS = "The station opens at six. A train leaves for the coast every hour. Bread is sold in the hall."


def test_the_sentence_that_answers_is_found_by_words_or_by_meaning(tmp_path: Path) -> None:
    with Index.open(tmp_path / "engine", encoder="hashing:256") as index:
        index.ingest([{"id": "trains", "text": TRAINS}, {"id": "one", "text": "Only one sentence about nothing."}])

        def sentence(text: str, **options: bool) -> str | None:
            passage = index.search(text, 1, **options)[0].passage  # type: ignore[arg-type]
            assert passage is not None
            return passage.text[slice(*passage.sentence)] if passage.sentence else None

        assert sentence("when does a train leave") == "A train leaves for the coast every hour."
        assert sentence("hall") == "Bread is sold in the hall."
        # no word is shared, only pieces of words, which is what this encoder calls meaning
        assert sentence("breadcrumbs") is None
        assert sentence("breadcrumbs", sentences=True) == "Bread is sold in the hall."
        assert sentence("when does a train leave", sentences=True) == "A train leaves for the coast every hour."


def test_what_was_deleted_or_replaced_is_no_longer_counted(tmp_path: Path) -> None:
    with Index.open(tmp_path, encoder="hashing") as index:
        index.ingest([{"id": str(at), "text": f"kettle number {at}"} for at in range(100)])
        assert index.delete([str(at) for at in range(90)]) == 90
        statistics = term_statistics(index.engine, index.name, "kettle")
        assert statistics.documents - statistics.deleted == 10
        assert index.search("kettle", mode="lexical").total.value == 10
        index.ingest([{"id": str(at), "text": f"new kettle {at}"} for at in range(90, 100)])
        assert index.search("kettle", mode="lexical").total.value == 10
        assert index.search("number", mode="lexical").total.value == 0
        (found,) = [one for one in examine(str(tmp_path), index.name) if one.subject == "consistency"]
        assert found.level == "ok"


def test_similar_to_an_unknown_id_is_an_error_unless_it_is_said_to_be_a_text(index: Index) -> None:
    with pytest.raises(UsageError, match="no document 'd0999'"):
        index.similar("d0999")
    assert index.similar("number42", 2, as_text=True)[0].id == "d042"
    assert index.similar("number42", 2, as_text=True).remarks == ()
    taken = index.similar("number42 words", 2)
    assert "taken for a text" in taken.remarks[0]
    with pytest.raises(UsageError):
        index.similar("number42 words", 2, as_text=False)
