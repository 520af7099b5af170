"""One of several settings chosen by cross-validation, so that its gain is told from queries that it wasn't chosen by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from searchctl.evaluation.metrics import Floats, Interval, bootstrap_interval, paired_p_value
from searchctl.ranking.fusion import Rows
from searchctl.types import Json

FOLDS = 5
SIGNIFICANT = 0.05
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """What was chosen among settings: `best` is the choice from all queries, `before` what there was.

    `gain` is how much better than `before` the choices were on queries they weren't made from (cross-validation), with
    its interval and p-value; `before_mean` and `after_mean` are the means there. `chosen` are the folds' choices: many
    different ones mean that the judgements don't settle it.
    """

    before: T
    best: T
    before_mean: float
    after_mean: float
    gain: Interval
    p_value: float
    chosen: tuple[T, ...]

    @property
    def significant(self) -> bool:
        """Tell whether the gain is more than chance."""
        return self.gain.value > 0 and self.p_value < SIGNIFICANT

    def to_json(self, show: Callable[[T], Json]) -> Json:
        """Return the choice as JSON values, each setting as `show` gives it."""
        return {
            "before": {**show(self.before), "mean": self.before_mean},
            "after": {**show(self.best), "mean": self.after_mean},
            "gain": {"value": self.gain.value, "interval": [self.gain.low, self.gain.high], "p_value": self.p_value},
            "significant": self.significant,
            "folds": [show(setting) for setting in self.chosen],
        }


def choose(candidates: Sequence[T], scores: Floats, *, seed: int = 0) -> Choice[T]:
    """Choose among candidates, of which the first is what there was, by their scores for every query: (candidates, queries)."""
    folds = folds_of(scores.shape[1], seed)
    held_out = np.zeros(scores.shape[1])
    chosen = []
    for fold in range(FOLDS):
        row = _best(scores[:, folds != fold])
        chosen.append(candidates[row])
        held_out[folds == fold] = scores[row, folds == fold]
    return choice_of(candidates[0], candidates[_best(scores)], scores[0], held_out, tuple(chosen), seed)


def choice_of(before: T, best: T, old: Floats, held_out: Floats, chosen: tuple[T, ...], seed: int) -> Choice[T]:
    """Return the choice whose scores (queries,) are `old` with what there was, and `held_out` with each fold's choice."""
    return Choice(
        before,
        best,
        float(old.mean()),
        float(held_out.mean()),
        bootstrap_interval(held_out - old, seed=seed),
        paired_p_value(held_out, old, seed=seed),
        chosen,
    )


def folds_of(count: int, seed: int) -> Rows:
    """Return the number of each query's fold, drawn at random: (count,)."""
    folds: Rows = np.random.default_rng(seed).permutation(count) % FOLDS
    return folds


def _best(scores: Floats) -> int:
    """Return the row with the highest mean; of equal ones the first, so what is set stays unless something is better."""
    return int(np.argmax(np.round(scores.mean(axis=1), 9)))
