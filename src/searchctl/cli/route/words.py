"""Sentences about promises and shares, as the commands of `searchctl route` print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchctl.routing.guarantee import PrecisionGuarantee, ShareInterval


def promise_words(promise: PrecisionGuarantee) -> str:
    """Return a promise as a sentence."""
    if not promise.proven:
        return (
            f"not enough examples to promise a precision of {promise.target:g} (left-out answers: {promise.answers}); a label is "
            f"given from the confidence {promise.threshold:.2f} on, and nothing is promised of it"
        )
    return (
        f"for a precision of {promise.target:g}, a label is given from the confidence {promise.threshold:.2f} on: "
        f"{promise.precision.value:.0%} of such labels are right among the examples, and at least {promise.precision.low:.0%} "
        f"in texts like these, 19 times in 20; {share(promise.coverage)} of such texts get a label"
    )


def share(interval: ShareInterval) -> str:
    """Return `83 % (78 to 87)`."""
    if interval.value != interval.value:
        return "none"
    return f"{interval.value:.0%} ({interval.low:.0%} to {interval.high:.0%})"
