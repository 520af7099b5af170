"""The precision that abstaining gives: a threshold, and what can be promised of it whatever chance chose.

Threshold and proof come from the same left-out answers, so a bound for one threshold fixed beforehand would be too good.
Thresholds are tested one after the other, from the highest confidence down, and the first that fails ends the search: then the
promise is broken in one of twenty cases at most, whichever threshold was reached (fixed-sequence testing; Angelopoulos et al.
2021, "Learn then Test"). A test is exact: how likely so few mistakes would be if labels were right less often than promised.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, lgamma, log
from statistics import NormalDist

import numpy as np

from searchctl.routing.calibration import Doubles, Flags

_RISK = 0.05  # of a promise that isn't kept
_SURELY_MET = 1e-6  # a precision so low is met by any answers
_SLACK = 0.05  # below the target at most, a precision is promised
_TESTS = 400  # thresholds that are tested at most


@dataclass(frozen=True, slots=True)
class ShareInterval:
    """A share in [0, 1] with an interval that holds the true one 19 times in 20."""

    value: float
    low: float
    high: float


def wilson(successes: int, trials: int, *, level: float = 0.95) -> ShareInterval:
    """Return a share with its interval by Wilson's score (Wilson 1927); nothing tried is 0 to 1."""
    if trials == 0:
        return ShareInterval(float("nan"), 0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / trials
    middle = share + z * z / (2 * trials)
    spread = z * float(np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)))
    scale = 1 + z * z / trials
    return ShareInterval(share, max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale))


@dataclass(frozen=True, slots=True)
class PrecisionGuarantee:
    """What abstaining below `threshold` gives on texts like the examples.

    `precision.value` is the share of left-out answers at or above it that were right, `precision.low` what is promised: of
    the labels given, at least so many are right, 19 times in 20. `coverage` is the share of texts that get a label.
    `proven` is False where there are not enough examples to promise anything of the kind; then `threshold` is the one from which
    left-out answers were right often enough, or higher, and `precision.low` is 0. `answers` is how many left-out answers there were.
    """

    target: float
    threshold: float
    precision: ShareInterval
    coverage: ShareInterval
    proven: bool
    answers: int = 0


def promised_precision(target: float) -> float:
    """Return the precision that is promised for a target: 0.05 less, or twice the mistakes where that is stricter."""
    return target - min(_SLACK, 1 - target)


def guarantee(confidence: Doubles, right: Flags, target: float, best: Doubles | None = None) -> PrecisionGuarantee:
    """Choose the lowest threshold above which left-out answers, each with its confidence (n,), were right often enough.

    Often enough is `target` among those answers themselves, and surely `promised_precision` among others. Where a text has
    several answers, `best` (t,) are the texts' highest confidences, and the coverage is of texts.
    """
    order = np.argsort(-confidence, kind="stable")
    sure, hits = confidence[order], np.cumsum(right[order])
    taken = np.arange(1, len(order) + 1)
    ends = np.append(sure[1:] < sure[:-1], True) if len(order) else np.zeros(0, bool)
    least = max(1.0, 1 / max(1 - target, 1e-9))
    good = np.flatnonzero(ends & (hits >= target * taken) & (taken >= least))
    certified = _certified(taken[ends], taken[ends] - hits[ends], promised_precision(target))
    reached = int(taken[good[-1]]) if len(good) else 0
    proven = bool(certified and reached)
    if proven:
        kept = _together(ends, taken, min(reached, certified))
        threshold = float(sure[kept - 1])
    else:
        threshold = max(target, float(sure[reached - 1]) if reached else 0.0)
        kept = int((confidence >= threshold).sum())
    correct = int(hits[kept - 1]) if kept else 0
    share = wilson(correct, kept)
    low = promised_precision(target) if proven else 0.0
    precision = ShareInterval(share.value, low, max(share.high, low))
    texts = confidence if best is None else best
    coverage = wilson(int((texts >= threshold).sum()), len(texts))
    return PrecisionGuarantee(target, threshold, precision, coverage, proven, len(order))


def _together(ends: Flags, taken: np.ndarray[tuple[int, ...], np.dtype[np.int64]], most: int) -> int:
    """Return the largest number of answers, up to `most`, after which the confidence falls: equal ones stay together."""
    return int(taken[ends & (taken <= most)][-1])


def _certified(
    taken: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    wrong: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    precision: float,
) -> int:
    """Return how many of the surest answers are proven to be right this often; 0 for none.

    `taken` (t,) are the numbers that may be chosen, growing, `wrong` (t,) the mistakes among each.
    """
    if precision < _SURELY_MET:
        return int(taken[-1]) if len(taken) else 0
    first = ceil(log(_RISK) / log(precision))  # with fewer, not even no mistake proves it
    able = np.flatnonzero(taken >= first)
    proven = 0
    for at in able[:: max(1, len(able) // _TESTS)].tolist():
        if _mistakes_at_most(int(wrong[at]), int(taken[at]), 1 - precision) > _RISK:
            break
        proven = int(taken[at])
    return proven


def _mistakes_at_most(wrong: int, taken: int, rate: float) -> float:
    """Return how likely it is that of so many answers so few are wrong, where each is with this rate (binomial)."""
    if wrong > rate * taken:
        return 1.0
    every = lgamma(taken + 1) + taken * log(1 - rate)
    odds = log(rate) - log(1 - rate)
    return sum(exp(every - lgamma(k + 1) - lgamma(taken - k + 1) + k * odds) for k in range(wrong + 1))
