"""How far a model and people agree on the same things: the share of equal choices, and Cohen's kappa, which takes chance away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from searchctl.types import Json


@dataclass(frozen=True, slots=True)
class HumanAgreement:
    """On `count` things both chose the same in `raw` of 1; `kappa` is None where chance alone would always agree."""

    count: int
    raw: float
    kappa: float | None

    def to_json(self) -> Json:
        """Return the numbers as JSON values."""
        return {
            "count": self.count,
            "raw": round(self.raw, 4),
            "kappa": None if self.kappa is None else round(self.kappa, 4),
        }


def agreement_of(human: Sequence[Hashable], model: Sequence[Hashable]) -> HumanAgreement:
    """Return the agreement of two equally long, not empty lists of choices.

    Cohen, "A coefficient of agreement for nominal scales" (1960): (observed - expected) / (1 - expected).
    """
    count = len(human)
    observed = sum(one == other for one, other in zip(human, model, strict=True)) / count
    ours, theirs = Counter(human), Counter(model)
    expected = sum(ours[choice] * theirs[choice] for choice in ours) / count**2
    return HumanAgreement(count, observed, None if expected >= 1 else (observed - expected) / (1 - expected))
