"""From scores to probabilities that hold: fitted on the stored examples, each scored as if it weren't stored.

One label a text: softmax(sharpness * score). Several: a logistic of each label's score. The one or two numbers maximise the
likelihood of the left-out examples, with a prior that speaks while examples are few (Platt 1999; Guo et al. 2017, "On
Calibration of Modern Neural Networks").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.routing.votes import Floats

Doubles: TypeAlias = "NDArray[np.float64]"
Flags: TypeAlias = "NDArray[np.bool_]"
_PRIOR = (17.0, 0.0)  # sharpness and offset: what fits give in benchmarks/routing.py, on data no reported number saw
_SEVERAL_PRIOR = (15.0, -4.0)
_PRIOR_EXAMPLES = 20.0  # how many examples the prior is worth
_FITTED_ROWS = 2000
_STEPS = 30


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores become probabilities. `several` says that a text may have more than one label."""

    sharpness: float
    offset: float
    several: bool

    def probabilities(self, scores: Floats) -> Doubles:
        """Return (n, labels): rows sum to 1 where a text has one label; else each number stands for itself."""
        logits = self.sharpness * scores.astype(np.float64) + self.offset
        if self.several:
            return np.asarray(1 / (1 + np.exp(-logits.clip(-500, 500))))
        return _softmax(logits)


def fit_calibration(left_out: Floats, members: Floats, *, several: bool, seed: int = 0) -> Calibration:
    """Fit to left-out scores of examples (n, labels) and whose they are, `members` (n, labels) of 0 and 1."""
    prior = np.array(_SEVERAL_PRIOR if several else _PRIOR)
    rows = np.random.default_rng(seed).permutation(len(members))[:_FITTED_ROWS]
    scores, truth = left_out[rows].astype(np.float64), members[rows] > 0
    if not len(rows) or (truth.shape[1] < 2 and not several):
        return Calibration(float(prior[0]), float(prior[1]), several)
    if several:
        flat = np.stack([scores.ravel(), np.ones(scores.size)], axis=1)
        found = _maximise(prior, len(rows), lambda at: _logistic_slope(at, flat, truth.ravel()))
        return Calibration(float(found[0]), float(found[1]), several=True)
    answers = truth.argmax(axis=1)
    (sharpness,) = _maximise(prior[:1], len(rows), lambda at: _softmax_slope(at, scores, answers))
    return Calibration(float(sharpness), 0.0, several=False)


def fit_logistic(features: Doubles, truth: Flags, prior: tuple[float, ...]) -> tuple[float, ...]:
    """Return weights of features (n, f) and an offset by which `truth` (n,) is foretold, both answers counting alike."""
    columns = np.concatenate([features, np.ones((len(features), 1))], axis=1).astype(np.float64)
    share = float(truth.mean())
    if share in (0.0, 1.0):
        return prior
    counts = np.where(truth, 0.5 / share, 0.5 / (1 - share))
    found = _maximise(np.array(prior), len(truth), lambda at: _logistic_slope(at, columns, truth, counts), least=0.1)
    return tuple(found.tolist())


Slope: TypeAlias = "tuple[Doubles, Doubles]"


def _maximise(prior: Doubles, count: int, slope: Callable[[Doubles], Slope], *, least: float = 1.0) -> Doubles:
    """Newton's method on a concave likelihood with a Gaussian prior; the first number stays at `least` or above."""
    _, first = slope(prior)
    precision = first / count * _PRIOR_EXAMPLES + 1e-6 * np.eye(len(prior))
    at = prior.copy()
    for _ in range(_STEPS):
        gradient, curvature = slope(at)
        step = np.linalg.solve(curvature + precision, gradient - precision @ (at - prior))
        moved = at + step.clip(-5.0, 5.0)
        moved[0] = max(moved[0], least)
        if np.abs(moved - at).max() < 1e-4:
            return np.asarray(moved)
        at = moved
    return np.asarray(at)


def _softmax(logits: Doubles) -> Doubles:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _softmax_slope(at: Doubles, scores: Doubles, answers: NDArray[np.int64]) -> Slope:
    """Return gradient (1,) and negated curvature (1, 1) of the log-likelihood; scores (n, labels)."""
    shares = _softmax(scores * at[0])
    expected = (shares * scores).sum(axis=1)
    gradient = (scores[np.arange(len(answers)), answers] - expected).sum()
    return np.array([gradient]), np.array([[(shares * scores**2).sum() - (expected**2).sum()]])


def _logistic_slope(at: Doubles, features: Doubles, truth: Flags, counts: Doubles | float = 1.0) -> Slope:
    """Return the same for a logistic; features (n, f), each row counting `counts` times."""
    shares = 1 / (1 + np.exp(-(features @ at).clip(-500, 500)))
    spread = features * (counts * shares * (1 - shares))[:, None]
    return features.T @ (counts * (truth - shares)), spread.T @ features


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Return a share with its interval by Wilson's score (Wilson 1927); nothing tried is 0 to 1."""
    if trials == 0:
        return Interval(float("nan"), 0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / trials
    middle = share + z * z / (2 * trials)
    spread = z * float(np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)))
    scale = 1 + z * z / trials
    return Interval(share, max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale))


@dataclass(frozen=True, slots=True)
class Promise:
    """What abstaining below `threshold` is expected to give on texts like the examples.

    `coverage` is the share of texts that get a label, `precision` of those that are right. `proven` is False where there
    are too few examples to tell; then the threshold rests on the calibrated confidence alone.
    """

    target: float
    threshold: float
    precision: Interval
    coverage: Interval
    proven: bool


def promise(confidence: Doubles, right: Flags, target: float) -> Promise:
    """Choose the lowest threshold above which left-out answers, each with its confidence (n,), were right often enough."""
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence = confidence[order]
    hits = np.cumsum(right[order])
    taken = np.arange(1, len(order) + 1)
    ends = np.append(sorted_confidence[1:] < sorted_confidence[:-1], True) if len(order) else np.zeros(0, bool)
    least = max(1.0, 1 / max(1 - target, 1e-9)) if target < 1 else 1.0
    good = np.flatnonzero(ends & (hits >= target * taken) & (taken >= least))
    if len(good):
        kept = int(taken[good[-1]])
        threshold = float(sorted_confidence[kept - 1])
    else:
        threshold = target
        kept = int((confidence >= target).sum())
    correct = int(hits[kept - 1]) if kept else 0
    return Promise(target, threshold, wilson(correct, kept), wilson(kept, len(order)), bool(len(good)))


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
