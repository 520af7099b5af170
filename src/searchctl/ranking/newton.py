"""Newton's method for a likelihood with a normal prior: the one solver of the models that are fitted here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Slope: TypeAlias = Callable[[Floats], tuple[Floats, Floats]]
_STEPS = 50


def maximise(
    slope: Slope, centre: Floats, precision: Floats, *, longest: float, least: float = -np.inf, close: float = 1e-4
) -> Floats:
    """Return the numbers (k,) that are most likely: where a concave log-likelihood and its prior are highest.

    `slope` returns the likelihood's gradient (k,) and negated curvature (k, k). The prior is normal around `centre` (k,) with
    the inverse covariance `precision` (k, k). A step changes no number by more than `longest`, since long steps overshoot where
    the curve is flat. The first number stays at `least` or above. The search ends with a step shorter than `close`.
    """
    at = centre.astype(np.float64)
    for _ in range(_STEPS):
        gradient, curvature = slope(at)
        step = np.linalg.solve(curvature + precision, gradient - precision @ (at - centre))
        moved = at + step / max(1.0, float(np.abs(step).max()) / longest)
        moved[0] = max(float(moved[0]), least)
        change = float(np.abs(moved - at).max())
        at = moved
        if change < close:
            break
    return at
