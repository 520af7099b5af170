"""Rows as the libraries' losses want them: from pairs with negatives given or mined, or from labelled texts."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchctl.errors import UsageError
from searchctl.files import replacing
from searchctl.training.losses import SCORED_LOSSES
from searchctl.training.mining import mine_negatives
from searchctl.training.reading import LabelledText, TextPair

_MINED = "negatives.json"
_PAIRS_A_TEXT = 4  # of each text of a label: as many with its own label as with others


@dataclass(frozen=True, slots=True)
class LossColumns:
    """A table for a loss: its columns by name, in the order that the loss takes them. `kinds` says which are queries, which documents."""

    table: Mapping[str, Sequence[Any]]
    kinds: Mapping[str, str]
    remark: str = ""


def columns_of(pairs: Sequence[TextPair], loss: str, negatives: int, model: Any, batch: int, home: Path) -> LossColumns:
    """Return the table for a loss: pairs with so many negatives each, or for a scored loss texts and how alike they are.

    Where negatives are missing they are mined among the pairs' own answers; `home` keeps them. Raises UsageError.
    """
    if loss in SCORED_LOSSES and any(pair.score is not None for pair in pairs):
        return _scored(pairs, loss)
    wanted = max(negatives, 1) if loss == "triplet" or loss in SCORED_LOSSES else negatives
    if not wanted:
        return _tuples(pairs, [()] * len(pairs), "")
    given = [pair.negatives[:wanted] for pair in pairs]
    lacking = [pair for pair, own in zip(pairs, given, strict=True) if len(own) < wanted]
    mined = iter(_mined(lacking, pairs, wanted, model, batch, home) if lacking else [])
    filled = [own if len(own) == wanted else (*own, *next(mined))[:wanted] for own in given]
    whole = [len(own) == wanted for own in filled]
    if not any(whole) and loss == "multiple-negatives":
        return _tuples(
            pairs, [()] * len(pairs), ", none of which has a hard negative: only the others of the batch are told apart"
        )
    if not any(whole):
        raise UsageError(
            f"no hard negatives were found among {len(pairs):,} answers: each text near a question may answer it; "
            "give negatives with the pairs, or train without: --negatives 0"
        )
    kept = [pair for pair, is_whole in zip(pairs, whole, strict=True) if is_whole]
    dropped = len(pairs) - len(kept)
    remark = f", {wanted} hard negative{'s' if wanted > 1 else ''} each"
    remark += f" ({len(lacking):,} of them mined)" if lacking else ""
    remark += f"; {dropped:,} pairs without are left out" if dropped else ""
    found = [own for own, is_whole in zip(filled, whole, strict=True) if is_whole]
    return _as_scored(kept, found, remark) if loss in SCORED_LOSSES else _tuples(kept, found, remark)


def pairs_of_labels(rows: Sequence[LabelledText], loss: str, seed: int) -> LossColumns:
    """Return pairs of texts of one label, with texts of others, for losses that take no labels; drawn by the seed."""
    drawn = random.Random(seed)  # noqa: S311
    by_label: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_label[row.labels[0]].append(row.text)
    labels = sorted(label for label, texts in by_label.items() if len(texts) > 1)
    queries: list[str] = []
    positives: list[str] = []
    others: list[str] = []
    for label in labels:
        texts = by_label[label]
        elsewhere = [other for other in sorted(by_label) if other != label]
        for place, text in enumerate(texts):
            own = texts[:place] + texts[place + 1 :]
            for positive in drawn.sample(own, min(_PAIRS_A_TEXT, len(own))):
                queries.append(text)
                positives.append(positive)
                others.append(drawn.choice(by_label[drawn.choice(elsewhere)]))
    kinds = {"query": "query", "positive": "query", "negative_1": "query"}
    if loss not in SCORED_LOSSES:
        return LossColumns({"query": queries, "positive": positives, "negative_1": others}, kinds)
    table: dict[str, list[Any]] = {
        "query": queries + queries,
        "positive": positives + others,
        "label": [1.0] * len(queries) + [0.0] * len(queries),
    }
    return LossColumns(table, kinds)


def _scored(pairs: Sequence[TextPair], loss: str) -> LossColumns:
    unscored = sum(pair.score is None for pair in pairs)
    if unscored:
        raise UsageError(
            f"{unscored:,} of {len(pairs):,} pairs have no score; give all of them one from 0 to 1, or none"
        )
    scores = [float(pair.score or 0.0) for pair in pairs]
    if "contrastive" in loss and not set(scores) <= {0.0, 1.0}:
        raise UsageError(
            f"the loss {loss} takes scores of 0 and 1 only; take cosine or cosent for degrees: --loss cosent"
        )
    table: dict[str, list[Any]] = {
        "query": [pair.query for pair in pairs],
        "positive": [pair.positive for pair in pairs],
        "label": scores,
    }
    return LossColumns(table, {"query": "query", "positive": "document"}, ", scored")


def _as_scored(pairs: Sequence[TextPair], negatives: Sequence[Sequence[str]], remark: str) -> LossColumns:
    rows = [
        row
        for pair, others in zip(pairs, negatives, strict=True)
        for row in ((pair.query, pair.positive, 1.0), *((pair.query, text, 0.0) for text in others))
    ]
    queries, texts, scores = zip(*rows, strict=True)
    table: dict[str, list[Any]] = {"query": list(queries), "positive": list(texts), "label": list(scores)}
    return LossColumns(table, {"query": "query", "positive": "document"}, remark)


def _tuples(pairs: Sequence[TextPair], negatives: Sequence[Sequence[str]], remark: str) -> LossColumns:
    table: dict[str, list[Any]] = {
        "query": [pair.query for pair in pairs],
        "positive": [pair.positive for pair in pairs],
    }
    kinds = {"query": "query", "positive": "document"}
    for number in range(len(negatives[0]) if negatives else 0):
        table[f"negative_{number + 1}"] = [own[number] for own in negatives]
        kinds[f"negative_{number + 1}"] = "document"
    return LossColumns(table, kinds, remark)


def _mined(
    lacking: Sequence[TextPair], pairs: Sequence[TextPair], wanted: int, model: Any, batch: int, home: Path
) -> list[tuple[str, ...]]:
    """Return negatives for each pair that lacks some; what was mined once is read again."""
    path = home / _MINED
    if path.is_file():
        return [tuple(texts) for texts in json.loads(path.read_text(encoding="utf-8"))]
    found = mine_negatives(lacking, pairs, wanted, model, batch)
    with replacing(path) as draft:
        draft.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    return found
