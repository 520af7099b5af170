"""What the router found, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchctl.routing.calibration import Interval, Promise


def promise_words(promise: Promise) -> str:
    """Return a promise as a sentence."""
    if not promise.proven:
        return (
            f"too few examples to prove a precision of {promise.target:g}; a label is given from the confidence "
            f"{promise.threshold:.2f} on, to {share(promise.coverage)} of texts"
        )
    return (
        f"for a precision of {promise.target:g}, a label is given from the confidence {promise.threshold:.2f} on: to "
        f"{share(promise.coverage)} of texts, right for {share(promise.precision)} of them"
    )


def share(interval: Interval) -> str:
    """Return `83 % (78 to 87)`."""
    if interval.value != interval.value:
        return "none"
    return f"{interval.value:.0%} ({interval.low:.0%} to {interval.high:.0%})"
