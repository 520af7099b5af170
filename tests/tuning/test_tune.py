"""Tuning: the better leg is found, proved on queries the choice never saw, and chance isn't taken for a gain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.evaluation.metrics import parse_metric
from searchctl.index import Index
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.reembed import Judging, reembed
from searchctl.ranking.fusion import FusionSettings
from searchctl.ranking.relevance import DEFAULTS
from searchctl.schema import PassageSettings
from searchctl.tuning.choice import choose
from searchctl.tuning.tune import FEWEST_QUERIES, Tuning, apply, tune
from searchctl.types import Document

NDCG = parse_metric("ndcg@10")
COUNT = 60
WORDS = [f"{chr(97 + number // 26)}{chr(97 + number % 26)}quox" for number in range(COUNT)]


class Misled(HashingEncoder):
    """An encoder whose queries point at the document after the right one, so that words alone are right."""

    def encode_queries(self, texts):
        return super().encode_documents([WORDS[(WORDS.index(text.split()[0]) + 1) % COUNT] for text in texts])


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", encoder=Misled(64)) as opened:
        opened.ingest([Document(f"d{number}", f"{word} {word} please explain") for number, word in enumerate(WORDS)])
        yield opened


def judged(count: int, shift: int) -> DataSet:
    queries = [JudgedQuery(f"q{n}", f"{WORDS[n]} please explain", {f"d{(n + shift) % COUNT}": 1}) for n in range(count)]
    return DataSet("made", tuple(queries))


def test_words_win_where_vectors_mislead(index: Index) -> None:
    report = tune(index, judged(40, 0), NDCG, before=FusionSettings(lexical=0.1, vector=0.9))
    assert report.fusion.best.lexical > 0.3
    assert report.fusion.after_mean == 1.0
    assert report.fusion.before_mean < 1.0
    assert report.fusion.gain.low > 0
    assert report.fusion.significant


def test_vectors_win_where_words_mislead(index: Index) -> None:
    report = tune(index, judged(40, 1), NDCG, before=FusionSettings(lexical=1.0, vector=0.0))
    assert report.fusion.best.vector > 0.3
    assert report.fusion.significant


def test_what_cannot_be_better_stays(index: Index) -> None:
    before = FusionSettings(lexical=0.93, vector=0.07)
    report = tune(index, judged(40, 0), NDCG, before=before)
    assert report.fusion.before_mean == 1.0
    assert report.fusion.best == before
    assert set(report.fusion.chosen) == {before}
    assert (report.fusion.gain.value, report.fusion.p_value, report.fusion.significant) == (0.0, 1.0, False)


def test_random_judgements_give_no_significant_gain(index: Index) -> None:
    random = np.random.default_rng(5)
    queries = [JudgedQuery(f"q{n}", f"{WORDS[n]} please explain", {f"d{random.integers(COUNT)}": 1}) for n in range(50)]
    assert not tune(index, DataSet("chance", tuple(queries)), NDCG).fusion.significant


def test_too_few_queries_are_refused(index: Index) -> None:
    with pytest.raises(UsageError, match="20 or more"):
        tune(index, judged(FEWEST_QUERIES - 1, 0), NDCG)


def test_the_report_is_json(index: Index) -> None:
    data = tune(index, judged(40, 0), parse_metric("mrr@10")).to_json()
    assert data["metric"] == "mrr@10"
    assert data["queries"] == 40
    assert len(data["folds"]) == 5
    assert set(data["after"]) == {"method", "lexical", "vector", "mean"}


def test_a_choice_by_hand() -> None:
    """Of two settings the second is better for all queries but one: every fold chooses it, and that one query loses."""
    scores = np.array([[0.5] * 9 + [1.0], [1.0] * 9 + [0.0]])
    found = choose(("old", "new"), scores)
    assert (found.before, found.best, set(found.chosen)) == ("old", "new", {"new"})
    assert (found.before_mean, found.after_mean) == (pytest.approx(0.55), pytest.approx(0.9))
    assert found.gain.value == pytest.approx(0.35)


class Knowing:
    """A reranker that knows the answer, which the first stage puts second."""

    name, weight = "knowing", 1.0

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def score(self, query, texts):
        self.pairs += [(query, text) for text in texts]
        return np.array([float(text.split()[0] == query.split()[0]) for text in texts])


def test_the_depth_of_reranking_is_found_and_no_pair_is_scored_twice(index: Index) -> None:
    reranker = Knowing()
    vectors = FusionSettings(lexical=0.0, vector=1.0)
    report = tune(index, judged(30, 0), NDCG, Tuning(rerank=reranker), before=vectors)
    assert report.rerank is not None
    assert report.rerank.before == 0
    assert report.rerank.best > 0
    assert report.rerank.significant
    assert len(reranker.pairs) == len(set(reranker.pairs))
    assert "rerank" in apply(index, report)
    assert index.schema.rerank_depth == report.rerank.best


class Failing(Knowing):
    """A reranker that can't score anything, which a search would answer without."""

    def score(self, query, texts):
        raise RuntimeError("out of memory")


