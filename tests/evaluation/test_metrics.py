"""Metrics worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.errors import UsageError
from searchctl.evaluation.metrics import (
    Metric,
    bootstrap_interval,
    holm,
    judged_queries,
    measure,
    paired_p_value,
    parse_metric,
    parse_metrics,
)

GRADES = {"a": 3, "b": 1, "c": 0, "d": 2}
RANKED = ["c", "a", "x", "b"]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        # gains 0 3 0 1; ideal 3 2 1
        ("ndcg", (3 / math.log2(3) + 1 / math.log2(5)) / (3 + 2 / math.log2(3) + 1 / 2)),
        ("ndcg@2", (3 / math.log2(3)) / (3 + 2 / math.log2(3))),
        ("ndcg@1", 0.0),
        ("recall@2", 1 / 3),
        ("recall", 2 / 3),
        ("precision@2", 1 / 2),
        ("precision@10", 2 / 10),
        ("mrr@10", 1 / 2),
        ("mrr@1", 0.0),
        ("map", (1 / 2 + 2 / 4) / 3),
        ("map@2", (1 / 2) / 3),
        ("hit@1", 0.0),
        ("hit@2", 1.0),
    ],
)
def test_each_metric_by_hand(metric: str, expected: float) -> None:
    assert parse_metric(metric).of(RANKED, GRADES) == pytest.approx(expected, abs=1e-15)


def test_perfect_and_empty_rankings() -> None:
    for metric in parse_metrics("ndcg@10 ndcg recall@100 mrr map hit@1 precision@3"):
        assert metric.of(["a", "d", "b"], GRADES) == pytest.approx(1.0)
        assert metric.of([], GRADES) == 0.0


def test_negative_grades_count_as_not_relevant() -> None:
    assert Metric("ndcg", 2).of(["z", "a"], {"a": 1, "z": -2}) == pytest.approx(1 / math.log2(3))
    assert Metric("recall", 1).of(["z"], {"a": 1, "z": -2}) == 0.0


def test_an_unanswered_query_counts_as_zero_and_an_unjudged_one_not_at_all() -> None:
    qrels = {"q1": {"a": 1}, "q2": {"b": 1}, "q3": {"c": 0}}
    assert judged_queries(qrels) == ["q1", "q2"]
    scores = measure(qrels, {"q1": ["a"], "q3": ["c"], "q9": ["a"]}, parse_metrics("hit@1"))
    assert scores[Metric("hit", 1)].tolist() == [1.0, 0.0]


def test_metrics_are_read_as_people_write_them() -> None:
    assert parse_metrics(" nDCG@10, recall@100  map ndcg@10") == (
        Metric("ndcg", 10),
        Metric("recall", 100),
        Metric("map"),
    )
    assert str(parse_metric("ndcg@10")) == "ndcg@10"
    assert str(parse_metric("map")) == "map"


@pytest.mark.parametrize("text", ["ndgc@10", "ndcg@0", "ndcg@", "@10", "", "ndcg@-1", "ndcg@1.5"])
def test_a_wrong_metric_names_the_right_ones(text: str) -> None:
    with pytest.raises(UsageError, match="ndcg@10, recall@10"):
        parse_metric(text)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 30), unique=True, max_size=20),
    st.dictionaries(st.integers(0, 30), st.integers(-1, 3), min_size=1),
)
def test_every_metric_lies_between_0_and_1(ranked: list[int], grades: dict[int, int]) -> None:
    judged = {str(id): grade for id, grade in grades.items()} | {"relevant": 1}
    for metric in parse_metrics("ndcg ndcg@5 recall@5 mrr@3 map map@4 precision@7 hit@2"):
        assert 0.0 <= metric.of([str(id) for id in ranked], judged) <= 1.0 + 1e-12


def test_randomisation_is_exact_for_few_pairs() -> None:
    # three differences of +1: of 8 sign patterns only +++ and --- reach a sum of 3
    assert paired_p_value(np.array([1.0, 1, 1, 0.5]), np.array([0.0, 0, 0, 0.5])) == 2 / 8
    assert paired_p_value(np.array([0.3, 0.1]), np.array([0.3, 0.1])) == 1.0
    # +1 and -1: every pattern reaches |0|
    assert paired_p_value(np.array([1.0, 0]), np.array([0.0, 1])) == 1.0


def test_randomisation_by_sampling_agrees_with_the_sign_test() -> None:
    # 20 differences of ±1, 15 of them positive: |sum| >= 10 has the two-sided binomial probability
    first = np.array([1.0] * 15 + [0.0] * 5)
    exact = 2 * sum(math.comb(20, wins) for wins in range(15, 21)) / 2**20
    assert paired_p_value(first, 1 - first, samples=20_000) == pytest.approx(exact, abs=0.005)
    assert paired_p_value(first, 1 - first) == paired_p_value(1 - first, first)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_bootstrap_interval_agrees_with_the_normal_one() -> None:
    values = np.random.default_rng(1).random(400)
    found = bootstrap_interval(values)
    width = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    assert found.value == values.mean()
    assert (found.low, found.high) == pytest.approx((values.mean() - width, values.mean() + width), abs=0.003)
    assert bootstrap_interval(values) == found


def test_bootstrap_of_a_constant_is_that_constant() -> None:
    found = bootstrap_interval(np.full(5, 0.25))
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)
