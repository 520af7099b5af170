"""Calibrated relevance: the model, its fit, and the two measures of it."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest
from numpy.typing import NDArray

from searchctl.ranking.fusion import FusionSettings, fuse
from searchctl.ranking.relevance import DEFAULTS, Calibration, auroc, calibration_error, evidence, fit, relevances
from searchctl.schema import Background
from searchctl.types import Mode, Ranking, Total

FLAT = Calibration(0.0, 0.0, 0.0, 0.0)


def test_relevance_by_hand() -> None:
    model = Calibration(-2.0, 3.0, 0.5, -1.0)
    found = model.relevance(evidence(np.array([0.0, 1.0]), np.array([0.0, 0.8]), 1000))
    # log-odds: -2 - 3, and -2 + 3 + .4 - 3
    assert found == pytest.approx([1 / (1 + math.exp(5)), 1 / (1 + math.exp(1.6))])


def test_the_default_believes_evidence_and_doubts_large_indexes() -> None:
    strong, weak = DEFAULTS["hybrid"].relevance(evidence(np.array([0.5, 0.0]), np.array([0.6, 0.1]), 1000))
    assert strong > 0.9
    assert weak < 0.05
    hit = np.array([0.2]), np.array([0.4])
    assert (
        DEFAULTS["hybrid"].relevance(evidence(*hit, 100))[0]
        > DEFAULTS["hybrid"].relevance(evidence(*hit, 1_000_000))[0]
    )


@pytest.mark.parametrize("mode", ["lexical", "vector", "hybrid"])
def test_relevances_of_a_fused_list(mode: Mode) -> None:
    words = Ranking(("a", "b"), np.array([8.0, 2.0]), (-1, -1), Total(2)) if mode != "vector" else None
    meaning = Ranking(("b", "c"), np.array([0.9, 0.7]), (0, 0), Total(2)) if mode != "lexical" else None
    fused = fuse(
        words, meaning, bound=10.0, background=Background(0.6, 0.05), settings=FusionSettings(lexical=1, vector=9)
    )
    found = dict(zip(fused.ids, relevances(fused, 1000), strict=True))
    lexical = {"a": 0.8**1.75, "b": 0.2**1.75}
    vector = {"b": 0.3 / 0.4, "c": 0.1 / 0.4}
    model = DEFAULTS[mode]
    for id in found:
        # a document the vectors didn't return is taken to be as near as the last they did
        near = vector.get(id, 0.1 / 0.4 if meaning else 0.0) if meaning else 0.0
        odds = model.intercept + model.vector * near + 3 * model.size
        odds += model.lexical * lexical.get(id, 0.0) if words else 0.0
        assert found[id] == pytest.approx(1 / (1 + math.exp(-odds)))


def test_relevance_stays_a_probability_for_any_evidence() -> None:
    found = Calibration(0.0, 1e6, -1e6, 0.0).relevance(
        evidence(np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0]), 0)
    )
    assert found == pytest.approx([0.0, 1.0, 0.5], abs=1e-12)


def test_meaning_counts_for_more_in_an_alphabet_that_the_index_lacks() -> None:
    model = Calibration(-2.0, 3.0, 0.5, -1.0, -1.5, 4.0)
    (foreign,) = model.relevance(evidence(np.zeros(1), np.array([0.8]), 1000, foreign=0.5))
    assert foreign == pytest.approx(1 / (1 + math.exp(-(-2 + 0.4 - 3 - 0.75 + 1.6))))
    default = DEFAULTS["hybrid"]
    near = np.zeros(1), np.array([0.35]), 1000
    assert default.relevance(evidence(*near, foreign=1.0)) > 3 * default.relevance(evidence(*near))


def drawn(model: Calibration, count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    random = np.random.default_rng(seed)
    sizes = ((10, 0.0), (10_000, 0.0), (300, 1.0))
    rows = np.concatenate([evidence(random.random(count), random.random(count), *size) for size in sizes])
    return rows, random.random(3 * count) < model.relevance(rows)


def test_fit_recovers_the_model_that_made_the_judgements() -> None:
    truth = Calibration(-1.0, 2.0, 3.0, -0.5)
    found = fit(*drawn(truth, 20_000, 0), prior=FLAT, strength=1e-3)
    assert astuple(found) == pytest.approx(astuple(truth), abs=0.15)


def test_fit_agrees_with_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="needs: pip install scikit-learn")
    rows, relevant = drawn(Calibration(-1.0, 1.0, 0.5, -0.3), 300, 1)
    theirs = linear.LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=1000).fit(rows, relevant)
    assert astuple(fit(rows, relevant, prior=FLAT)) == pytest.approx(tuple(theirs.coef_[0]), abs=1e-5)


def test_without_judgements_the_prior_stays_and_with_separable_ones_the_fit_is_finite() -> None:
    prior = Calibration(-4.0, 3.0, 0.7, -1.0)
    none = np.zeros(0)
    assert fit(evidence(none, none, 10), none.astype(bool), prior=prior) == prior
    rows = evidence(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 10)
    found = fit(rows, np.array([False, True]), prior=prior, strength=1e-6)
    assert all(math.isfinite(one) for one in astuple(found))


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
