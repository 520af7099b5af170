"""Pages beyond the first hundred: scores and relevance that mean what they say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from searchctl.index import Index
from searchctl.types import Mode


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("pages") / "engine", encoder="hashing:64") as opened:
        opened.ingest({"id": f"d{n:03}", "text": f"Fault E17 on pump line {n}, reset it."} for n in range(250))
        opened.ingest({"id": f"o{n:03}", "text": f"Something else entirely about number{n}."} for n in range(100))
        yield opened


@pytest.mark.parametrize("mode", ["lexical", "vector", "hybrid"])
def test_scores_fall_and_are_the_sum_of_what_the_legs_thought(index: Index, mode: Mode) -> None:
    hits = index.search("fault E17", 300, mode=mode).hits
    assert len({hit.id for hit in hits}) == len(hits)
    assert all(first.score >= second.score for first, second in zip(hits, hits[1:], strict=False))
    for hit in hits:
        assert sum(leg.weight * leg.normalised for leg in hit.legs.values()) == pytest.approx(hit.score)
    if mode == "lexical":
        assert all(hit.score > 0.0 and hit.relevance > 0.1 for hit in hits)


def test_equally_good_documents_are_equal_beyond_the_window(index: Index) -> None:
    hits = index.search("E17", 250, mode="lexical").hits
    assert len(hits) == 250
    assert np.ptp([hit.relevance for hit in hits]) < 1e-6
    ranks = [hit.legs["lexical"].rank for hit in hits]
    assert ranks == list(range(1, 251))


def test_a_least_relevance_goes_on_beyond_the_window(index: Index) -> None:
    least = index.search("E17", 1, mode="lexical")[0].relevance - 1e-6
    found = index.search("E17", 300, mode="lexical", min_relevance=least)
    assert len(found) == 250
    assert (found.total.value, found.total.relation) == (250, "eq")
    page = index.search("E17", 10, mode="lexical", min_relevance=least, start=200)
    assert [hit.id for hit in page] == [hit.id for hit in found[200:210]]


def test_the_order_does_not_depend_on_how_far_it_goes(index: Index) -> None:
    whole = [hit.id for hit in index.search("fault on line 7", 350)]
    for start in (0, 90, 130, 260):
        assert [hit.id for hit in index.search("fault on line 7", 20, start=start)] == whole[start : start + 20]
