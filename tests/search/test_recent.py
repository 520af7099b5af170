"""Fused lists that are kept for the next page: the same hits as without, nothing asked twice, and no write overlooked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.schema import FusionSettings
from searchctl.search.recent import Recent
from searchctl.types import Mode, Results, Vectors


class Counting(HashingEncoder):
    """Counts the queries that it encodes."""

    def __init__(self) -> None:
        super().__init__(64)
        self.asked: list[str] = []

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return super().encode_queries(texts)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "engine", encoder=Counting(), fields={"open": "boolean"}) as opened:
        opened.ingest(
            {"id": f"d{n:03}", "text": f"common words and number{n} group{n % 7}", "open": n % 2 == 0}
            for n in range(300)
        )
        yield opened


def asked(index: Index) -> list[str]:
    assert isinstance(index.encoder, Counting)
    return index.encoder.asked


def told(results: Results) -> object:
    """Everything but how long it took."""
    return replace(results, legs={name: replace(leg, took_ms=0.0) for name, leg in results.legs.items()})


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
@pytest.mark.parametrize("least", [0.0, 0.02])
def test_pages_are_the_same_as_without_a_list_kept(index: Index, mode: Mode, least: float) -> None:
    for query in ("common group3 number17", '"number17 group3" words', "ghbdtn", "", "number5 -group5"):
        for start in (0, 10, 90, 250, 0):
            kept = index.search(query, 10, mode=mode, start=start, min_relevance=least, where={"open": True})
            (alone,) = index.search_many([query], 10, mode=mode, start=start, min_relevance=least, where={"open": True})
            assert told(kept) == told(alone)


def test_the_next_page_is_neither_encoded_nor_searched_for(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    first = index.search("group3 number17", 10)
    before = list(asked(index))
    monkeypatch.delattr(type(index.engine), "search")
    second = index.search("group3 number17", 10, start=10)
    assert asked(index) == before
    assert len({hit.id for hit in (*first, *second)}) == 20
    with pytest.raises(AttributeError):
        index.search("group3 number18")


def test_another_request_has_a_list_of_its_own(index: Index) -> None:
    usual = index.search("number42 words", 300)
    assert [hit.id for hit in index.search("number42 words", 300, mode="vector")] != [hit.id for hit in usual]
    assert len(index.search("number42 words", 300, min_relevance=0.5)) < len(usual)
    by_rank = index.search("number42 words", 5, fusion=FusionSettings("rrf"))
    assert by_rank[0].score != usual[0].score
    assert len(index.search("number42 words", 300, where={"open": True})) == 150
    with pytest.raises(UsageError):
        index.search("number42 words", 300, where={"open": "maybe"})


def test_what_is_written_between_pages_is_seen(index: Index, tmp_path: Path) -> None:
    query = "number400 common"

    def found() -> list[str]:
        return [hit.id for hit in index.search(query, 400)]

    assert "new" not in found()
    index.ingest([{"id": "new", "text": "common number400"}])
    assert found()[0] == "new"
    with Index.open(tmp_path / "engine", encoder=Counting()) as other:  # as another process would
        other.ingest([{"id": "newer", "text": "number400"}])
        assert "newer" in found()
        other.delete("new")
        assert "new" not in found()
    index.delete("newer")
    assert "newer" not in found()


def test_what_is_written_is_not_hidden_by_a_list_made_while_a_load_goes_on(index: Index) -> None:
    with index.engine.writing("default"):
        (entry,) = index.engine.get("default", ["d017"], vectors=True)
        assert entry is not None
        document = replace(entry.document, id="late", text="number500")
        index.engine.write("default", [replace(entry, document=document)])
        index.search("number500", mode="lexical")  # perhaps too early
    assert [hit.id for hit in index.search("number500", mode="lexical")] == ["late"]


def test_a_change_of_the_stamp_is_seen(index: Index) -> None:
    before = index.search("number42 words")
    index.engine.update_schema("default", replace(index.schema, fusion=FusionSettings(lexical=0.9, vector=0.1)))
    assert index.search("number42 words")[0].legs["lexical"].weight != before[0].legs["lexical"].weight


def test_an_index_made_anew_under_the_same_name_does_not_answer_from_the_old_lists(index: Index) -> None:
    schema = index.schema
    assert len(index.search("number42 words"))
    index.engine.drop("default")
    index.engine.create("default", schema)
    assert len(index.search("number42 words")) == 0


def test_searching_from_several_threads_while_another_writes_gives_whole_answers(index: Index) -> None:
    done = threading.Event()

    def pages(query: str) -> int:
        rounds = 0
        while not done.is_set() or rounds < 3:
            for start in (0, 10, 20):
                assert len(index.search(query, 10, start=start)) == 10
            rounds += 1
        return rounds

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(pages, f"common group{n}") for n in (1, 1, 2, 3)]
        try:
            for n in range(300, 320):
                index.ingest([{"id": f"d{n}", "text": f"common words number{n}"}])
        finally:
            done.set()
        assert all(one.result() >= 3 for one in waiting)
    assert index.search("number319", mode="lexical")[0].id == "d319"


def test_only_the_last_few_are_kept() -> None:
    recent: Recent[str] = Recent(3)
    for key in "abc":
        recent.put(key, key.upper())
    assert recent.get("a") == "A"  # used again, so that b is the oldest now
    recent.put("d", "D")
    assert [recent.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    recent.put("a", "new")
    assert recent.get("a") == "new" and len(recent) == 3


def test_an_index_keeps_a_bounded_number_of_lists(index: Index) -> None:
    for number in range(200):
        index.search(f"number{number}", 1, mode="lexical")
    assert len(index._lists) == 64


def test_many_threads_may_use_one() -> None:
    recent: Recent[int] = Recent(10)

    def work(seed: int) -> None:
        for step in range(2000):
            key = (seed * 7 + step) % 25
            assert recent.get(key) in (None, key)
            recent.put(key, key)

    with ThreadPoolExecutor(8) as pool:
        for one in [pool.submit(work, seed) for seed in range(8)]:
            one.result()
    assert len(recent) == 10
