"""What was made of texts before a label is chosen: how probable each label is, and how far that can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from searchctl.routing.calibration import Doubles, Flags
from searchctl.routing.guarantee import PrecisionGuarantee

UNLIKE = "the text is unlike everything stored"


class Trust(Protocol):
    """How far confidences can be trusted, as answers about texts with known labels showed."""

    @property
    def usual(self) -> float:
        """The probability from which a label is given where a text may have several and nothing else was asked for."""

    def promises(self, target: float) -> tuple[PrecisionGuarantee, ...]:
        """Return the guarantee of each depth of the labels, whole ones first."""

    def set_threshold(self, coverage: float) -> float:
        """Return the probability from which a label enters a set that is to hold the true one this often."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was made of n texts: `probabilities` (n, labels), by votes or by a classifier, and how far they can be trusted.

    `outside` (n,) says how sure it is that a text belongs to no label; from `limits` (n,) on it gets none, because it is
    `strange`.
    """

    labels: tuple[str, ...]
    multi_label: bool
    probabilities: Doubles
    trust: Trust
    outside: Doubles
    limits: Doubles
    strange: str = UNLIKE

    @property
    def inside(self) -> Flags:
        """Which texts (n,) aren't taken for texts of no label."""
        return np.asarray(self.outside < self.limits)
