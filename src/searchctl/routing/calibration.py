"""From scores to probabilities that hold: fitted on the stored examples, each scored as if it weren't stored.

One label a text: softmax(sharpness * score). Several: a logistic of each label's score. The one or two numbers maximise the
likelihood of the left-out examples, with a prior that speaks while examples are few (Platt 1999; Guo et al. 2017, "On
Calibration of Modern Neural Networks").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.newton import Slope, maximise
from searchctl.routing.votes import Floats

Doubles: TypeAlias = "NDArray[np.float64]"
Flags: TypeAlias = "NDArray[np.bool_]"
_PRIOR = (17.0, 0.0)  # sharpness and offset: what fits give in benchmarks/routing.py, on data no reported number saw
_MULTI_LABEL_PRIOR = (15.0, -4.0)
_PRIOR_EXAMPLES = 20.0  # how many examples the prior is worth
_FITTED_ROWS = 2000
_LEAST_SHARPNESS = 1.0


@dataclass(frozen=True, slots=True)
class Softening:
    """How scores become probabilities. `multi_label` says that a text may have more than one label."""

    sharpness: float
    offset: float
    multi_label: bool

    def probabilities(self, scores: Floats) -> Doubles:
        """Return (n, labels): rows sum to 1 where a text has one label; else each number stands for itself."""
        logits = self.sharpness * scores.astype(np.float64) + self.offset
        if self.multi_label:
            return np.asarray(1 / (1 + np.exp(-logits.clip(-500, 500))))
        return _softmax(logits)


def fit_softening(
    left_out: Floats,
    members: Floats,
    *,
    multi_label: bool,
    seed: int = 0,
    prior: tuple[float, float] | None = None,
    least: float = _LEAST_SHARPNESS,
    worth: float = _PRIOR_EXAMPLES,
) -> Softening:
    """Fit to left-out scores of examples (n, labels) and whose they are, `members` (n, labels) of 0 and 1.

    `prior` is the usual sharpness and offset, of cosines unless given, and counts as `worth` examples do; the sharpness is `least`
    or more.
    """
    prior_numbers = np.array(prior or (_MULTI_LABEL_PRIOR if multi_label else _PRIOR))
    rows = np.random.default_rng(seed).permutation(len(members))[:_FITTED_ROWS]
    scores, truth = left_out[rows].astype(np.float64), members[rows] > 0
    if not len(rows) or (truth.shape[1] < 2 and not multi_label):
        return Softening(float(prior_numbers[0]), float(prior_numbers[1]), multi_label)
    if multi_label:
        flat = np.stack([scores.ravel(), np.ones(scores.size)], axis=1)
        found = _fitted(
            prior_numbers, len(rows), lambda at: _logistic_slope(at, flat, truth.ravel()), least=least, worth=worth
        )
        return Softening(float(found[0]), float(found[1]), multi_label=True)
    answers = truth.argmax(axis=1)
    (sharpness,) = _fitted(
        prior_numbers[:1], len(rows), lambda at: _softmax_slope(at, scores, answers), least=least, worth=worth
    )
    return Softening(float(sharpness), 0.0, multi_label=False)


def losses(probabilities: Doubles, members: Floats, *, multi_label: bool) -> Doubles:
    """Return how surprising the true labels of texts are, given their probabilities (n, labels): (n,), -log of them."""
    likely = probabilities.clip(1e-6, 1 - 1e-6)
    if multi_label:
        return np.asarray(-(members * np.log(likely) + (1 - members) * np.log(1 - likely)).sum(axis=1))
    return np.asarray(-np.log(likely[np.arange(len(members)), members.argmax(axis=1)]))


def fit_logistic(features: Doubles, truth: Flags, prior: tuple[float, ...]) -> tuple[float, ...]:
    """Return weights of features (n, f) and an offset by which `truth` (n,) is foretold, both answers counting alike."""
    columns = np.concatenate([features, np.ones((len(features), 1))], axis=1).astype(np.float64)
    share = float(truth.mean())
    if share in (0.0, 1.0):
        return prior
    counts = np.where(truth, 0.5 / share, 0.5 / (1 - share))
    found = _fitted(np.array(prior), len(truth), lambda at: _logistic_slope(at, columns, truth, counts), least=0.1)
    return tuple(found.tolist())


def _fitted(
    prior: Doubles, count: int, slope: Slope, *, least: float = _LEAST_SHARPNESS, worth: float = _PRIOR_EXAMPLES
) -> Doubles:
    """Maximise a likelihood under a prior that is `worth` so many of the `count` examples; the first number is `least` or more."""
    _, first = slope(prior)
    precision = first / count * worth + 1e-6 * np.eye(len(prior))
    return maximise(slope, prior, precision, longest=5.0, least=least)


def _softmax(logits: Doubles) -> Doubles:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _softmax_slope(at: Doubles, scores: Doubles, answers: NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """Return gradient (1,) and negated curvature (1, 1) of the log-likelihood; scores (n, labels)."""
    shares = _softmax(scores * at[0])
    expected = (shares * scores).sum(axis=1)
    gradient = (scores[np.arange(len(answers)), answers] - expected).sum()
    return np.array([gradient]), np.array([[(shares * scores**2).sum() - (expected**2).sum()]])


def _logistic_slope(
    at: Doubles, features: Doubles, truth: Flags, counts: Doubles | float = 1.0
) -> tuple[Doubles, Doubles]:
    """Return the same for a logistic; features (n, f), each row counting `counts` times."""
    shares = 1 / (1 + np.exp(-(features @ at).clip(-500, 500)))
    spread = features * (counts * shares * (1 - shares))[:, None]
    return features.T @ (counts * (truth - shares)), features.T @ spread


def set_threshold(probabilities: Doubles, members: Floats, coverage: float) -> float:
    """Return the probability from which a label enters a conformal set, so that the sets hold the true label this often.

    Split conformal prediction on left-out examples (Vovk et al. 2005): the finite-sample quantile of the true labels'
    probabilities. Too few examples to promise that much give 0: every label enters.
    """
    true = np.sort(probabilities[members > 0])
    allowed = int(np.floor((len(true) + 1) * (1 - coverage)))
    return float(true[allowed - 1]) if allowed >= 1 else 0.0


def likely_threshold(probabilities: Doubles, members: Floats) -> float:
    """Return the probability from which labels, given to left-out examples, had the best F1; within 0.2 to 0.8."""
    flat, truth = probabilities.ravel(), members.ravel() > 0
    if not len(flat) or not truth.any():
        return 0.5
    order = np.argsort(-flat, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(flat) + 1) + truth.sum())
    best = int(f1.argmax())
    after = flat[order[best + 1]] if best + 1 < len(flat) else 0.0
    return float(np.clip((flat[order[best]] + after) / 2, 0.2, 0.8))
