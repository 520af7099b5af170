"""Reordering the best: which documents, within what time, and what happens when it goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.ranking.fusion import Fused, FusionSettings, fuse
from searchctl.search.rerank import Rerank, rerank
from searchctl.types import Ranking, Total


class Scores:
    """A reranker that knows every text's score, and remembers what it was asked."""

    name = "known"

    def __init__(self, known: dict[str, float], weight: float = 1.0) -> None:
        self.known, self.weight, self.asked = known, weight, list[str]()

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked += texts
        return np.array([self.known[text] for text in texts])


def fused(*scores: float) -> Fused:
    """Return documents a, b, c, ... with these BM25 scores out of at most 10, each to the power of 1.75."""
    ids = tuple("abcdefghijklmnop"[: len(scores)])
    ranking = Ranking(ids, np.array(scores), (-1,) * len(ids), Total(len(ids)))
    return fuse(ranking, None, bound=10.0, background=None, settings=FusionSettings())


DOUBTFUL = np.full(16, 0.5)


def names(ids: Sequence[str]) -> list[str]:
    return [f"text of {id}" for id in ids]


def known(**scores: float) -> dict[str, float]:
    return {f"text of {id}": score for id, score in scores.items()}


def test_the_first_are_reordered_and_the_others_follow() -> None:
    reranker = Scores(known(a=0.1, b=0.9, c=0.5))
    found, relevance, report = rerank(Rerank(reranker, 3), "q", fused(9, 8, 7, 6, 5), np.arange(5) / 10, names)
    assert found.ids == ("b", "c", "a", "d", "e")
    assert reranker.asked == ["text of a", "text of b", "text of c"]
    assert relevance == pytest.approx([0.1, 0.2, 0.0, 0.3, 0.4])
    assert (report.ran, report.reason) == (True, None)
    assert found.scores[:3] == pytest.approx([0.9, 0.5, 0.1])
    assert list(found.scores) == sorted(found.scores, reverse=True)
    leg = found.legs(0)["rerank"]
    assert (leg.rank, leg.raw, leg.normalised, leg.weight) == (1, 0.9, 0.9, 1.0)
    assert found.legs(3)["rerank"].rank is None
    assert found.legs(0)["lexical"].rank == 2


def test_the_weight_blends_with_the_fused_score() -> None:
    before = fused(10, 5)  # 1 and 0.5 ** 1.75 = 0.2973
    found, _, _ = rerank(Rerank(Scores(known(a=0.0, b=1.0), 0.3)), "q", before, DOUBTFUL[:2], names)
    assert found.ids == ("a", "b")
    assert found.scores == pytest.approx([0.7, 0.7 * 0.5**1.75 + 0.3])


def test_ties_are_ordered_by_id() -> None:
    found, _, _ = rerank(Rerank(Scores(known(a=0.5, b=0.5, c=0.5))), "q", fused(7, 8, 9), DOUBTFUL[:3], names)
    assert found.ids == ("a", "b", "c")


def test_a_certain_first_hit_is_left_alone() -> None:
    reranker = Scores({})
    certain = np.array([0.995, 0.2])
    found, _, report = rerank(Rerank(reranker), "q", fused(9, 2), certain, names)
    assert found.ids == ("a", "b") and not report.ran and report.reason == "the first hit is certain"
    assert reranker.asked == []
    # as relevant, but hardly ahead of the second
    _, _, report = rerank(Rerank(Scores(known(a=0.0, b=1.0))), "q", fused(9, 8.9), certain, names)
    assert report.ran


def test_a_failure_leaves_the_order_and_says_so() -> None:
    before = fused(9, 8)
    found, _, report = rerank(Rerank(Scores({})), "q", before, DOUBTFUL[:2], names)
    assert found is before
    assert not report.ran and "it failed ('text of a')" in str(report.reason)
    broken = Scores(known(a=float("nan"), b=0.5))
    found, _, report = rerank(Rerank(broken), "q", before, DOUBTFUL[:2], names)
    assert found is before and "aren't numbers" in str(report.reason)


def test_the_budget_ends_it_best_first(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("searchctl.search.rerank.time.perf_counter", lambda: next(clock) / 1000)  # each look costs 1 ms
    reranker = Scores(known(**{id: number / 20 for number, id in enumerate("abcdefghijklmnop")}))
    before = fused(*range(16, 0, -1))
    found, _, report = rerank(Rerank(reranker, 15, budget_ms=6), "q", before, DOUBTFUL, names)
    # batches of 5 take 1 ms and three looks; after two of them the third would end too late
    assert report.ran and report.reason == "10 of 15 documents within the budget"
    assert found.ids == tuple("jihgfedcba" + "klmnop")


def test_one_document_is_no_order() -> None:
    _, _, report = rerank(Rerank(Scores({})), "q", fused(9), DOUBTFUL[:1], names)
    assert report.reason == "fewer than two documents to reorder"


@pytest.mark.parametrize("depth", [0, 1, 101])
def test_impossible_depths_are_refused(depth: int) -> None:
    with pytest.raises(UsageError, match="give 2 to 100"):
        Rerank(Scores({}), depth)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no time to rerank"):
        Rerank(Scores({}), budget_ms=0)


class Longest:
    """Prefers the longest text, whatever is asked."""

    name, weight = "longest", 1.0

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([len(text) / 1000 for text in texts])


def test_search_reranks_titles_with_passages_and_pages_agree(tmp_path: Path) -> None:
    with Index.open(tmp_path / "engine", encoder="hashing:64") as index:
        index.ingest(
            {"id": f"d{n:02}", "title": "t" * n, "text": "shared words here " + "x" * (30 - n)} for n in range(30)
        )
        how = Rerank(Longest(), 12)
        whole = index.search("shared words here", 30, rerank=how)
        assert whole.legs["rerank"].ran
        assert sorted(hit.id for hit in whole[:12]) == sorted(hit.id for hit in index.search("shared words here", 12))
        # title, line break and text: all of one length but the first, which has no title and no line break
        assert {len(f"{hit.title}\n{hit.document.text}") for hit in whole} == {49}
        pages = [
            hit.id for start in (0, 5, 10) for hit in index.search("shared words here", 5, start=start, rerank=how)
        ]
        assert pages == [hit.id for hit in whole[:15]]
        beyond = index.search("shared words here", 5, start=15, rerank=how)
        assert not beyond.legs["rerank"].ran and "beyond the 12" in str(beyond.legs["rerank"].reason)
        assert [hit.id for hit in beyond] == [hit.id for hit in whole[15:20]]
