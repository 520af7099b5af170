"""Losses by their usual names: what data each takes, and how it's set for vectors of length 1.

The libraries' triplet losses come with Euclidean distance and a margin of 5. Vectors of length 1 are at most 2 apart, so that
such a loss never gets to zero and goes on pushing texts apart that are apart already. Here distance is 1 - cosine, in [0, 2],
and the margin 0.3.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from searchctl.errors import UsageError

LabelLoss: TypeAlias = Literal["batch-hard-soft-margin", "batch-hard", "batch-semi-hard", "batch-all"]
PairLoss: TypeAlias = Literal["multiple-negatives", "triplet", "cosine", "cosent", "contrastive", "online-contrastive"]
LABEL_LOSSES: tuple[str, ...] = get_args(LabelLoss)
PAIR_LOSSES: tuple[str, ...] = get_args(PairLoss)
SCORED_LOSSES = ("cosine", "cosent", "contrastive", "online-contrastive")  # take two texts and how alike they are
DEFAULT_FOR_LABELS, DEFAULT_FOR_PAIRS = "batch-hard-soft-margin", "multiple-negatives"
WITH_MARGIN = ("batch-hard", "batch-semi-hard", "batch-all", "triplet", "contrastive", "online-contrastive")
MARGIN = 0.3
_CONTRASTIVE_MARGIN = 0.5
_LARGEST_MARGIN = 2.0
_CLASSES = {
    "batch-hard-soft-margin": "BatchHardSoftMarginTripletLoss",
    "batch-hard": "BatchHardTripletLoss",
    "batch-semi-hard": "BatchSemiHardTripletLoss",
    "batch-all": "BatchAllTripletLoss",
    "multiple-negatives": "MultipleNegativesRankingLoss",
    "triplet": "TripletLoss",
    "cosine": "CosineSimilarityLoss",
    "cosent": "CoSENTLoss",
    "contrastive": "ContrastiveLoss",
    "online-contrastive": "OnlineContrastiveLoss",
}


@dataclass(frozen=True, slots=True)
class LossChoice:
    """A loss by name, and the margin for those that have one; None is the usual."""

    name: str
    margin: float | None = None

    def __post_init__(self) -> None:
        if self.name not in _CLASSES:
            raise UsageError(f"no loss '{self.name}'; choose from: {', '.join(_CLASSES)}")
        if self.margin is None:
            return
        if self.name not in WITH_MARGIN:
            raise UsageError(
                f"the loss {self.name} has no margin; leave --margin out, or choose: {', '.join(WITH_MARGIN)}"
            )
        if not 0 < self.margin < _LARGEST_MARGIN:
            raise UsageError(
                f"the margin is {self.margin:g}; distance is 1 - cosine, at most {_LARGEST_MARGIN:g}, so give one between 0.2 and 0.5"
            )

    @property
    def effective_margin(self) -> float | None:
        """The margin that the loss works with; None for one without."""
        if self.name not in WITH_MARGIN:
            return None
        return self.margin or (_CONTRASTIVE_MARGIN if "contrastive" in self.name else MARGIN)


def make_loss(choice: LossChoice, model: Any) -> Any:
    """Return the library's loss over 1 - cosine."""
    losses = importlib.import_module("sentence_transformers.sentence_transformer.losses")
    kind = getattr(losses, _CLASSES[choice.name])
    margin = choice.effective_margin
    if choice.name in LABEL_LOSSES:
        batch_hard = importlib.import_module("sentence_transformers.sentence_transformer.losses.batch_hard_triplet")
        settings = {"distance_metric": batch_hard.BatchHardTripletLossDistanceFunction.cosine_distance}
        return kind(model, **settings) if margin is None else kind(model, margin=margin, **settings)
    if choice.name == "triplet":
        return kind(model, distance_metric=losses.TripletDistanceMetric.COSINE, triplet_margin=margin)
    return kind(model) if margin is None else kind(model, margin=margin)
