"""Calibrated relevance: the model, its fit, and the two measures of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from searchctl.relevance import Calibration, auroc, calibration_error, deviations, fit
from searchctl.schema import Background

FLAT = Calibration(0.0, 0.0, 0.0)


def test_relevance_by_hand() -> None:
    model = Calibration(-2.0, 3.0, 0.5)
    found = model.relevance(np.array([0.0, 1.0]), np.array([0.0, 4.0]))
    assert found == pytest.approx([1 / (1 + math.exp(2)), 1 / (1 + math.exp(-3))])


def test_relevance_stays_a_probability_for_any_evidence() -> None:
    found = Calibration(0.0, 1e6, 1e6).relevance(np.array([0.0, 1.0, 0.0]), np.array([-1e9, 1e9, 0.0]))
    assert found == pytest.approx([0.0, 1.0, 0.5], abs=1e-12)


def test_deviations_by_hand() -> None:
    assert deviations(np.array([0.8, 0.7, 0.65]), Background(0.7, 0.05)) == pytest.approx([2.0, 0.0, -1.0])
    assert np.isfinite(deviations(np.array([0.8]), Background(0.7, 0.0))).all()


def drawn(model: Calibration, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    shares, far = random.random(count), random.normal(2, 2, count)
    return shares, far, random.random(count) < model.relevance(shares, far)


def test_fit_recovers_the_model_that_made_the_judgements() -> None:
    truth = Calibration(-3.0, 2.0, 1.0)
    found = fit(*drawn(truth, 20_000, 0), prior=FLAT, strength=1e-3)
    assert (found.intercept, found.lexical, found.vector) == pytest.approx((-3.0, 2.0, 1.0), abs=0.15)


def test_fit_agrees_with_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="needs: pip install scikit-learn")
    shares, far, relevant = drawn(Calibration(-1.0, 1.0, 0.5), 500, 1)
    evidence = np.stack([np.ones(500), shares, far], axis=1)
    theirs = linear.LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=1000).fit(evidence, relevant)
    found = fit(shares, far, relevant, prior=FLAT, strength=1.0)
    assert [found.intercept, found.lexical, found.vector] == pytest.approx(theirs.coef_[0].tolist(), abs=1e-5)


def test_without_judgements_the_prior_stays_and_with_separable_ones_the_fit_is_finite() -> None:
    prior = Calibration(-4.0, 3.0, 0.7)
    empty = np.zeros(0)
    assert fit(empty, empty, empty.astype(bool), prior=prior) == prior
    found = fit(np.array([0.0, 1.0]), np.array([-5.0, 5.0]), np.array([False, True]), prior=prior, strength=1e-6)
    assert all(math.isfinite(one) for one in (found.intercept, found.lexical, found.vector))


def test_calibration_error_by_hand() -> None:
    # bin 0: predicted .05 and .05, none relevant; bin 9: predicted .95 and .95, one relevant
    predicted = np.array([0.05, 0.05, 0.95, 0.95])
    relevant = np.array([False, False, True, False])
    assert calibration_error(predicted, relevant) == pytest.approx((0.05 + 0.45) / 2)
    assert calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0.0
    assert calibration_error(np.zeros(0), np.zeros(0, dtype=bool)) == 0.0


def test_area_under_the_curve_by_hand() -> None:
    assert auroc(np.array([3.0, 2.0]), np.array([1.0, 0.0])) == 1.0
    assert auroc(np.array([1.0]), np.array([1.0])) == 0.5
    # pairs won: 2 > 1, 2 > 0, 0.5 > 0; lost: 0.5 < 1
    assert auroc(np.array([2.0, 0.5]), np.array([1.0, 0.0])) == 0.75
