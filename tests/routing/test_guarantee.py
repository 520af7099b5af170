"""Promises of precision: thresholds, exact tests, and how often a promise is broken."""

from __future__ import annotations

import numpy as np
import pytest

from searchctl.routing.guarantee import guarantee, promised_precision, wilson


def test_wilson_is_that_of_the_textbook() -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 of 263."""
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)


def test_the_lowest_threshold_that_keeps_the_precision_is_taken() -> None:
    confidence = np.linspace(0.99, 0.5, 100)
    right = np.ones(100, bool)
    right[[60, 70, 80, 85, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99]] = False
    made = guarantee(confidence, right, 0.95)
    assert made.proven
    kept = confidence >= made.threshold
    assert kept.sum() == 85  # of more answers, 0.9 isn't proven
    assert made.precision.value == pytest.approx(82 / 85)
    assert made.precision.low == pytest.approx(0.9)
    assert made.coverage.value == pytest.approx(0.85)


def test_too_few_answers_promise_nothing() -> None:
    made = guarantee(np.linspace(0.99, 0.9, 28), np.ones(28, bool), 0.95)
    assert not made.proven  # 0.9 to the power of 28 is more than 0.05
    assert made.precision.low == 0.0
    assert made.answers == 28
    assert guarantee(np.linspace(0.99, 0.9, 29), np.ones(29, bool), 0.95).proven
    assert guarantee(np.zeros(0), np.zeros(0, bool), 0.95).threshold == 0.95


def test_equal_confidences_are_taken_together() -> None:
    made = guarantee(np.full(40, 0.9), np.arange(40) != 7, 0.9)
    assert made.precision.value == pytest.approx(39 / 40)
    assert made.coverage.value == 1.0


def test_a_strict_target_promises_twice_the_mistakes() -> None:
    assert promised_precision(0.95) == pytest.approx(0.9)
    assert promised_precision(0.99) == pytest.approx(0.98)
    assert promised_precision(0.8) == pytest.approx(0.75)


@pytest.mark.parametrize(("count", "target"), [(60, 0.95), (200, 0.95), (400, 0.9), (150, 0.8)])
def test_at_most_one_in_twenty_promises_is_broken(count: int, target: float) -> None:
    """Answers are right as often as a curve of their confidence says; the true precision is that of the curve."""
    random = np.random.default_rng(7)
    broken = proven = 0
    for _ in range(400):
        confidence = random.random(count)
        chance = 0.5 + 0.48 * confidence**2
        made = guarantee(confidence, random.random(count) < chance, target)
        if made.proven:
            proven += 1
            above = np.linspace(made.threshold, 1, 2000)
            broken += (0.5 + 0.48 * above**2).mean() < made.precision.low
    assert broken <= 0.06 * 400
    assert proven or count < 100


def test_coverage_is_of_texts_where_each_has_several_answers() -> None:
    confidence = np.array([0.9, 0.9, 0.1, 0.2] * 20)
    right = np.array([True, True, False, False] * 20)
    made = guarantee(confidence, right, 0.8, best=np.array([0.9, 0.2] * 20))
    assert made.proven
    assert made.coverage.value == pytest.approx(0.5)


@pytest.mark.parametrize("target", [5e-324, 1e-9, 0.05, 0.0500001, 1 - 1e-16])
def test_targets_at_the_ends_are_promised_or_not(target: float) -> None:
    made = guarantee(np.linspace(0.99, 0.5, 40), np.ones(40, bool), target)
    assert made.proven == (target < 0.5)
