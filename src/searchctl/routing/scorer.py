"""What may decide instead of the votes: something that says how probable each label of a text is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from searchctl.routing.calibration import Doubles


class Scorer(Protocol):
    """The seam for zero-shot models, and for heads that were trained elsewhere."""

    name: str

    def probabilities(self, texts: Sequence[str], labels: Sequence[str], *, several: bool) -> Doubles:
        """Return (n, labels) in [0, 1]; `labels` come as words, by description or else by name.

        Rows sum to 1, unless a text may have `several` labels; then each number stands for itself.
        """
