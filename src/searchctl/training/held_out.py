"""What an encoder is measured by while it learns: on texts that it doesn't learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from searchctl.ranking.unit import unit
from searchctl.training.reading import LabelledText, TextPair
from searchctl.training.settings import Goal
from searchctl.types import Vectors

_QUERIES = 300  # at most, since a training measures itself again and again
_DISTRACTORS = 500
_REFERENCES = 2000
_DEPTH = 10

Encode = Callable[[Sequence[str], bool], Vectors]
"""Encode texts, as queries or not: (n, dim), rows of length 1."""


def retrieval_goal(held_out: Sequence[TextPair], learnt: Sequence[TextPair], encode: Encode) -> Goal:
    """Return MRR@10 of held-out questions: each looks for its answers among all that are held out, and some of the others."""
    right: dict[str, set[str]] = {}
    for pair in held_out:
        if pair.score is None or pair.score >= 0.5:
            right.setdefault(pair.query, set()).add(pair.positive)
    queries = list(right)[:_QUERIES]
    own = [pair.positive for pair in held_out] + [text for pair in held_out for text in pair.negatives]
    others = list(dict.fromkeys(pair.positive for pair in learnt))[:_DISTRACTORS]
    texts = list(dict.fromkeys([*own, *others]))
    places = {text: place for place, text in enumerate(texts)}
    answers = [{places[text] for text in right[query]} for query in queries]

    def measure() -> float:
        cosines = encode(queries, True) @ encode(texts, False).T
        return float(np.mean([_reciprocal_rank(row, own) for row, own in zip(cosines, answers, strict=True)]))

    documents = len({pair.document for pair in held_out})
    return Goal(
        f"mrr@10 of {len(queries):,} held-out questions on {documents:,} documents, among {len(texts):,} texts", measure
    )


def label_goal(held_out: Sequence[LabelledText], learnt: Sequence[LabelledText], encode: Encode) -> Goal:
    """Return the accuracy of held-out texts that get the label whose learnt texts' mean vector is nearest."""
    names = sorted({row.labels[0] for row in learnt})
    numbers = {name: number for number, name in enumerate(names)}
    step = max(1, len(learnt) // _REFERENCES)
    known = learnt[::step]
    owners = np.array([numbers[row.labels[0]] for row in known])
    truth = np.array([numbers.get(row.labels[0], -1) for row in held_out])

    def measure() -> float:
        vectors = encode([row.text for row in known], True)
        centroids = np.zeros((len(names), vectors.shape[1]), np.float32)
        np.add.at(centroids, owners, vectors)
        found = (encode([row.text for row in held_out], True) @ unit(centroids).T).argmax(axis=1)
        return float((found == truth).mean())

    return Goal(f"accuracy by nearest centroid of {len(held_out):,} held-out texts with {len(names):,} labels", measure)


def _reciprocal_rank(cosines: NDArray[np.float32], right: set[int]) -> float:
    order = np.argsort(-cosines, kind="stable")[:_DEPTH]
    return next((1.0 / rank for rank, place in enumerate(order.tolist(), 1) if place in right), 0.0)
