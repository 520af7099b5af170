"""Sentences about promises and shares, as the commands of `searchctl route` print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.guarantee import PrecisionGuarantee, ShareInterval


def promise_words(promise: PrecisionGuarantee) -> str:
    """Return a promise as a sentence."""
    if not promise.proven:
        return _(
            "not enough examples to promise a precision of {target:g} (left-out answers: {answers}); a label "
            "is given from the confidence {threshold:.2f} on, and nothing is promised of it"
        ).format(target=promise.target, answers=promise.answers, threshold=promise.threshold)
    return _(
        "for a precision of {target:g}, a label is given from the confidence {threshold:.2f} on: "
        "{value:.0%} of such labels are right among the examples, and at least {low:.0%} in texts like "
        "these, 19 times in 20; {share} of such texts get a label"
    ).format(
        target=promise.target,
        threshold=promise.threshold,
        value=promise.precision.value,
        low=promise.precision.low,
        share=share(promise.coverage),
    )


def share(interval: ShareInterval) -> str:
    """Return `83 % (78 to 87)`."""
    if interval.value != interval.value:
        return "none"
    return f"{interval.value:.0%} ({interval.low:.0%} to {interval.high:.0%})"
