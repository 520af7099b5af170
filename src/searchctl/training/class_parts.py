"""Labelled texts as a classifier learns them: repetitions merged, a part to stop and calibrate by, a part to be measured by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import UsageError
from searchctl.routing.classifier import text_hash
from searchctl.routing.examples import Example, merge_examples
from searchctl.routing.labels import check_label
from searchctl.routing.message import message_of
from searchctl.training.reading import LabelledText
from searchctl.training.splitting import split_labelled

_LEAST_TESTED = 8  # texts of a part: with fewer, a measure of them is noise
NO_LABEL = ""


@dataclass(frozen=True, slots=True)
class ClassParts:
    """Messages by what they're for: to learn from, to stop and calibrate by (`held_out`), and to measure by (`tested`).

    With `outside`, there are texts of no label; the model has one more output for them where a text has one label at most.
    """

    labels: tuple[str, ...]
    multi_label: bool
    outside: bool
    learnt: tuple[LabelledText, ...]
    held_out: tuple[LabelledText, ...]
    tested: tuple[LabelledText, ...]
    notes: tuple[str, ...] = ()

    @property
    def outputs(self) -> int:
        """How many numbers the model gives for a text."""
        return len(self.labels) + (self.outside and not self.multi_label)

    def members(self, rows: Sequence[LabelledText]) -> NDArray[np.float32]:
        """Return what each output should be for some rows: (n, outputs) of 0 and 1."""
        places = {label: place for place, label in enumerate(self.labels)}
        members = np.zeros((len(rows), self.outputs), np.float32)
        for row, text in enumerate(rows):
            members[row, [places[label] for label in text.labels]] = 1
            if self.outputs > len(self.labels) and not text.labels:
                members[row, -1] = 1
        return members

    def seen(self) -> NDArray[np.int64]:
        """Return the hashes of all texts that have a part in the classifier's making: (m,)."""
        return np.array([text_hash(row.text) for row in (*self.learnt, *self.held_out)], np.int64)

    def describe(self) -> tuple[str, str]:
        """Return what is learnt and what is held out, as sentences."""
        kind = "labels, several a text" if self.multi_label else "labels"
        strange = sum(not row.labels for row in self.learnt)
        learnt = f"{len(self.learnt):,} texts with {len(self.labels):,} {kind}"
        learnt += f", {strange:,} of them with none" if strange else ""
        if not self.held_out:
            return learnt, "nothing, too few: no early stop, and confidences aren't calibrated"
        apart = f"{len(self.held_out):,} texts to stop and calibrate by, {len(self.tested):,} others to measure by"
        return learnt, f"{apart}; by label and seed"


def part_labelled(rows: Sequence[LabelledText], share: float, seed: int, outside: str | None = None) -> ClassParts:
    """Part labelled texts, holding `share` of them out, label by label; `outside` is the label of texts that have none.

    Raises UsageError where there aren't two labels to tell apart.
    """
    examples = [Example(message_of(row.text), _labels(row, outside)) for row in rows]
    merged = merge_examples(examples)
    labels = tuple(sorted({label for example in merged.examples for label in example.labels}))
    multi_label = any(len(example.labels) > 1 for example in merged.examples)
    strange = sum(not example.labels for example in merged.examples)
    if outside is not None and not strange:
        raise UsageError(
            f"no text has the label '{outside}'; name the label of texts that belong to none, or leave --outside out"
        )
    if len(labels) + bool(strange) < 2:
        raise UsageError(
            f"there is one label, '{labels[0] if labels else outside}'; a classifier tells two apart at least"
        )
    texts = [LabelledText(example.text, example.labels or (NO_LABEL,)) for example in merged.examples]
    split = split_labelled(texts, share, seed)
    held_out, tested = _halves(split.held_out)
    notes = []
    if merged.repeated:
        notes.append(f"{merged.repeated:,} texts say again what others say, and count once")
    if merged.contradictions:
        first = merged.contradictions[0]
        notes.append(
            f"{len(merged.contradictions):,} texts come with different labels and keep the most frequent, as "
            f"{first.text[:60]!r}: {', '.join(first.kept) or 'none'}"
        )
    if not tested:
        notes.append(
            "no text is set apart to measure it by: searchctl route evaluate TRAIN TEST --with FOLDER does, with texts of yours"
        )
    alone = sorted(label for label, count in _counts(split.learnt).items() if count == 1 and label)
    if alone:
        notes.append(f"{len(alone):,} labels have one text to learn from: {', '.join(alone[:5])}")
    return ClassParts(
        labels,
        multi_label,
        bool(strange),
        tuple(map(_bare, split.learnt)),
        tuple(map(_bare, held_out)),
        tuple(map(_bare, tested)),
        tuple(notes),
    )


def _labels(row: LabelledText, outside: str | None) -> tuple[str, ...]:
    return tuple(check_label(label) for label in row.labels if label != outside)


def _bare(row: LabelledText) -> LabelledText:
    return LabelledText(row.text, tuple(label for label in row.labels if label != NO_LABEL))


def _halves(rows: Sequence[LabelledText]) -> tuple[list[LabelledText], list[LabelledText]]:
    """Part what is held out in two, label by label; all of it is for stopping and calibrating where it's too little for both."""
    if len(rows) < 2 * _LEAST_TESTED:
        return list(rows), []
    by_label: dict[str, list[LabelledText]] = defaultdict(list)
    for row in rows:
        by_label[row.labels[0]].append(row)
    ordered = [
        row for label in sorted(by_label) for row in sorted(by_label[label], key=lambda row: text_hash(row.text))
    ]
    return ordered[::2], ordered[1::2]


def _counts(rows: Sequence[LabelledText]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        for label in row.labels:
            counts[label] += 1
    return counts
