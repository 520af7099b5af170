"""What a pretrained model is measured by, on held-out texts with masks that stay: perplexity, and what else its objective teaches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.relevance import auroc
from searchctl.training.libraries import Libraries
from searchctl.training.masking import IGNORED, MaskedRow, in_batches
from searchctl.training.settings import Goal

_MOST_ROWS = 400  # that a training measures itself by again and again
Collate = Callable[[Sequence[MaskedRow]], dict[str, Any]]


def perplexity_goal(libraries: Libraries, module: Any, rows: Sequence[MaskedRow], collate: Collate, batch: int) -> Goal:
    """Return the perplexity of hidden words: as if so many words were equally likely at each place."""
    kept = list(rows[:_MOST_ROWS])

    def measure() -> float:
        total = count = 0.0
        for asked, answer in _answers(libraries, module, kept, collate, batch):
            total += float(answer["words"]) * asked
            count += asked
        return math.exp(min(total / max(count, 1.0), 50.0))

    hidden = sum(int((row.targets != IGNORED).sum()) for row in kept)
    return Goal(
        f"perplexity of {hidden:,} hidden tokens in {len(kept):,} held-out rows", measure, higher_is_better=False
    )


def replacement_goal(
    libraries: Libraries, network: Any, rows: Sequence[MaskedRow], collate: Collate, batch: int, seed: int
) -> Goal:
    """Return how surely ELECTRA tells tokens that were replaced (area under the ROC curve: 0.5 is chance).

    They are replaced by tokens of other places, always the same ones: its own generator gets better, and so harder to find out.
    """
    random = np.random.default_rng([seed, 4])
    pool = np.concatenate([row.row.ids for row in rows])
    kept = [_corrupted(row, pool, random) for row in rows[:_MOST_ROWS]]

    def measure() -> float:
        scores, replaced = [], []
        for inputs in _inputs(libraries, network, kept, collate, batch):
            truth = inputs.pop("targets")
            inputs.pop("numbers")
            given = network(**inputs).logits.float().cpu().numpy()
            real = inputs["attention_mask"].cpu().numpy() > 0
            scores.append(given[real])
            replaced.append(truth.cpu().numpy()[real] > 0)
        told, is_replaced = np.concatenate(scores).astype(np.float64), np.concatenate(replaced)
        return auroc(told[is_replaced], told[~is_replaced]) if is_replaced.any() else 0.5

    count = sum(int((row.targets > 0).sum()) for row in kept)
    return Goal(f"AUROC of {count:,} tokens replaced by chance in {len(kept):,} held-out rows", measure)


def _corrupted(row: MaskedRow, pool: NDArray[np.int64], random: np.random.Generator) -> MaskedRow:
    """Return a row whose hidden tokens are others instead; the targets are 1 for those that differ, 0 for all others."""
    original = np.array(row.row.ids, np.int64)
    hidden = row.targets != IGNORED
    ids = np.where(hidden, random.choice(pool, len(original)), original)
    return MaskedRow(ids, (ids != original).astype(np.int64), row.row, row.number)


def following_accuracy(
    libraries: Libraries, module: Any, rows: Sequence[MaskedRow], collate: Collate, batch: int
) -> float:
    """Return how often it is told whether a sentence follows the one before it; half is chance."""
    right = count = 0
    for _, answer in _answers(libraries, module, list(rows[:_MOST_ROWS]), collate, batch):
        right += int((answer["followed"].argmax(dim=-1) == answer["strangers"]).sum())
        count += len(answer["strangers"])
    return right / max(count, 1)


def _answers(
    libraries: Libraries, module: Any, rows: Sequence[MaskedRow], collate: Collate, batch: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield for each batch how many tokens were hidden, and what the module made of it."""
    for inputs in _inputs(libraries, module, rows, collate, batch):
        hidden = int((inputs["targets"] != IGNORED).sum())
        if hidden:
            strangers = {"strangers": inputs["strangers"]} if "strangers" in inputs else {}
            yield hidden, {**module(**inputs), **strangers}


def _inputs(
    libraries: Libraries, module: Any, rows: Sequence[MaskedRow], collate: Collate, batch: int
) -> Iterator[dict[str, Any]]:
    """Yield batches where the module is, while it is told to answer and not to learn."""
    was_training = module.training
    module.eval()
    device = next(module.parameters()).device
    with libraries.torch.no_grad():
        for part in in_batches(rows, batch):
            yield {name: value.to(device) for name, value in collate(part).items()}
    module.train(was_training)
