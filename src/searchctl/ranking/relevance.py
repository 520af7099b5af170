"""How likely a hit answers the query: a logistic model of both legs' evidence, and how far such numbers can be trusted.

The evidence is what weighted fusion made of the legs' scores, free of the corpus's and the encoder's units, and the size of
the index: among more documents the best of the unrelated ones looks better. Where a query is in an alphabet that the index
lacks, it says nothing that no word matches, so meaning counts for more (see `background.foreign_share`). One model serves
any index (`DEFAULTS`, learnt by benchmarks/relevance.py), and judgements of an index's own pull it closer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.fusion import Fused, Leg
from searchctl.ranking.newton import maximise
from searchctl.types import Mode

Floats: TypeAlias = NDArray[np.float64]
DOUBTFUL = (
    0.05  # a best hit less likely is no answer; chosen on development halves, which benchmarks/relevance.py prints
)
FEWEST_TELLING = 300  # documents: below, the size says nothing, since the model has seen no smaller index
_FARTHEST = 30.0  # where a logistic is 0 or 1 to double precision


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log-odds of relevance, a sum over the evidence.

    `intercept` + `lexical` · L + `vector` · V + `size` · log10(documents) + (`foreign` + `foreign_vector` · V) · F, where L
    and V are what the legs say and F is how foreign the query is to the index (see `evidence`).
    """

    intercept: float
    lexical: float
    vector: float
    size: float
    foreign: float = 0.0
    foreign_vector: float = 0.0

    def relevance(self, evidence: Floats) -> Floats:
        """Return the probability that each hit is relevant: (n,), in [0, 1]. `evidence` is of `evidence`."""
        return _logistic(evidence @ np.array(self.coefficients))

    @property
    def coefficients(self) -> tuple[float, ...]:
        """Return the numbers in their order: `Calibration(*coefficients)` is this one again."""
        return (self.intercept, self.lexical, self.vector, self.size, self.foreign, self.foreign_vector)


DEFAULTS: Mapping[Mode, Calibration] = {  # by the legs that ran; printed by benchmarks/relevance.py
    "hybrid": Calibration(
        intercept=-1.71, lexical=10.12, vector=10.43, size=-1.71, foreign=-3.14, foreign_vector=16.45
    ),
    "lexical": Calibration(intercept=0.69, lexical=14.95, vector=0.0, size=-1.57),
    "vector": Calibration(intercept=-3.43, lexical=0.0, vector=16.45, size=-1.36),
}


def evidence(lexical: Floats, vector: Floats, documents: int, foreign: float = 0.0) -> Floats:
    """Return the evidence for hits as rows: (n, 6).

    `lexical` and `vector` (n,) are in [0, 1], as `fusion.lexical_scores` and `fusion.vector_scores` give them, 0 where
    the words don't match or a leg didn't run; `documents` is how many the index holds (a small index counts as one of
    `FEWEST_TELLING`: that its best is the best of few makes it no likelier), `foreign` as in `background.foreign_share`.
    """
    rows = np.ones((len(lexical), 6))
    rows[:, 1], rows[:, 2], rows[:, 3] = lexical, vector, np.log10(max(documents, FEWEST_TELLING))
    rows[:, 4], rows[:, 5] = foreign, vector * foreign
    return rows


def relevances(fused: Fused, documents: int, foreign: float = 0.0, calibration: Calibration | None = None) -> Floats:
    """Return the probability that each fused document answers the query: (n,).

    `fused` must come from the method "weighted", whatever its weights. None means the default for the legs that ran;
    `documents` and `foreign` as in `evidence`.
    """
    return (calibration or _default(fused)).relevance(evidence_of(fused, documents, foreign))


def evidence_of(fused: Fused, documents: int, foreign: float = 0.0) -> Floats:
    """Return the evidence for all of a fused list: (n, 6). See `relevances` for what it has to be."""
    lexical, vector = fused.lexical, fused.vector
    nothing = np.zeros(len(fused.ids))
    return evidence(
        lexical.normalised if lexical else nothing, vector.normalised if vector else nothing, documents, foreign
    )


def unseen_relevance(
    fused: Fused, documents: int, window: int, foreign: float = 0.0, calibration: Calibration | None = None
) -> float:
    """Return the most relevance that a document beyond both legs' windows could have; 0 where no leg was cut off."""
    last = [_last(leg, window) for leg in (fused.lexical, fused.vector)]
    if not any(last):
        return 0.0
    rows = evidence(np.array(last[:1]), np.array(last[1:]), documents, foreign)
    return float((calibration or _default(fused)).relevance(rows)[0])


def _default(fused: Fused) -> Calibration:
    lexical, vector = fused.lexical is not None, fused.vector is not None
    mode: Mode = "hybrid" if lexical and vector else "vector" if vector else "lexical"
    return DEFAULTS[mode]


def _last(leg: Leg | None, window: int) -> float:
    """Return the evidence of the last document that a leg gave, if there may be more."""
    if leg is None or int(leg.ranks.max(initial=0)) < window:
        return 0.0
    return float(leg.normalised[leg.ranks == leg.ranks.max()][0])


def fit(evidence: Floats, relevant: NDArray[np.bool_], *, prior: Calibration, strength: float = 1.0) -> Calibration:
    """Return the model most likely for judged hits, pulled towards `prior`; with no hits, the prior itself.

    `evidence` (n, 6) is of `evidence`, `relevant` (n,) what was judged. Each coefficient has a normal prior of variance
    1 / `strength` around the given one: a ridge, so hits that are perfectly told apart don't drive it to infinity.
    """

    def slope(at: Floats) -> tuple[Floats, Floats]:
        predicted = _logistic(evidence @ at)
        spread = evidence * (predicted * (1 - predicted))[:, None]
        return evidence.T @ (relevant - predicted), spread.T @ evidence

    centre = np.array(prior.coefficients)
    coefficients = maximise(slope, centre, strength * np.eye(len(centre)), longest=4.0, close=1e-9)
    return Calibration(*coefficients.tolist())


def calibration_error(predicted: Floats, relevant: NDArray[np.bool_], *, bins: int = 10) -> float:
    """Return the expected calibration error in [0, 1]: the mean gap between predicted and true share of relevant hits.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (2015): bins of equal
    width, weighted by their hits.
    """
    if not len(predicted):
        return 0.0
    bin_numbers = np.minimum((predicted * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(bin_numbers, weights=predicted - relevant, minlength=bins)
    return float(np.abs(gaps).sum() / len(predicted))


def auroc(positive: Floats, negative: Floats) -> float:
    """Return how often a positive scores above a negative, ties counting half: the area under the ROC curve."""
    both = np.concatenate([positive, negative])
    _, value_numbers, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[value_numbers]  # of tied values, the mean rank
    wins = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(wins / (len(positive) * len(negative)))


def _logistic(odds: Floats) -> Floats:
    result: Floats = 1.0 / (1.0 + np.exp(-np.minimum(np.maximum(odds, -_FARTHEST), _FARTHEST)))
    return result