def test_a_reranker_that_fails_is_no_reranker_that_does_not_help(index: Index) -> None:
    with pytest.raises(EncoderUnavailable, match="'knowing' failed: out of memory"):
        tune(index, judged(30, 0), NDCG, Tuning(rerank=Failing()))


def test_judgements_teach_what_relevance_means_here(index: Index) -> None:
    report = tune(index, judged(40, 1), NDCG, before=FusionSettings(lexical=0.0, vector=1.0))
    assert report.relevance is not None
    assert report.relevance.before == DEFAULTS["hybrid"]
    assert report.relevance.gain.low > 0, "words say nothing here, whatever they say elsewhere"
    query = f"{WORDS[50]} please explain"
    before = {hit.id: hit.relevance for hit in index.search(query)}
    assert "relevance" in apply(index, report)
    after = {hit.id: hit.relevance for hit in index.search(query)}
    assert after["d51"] - after["d50"] > before["d51"] - before["d50"]
    assert index.search(query, mode="vector").hits[0].relevance > 0, "a leg alone has the default's model"


def test_queries_made_from_documents_teach_nothing_about_relevance(index: Index) -> None:
    report = tune(index, replace(judged(40, 0), caveat="made"), NDCG)
    assert report.relevance is None
    assert any("people" in note for note in report.notes)


def test_a_size_of_passages_gives_what_its_trial_promised(tmp_path: Path) -> None:
    """Long texts with one sentence that answers, and short ones that share most of the question's words."""
    filler = "The river runs past an old mill and on to the sea beyond. " * 6
    with Index.open(tmp_path / "index", encoder=HashingEncoder(256)) as index:
        index.ingest(
            [Document(f"d{n}", f"{filler}We repair the {word} lamp here. {filler}") for n, word in enumerate(WORDS)]
            + [Document(f"s{n}", f"We repair the {n} boat.") for n in range(COUNT)]
        )
        queries = tuple(JudgedQuery(f"q{n}", f"We repair the {WORDS[n]} lamp", {f"d{n}": 1}) for n in range(40))
        dataset, vectors = DataSet("made", queries), FusionSettings(lexical=0.0, vector=1.0)
        found = tune(index, dataset, NDCG, Tuning(passages=(16, 512)), before=vectors).passages
        assert found is not None and found.significant
        assert set(found.chosen) == {PassageSettings(16, 2)}
        assert index.encoder is not None and index.schema.encoder is not None
        judging = Judging(known_items=0)
        reembed(index, index.schema.encoder, index.encoder, judging, Monitor(), passages=found.best)
        assert tune(index, dataset, NDCG, before=vectors).fusion.before_mean == pytest.approx(found.after_mean)


def test_passages_are_tried_in_copies(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tune(index, judged(40, 0), NDCG, Tuning(passages=(64, 128, 256, 384)))
    assert report.passages is not None
    assert report.passages.before == PassageSettings()
    assert report.passages.gain.value == 0.0, "these texts are shorter than any of them"
    assert "passages" not in apply(index, report)
    assert index.schema.passages == PassageSettings()
    monkeypatch.setattr(index.encoder, "max_tokens", 100)
    with pytest.raises(UsageError, match="reads 100 tokens, so passages can't have 128"):
        tune(index, judged(40, 0), NDCG, Tuning(rerank=Failing(), passages=(64, 128)))  # before anything is tried
