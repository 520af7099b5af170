"""How likely a hit answers the query: a logistic model of both legs' evidence, and how far such numbers can be trusted.

The evidence is free of the corpus's and the encoder's units: the share of what BM25 could give for the query, and how
many standard deviations a cosine lies above that of unrelated texts. So one model serves any index (`DEFAULT`, learnt by
benchmarks/relevance.py), and judgements of an index's own pull it closer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.schema import Background

Floats: TypeAlias = NDArray[np.float64]
_STEPS = 50
_FARTHEST = 30.0  # where a logistic is 0 or 1 to double precision


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log-odds of relevance: `intercept` + `lexical` · share + `vector` · deviations."""

    intercept: float
    lexical: float
    vector: float

    def relevance(self, shares: Floats, deviations: Floats) -> Floats:
        """Return the probability that each hit is relevant: (n,), in [0, 1].

        `shares` (n,) are BM25 over the query's bound, 0 where the words don't match; `deviations` (n,) as `deviations`
        gives them.
        """
        odds = self.intercept + self.lexical * shares + self.vector * deviations
        return _logistic(odds)


def deviations(cosines: Floats, background: Background) -> Floats:
    """Return how many standard deviations cosines (n,) lie above those of unrelated texts."""
    return (cosines - background.mean) / max(background.std, 1e-6)


def fit(
    shares: Floats, deviations: Floats, relevant: NDArray[np.bool_], *, prior: Calibration, strength: float = 1.0
) -> Calibration:
    """Return the model most likely for judged hits (n,), pulled towards `prior`; with no hits, the prior itself.

    Each coefficient has a normal prior around the given one, of variance 1 / `strength` in the scale of the evidence:
    a ridge, so hits that are perfectly told apart don't drive the coefficients to infinity.
    """
    evidence = np.stack([np.ones_like(shares), shares, deviations], axis=1)
    centre = np.array([prior.intercept, prior.lexical, prior.vector])
    found = centre.copy()
    ridge = strength * np.eye(3)
    for _ in range(_STEPS):
        predicted = _logistic(evidence @ found)
        slope = evidence.T @ (relevant - predicted) - ridge @ (found - centre)
        curve = (evidence * (predicted * (1 - predicted))[:, None]).T @ evidence + ridge
        step = np.linalg.solve(curve, slope)
        found += step / max(1.0, float(np.abs(step).max()) / 4.0)  # long steps overshoot where the curve is flat
        if float(np.abs(step).max()) < 1e-9:
            break
    return Calibration(*found.tolist())


def calibration_error(predicted: Floats, relevant: NDArray[np.bool_], *, bins: int = 10) -> float:
    """Return the expected calibration error in [0, 1]: the mean gap between predicted and true share of relevant hits.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (2015): bins of equal
    width, weighted by their hits.
    """
    if not len(predicted):
        return 0.0
    place = np.minimum((predicted * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, weights=predicted - relevant, minlength=bins)
    return float(np.abs(gaps).sum() / len(predicted))


def auroc(positive: Floats, negative: Floats) -> float:
    """Return how often a positive scores above a negative, ties counting half: the area under the ROC curve."""
    both = np.concatenate([positive, negative])
    _, places, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]  # of tied values, the mean rank
    wins = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(wins / (len(positive) * len(negative)))


def _logistic(odds: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-np.clip(odds, -_FARTHEST, _FARTHEST)))
    return result
