"""How a training runs: what all of its kinds have in common."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from searchctl.errors import UsageError

NO_GAIN = "learning didn't make it better on what was held out: keep the model that it began with"
_BOUNDS = {  # least and most
    "epochs": (0.01, 1000.0),
    "batch": (2, 4096),
    "rate": (1e-8, 1.0),
    "warmup": (0.0, 0.9),
    "patience": (1, 1000),
    "evaluations": (1, 1000),
    "max_tokens": (8, 8192),
    "held_out": (0.0, 0.5),
    "threads": (0, 4096),
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn.

    `rate` is the highest learning rate, reached after the share `warmup` of the steps and falling linearly to 0. The model is
    measured on the held-out part `evaluations` times, evenly; it stops after `patience` of them without a gain, and the best
    one is kept. `held_out` is the share of the data that is held out; 0 for none, and then nothing stops it early.
    `max_tokens` cuts texts while training. `threads` 0 takes the cores that are idle.
    """

    epochs: float = 1.0
    batch: int = 16
    rate: float = 2e-5
    warmup: float = 0.1
    patience: int = 3
    evaluations: int = 10
    held_out: float = 0.1
    max_tokens: int = 128
    seed: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise UsageError(
                    f"{name.replace('_', '-')} is {value:g}, expected a number from {least:g} to {most:g}; "
                    f"set it with --{name.replace('_', '-')}"
                )


@dataclass(frozen=True, slots=True)
class Goal:
    """What a training is to raise, or to lower, measured on its held-out part.

    `measured` says what is measured on what, as reports print it; `measure` returns the number for the model as it is now.
    """

    measured: str
    measure: Callable[[], float]
    higher_is_better: bool = True

    def is_better(self, value: float, than: float) -> bool:
        """Tell whether one value is better than another; equal ones aren't."""
        return value > than if self.higher_is_better else value < than


@dataclass(frozen=True, slots=True)
class Watch:
    """Who follows a training: `tell` hears the steps done of how many; `stop` ends it at the next step, resumably."""

    tell: Callable[[int, int], None] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
