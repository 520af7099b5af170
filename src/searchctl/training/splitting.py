"""What is learnt from and what is held out: parted by document, so that nothing of a held-out one is ever shown.

Parted by query alone, a test is of documents that were learnt: in a real run a gain of .126 where a test question's document
was among the training positives was .026 elsewhere.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from searchctl.training.reading import LabelledText, TextPair

_LEAST_HELD_OUT = 8  # with fewer, a measure of them is noise

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Split(Generic[Row]):
    """Rows to learn from, and rows that are held out: none where there are too few to tell anything."""

    learnt: tuple[Row, ...]
    held_out: tuple[Row, ...] = ()


def is_held_out(key: str, share: float, seed: int) -> bool:
    """Tell whether what has this key is held out: the same for the same seed, whatever else there is."""
    digest = hashlib.sha256(f"{seed} {key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def split_pairs(pairs: Sequence[TextPair], share: float, seed: int) -> Split[TextPair]:
    """Part pairs so that no document and no question stands on both sides.

    A negative to learn from that is an answer of the held-out part is left out of it. Pairs of a question with several
    documents, and all that these lead to, stay together.
    """
    if not share:
        return Split(tuple(pairs))
    groups = _connected(pairs)
    held_out = tuple(pair for pair, group in zip(pairs, groups, strict=True) if is_held_out(group, share, seed))
    learnt = [pair for pair, group in zip(pairs, groups, strict=True) if not is_held_out(group, share, seed)]
    if len(held_out) < _LEAST_HELD_OUT or not learnt:
        return Split(tuple(pairs))
    answers = {pair.positive for pair in held_out}
    kept = (replace(pair, negatives=tuple(text for text in pair.negatives if text not in answers)) for pair in learnt)
    return Split(tuple(kept), held_out)


def split_labelled(rows: Sequence[LabelledText], share: float, seed: int) -> Split[LabelledText]:
    """Part labelled texts label by label, as evenly as their number allows; equal texts stay together.

    A label keeps at least two texts to learn from.
    """
    if not share:
        return Split(tuple(rows))
    by_label: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_label[row.labels[0]].append(_key(row.text))
    apart: set[str] = set()
    due = 0.0
    for label in sorted(by_label):
        keys = sorted(
            set(by_label[label]),
            key=lambda key: hashlib.sha256(f"{seed} {key}".encode("utf-8", "surrogatepass")).digest(),
        )
        due += share * len(keys)
        count = max(0, min(int(due), len(keys) - 2))
        due -= count
        apart.update(keys[:count])
    held_out = tuple(row for row in rows if _key(row.text) in apart)
    if len(held_out) < _LEAST_HELD_OUT:
        return Split(tuple(rows))
    return Split(tuple(row for row in rows if _key(row.text) not in apart), held_out)


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def _connected(pairs: Sequence[TextPair]) -> list[str]:
    """Return for each pair the name of its group: pairs that share a question or a document, or are joined by such."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while parents.setdefault(name, name) != name:
            parents[name] = name = parents[parents[name]]
        return name

    for pair in pairs:
        query, document = sorted((root(f"q {_key(pair.query)}"), root(f"d {pair.document}")))
        parents[document] = query
    return [root(f"d {pair.document}") for pair in pairs]
