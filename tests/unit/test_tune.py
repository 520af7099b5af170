"""Tuning: the better leg is found, proved on queries the choice never saw, and chance isn't taken for a gain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.errors import UsageError
from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.fusion import FusionSettings
from searchctl.index import Index
from searchctl.metrics import parse_metric
from searchctl.tune import FEWEST_QUERIES, tune
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
    assert report.best.lexical > 0.3
    assert report.after_mean == 1.0
    assert report.before_mean < 1.0
    assert report.gain.low > 0
    assert report.significant


def test_vectors_win_where_words_mislead(index: Index) -> None:
    report = tune(index, judged(40, 1), NDCG, before=FusionSettings(lexical=1.0, vector=0.0))
    assert report.best.vector > 0.3
    assert report.significant


def test_what_cannot_be_better_stays(index: Index) -> None:
    before = FusionSettings(lexical=0.93, vector=0.07)
    report = tune(index, judged(40, 0), NDCG, before=before)
    assert report.before_mean == 1.0
    assert report.best == before
    assert set(report.chosen) == {before}
    assert (report.gain.value, report.p_value, report.significant) == (0.0, 1.0, False)


def test_random_judgements_give_no_significant_gain(index: Index) -> None:
    random = np.random.default_rng(5)
    queries = [JudgedQuery(f"q{n}", f"{WORDS[n]} please explain", {f"d{random.integers(COUNT)}": 1}) for n in range(50)]
    assert not tune(index, DataSet("chance", tuple(queries)), NDCG).significant


def test_too_few_queries_are_refused(index: Index) -> None:
    with pytest.raises(UsageError, match="20 or more"):
        tune(index, judged(FEWEST_QUERIES - 1, 0), NDCG)


def test_the_report_is_json(index: Index) -> None:
    data = tune(index, judged(40, 0), parse_metric("mrr@10")).to_json()
    assert data["metric"] == "mrr@10"
    assert data["queries"] == 40
    assert len(data["folds"]) == 5
    assert set(data["after"]) == {"method", "lexical", "vector", "mean"}
