"""What new examples would change, before they are stored: whose texts they'd take, and whether they would be recognised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from searchctl.routing.calibration_report import CalibrationReport, learn_report
from searchctl.routing.examples import Stored
from searchctl.routing.guarantee import ShareInterval, wilson
from searchctl.routing.state import State, gather
from searchctl.types import Vectors


@dataclass(frozen=True, slots=True)
class Moved:
    """A text whose label would change; `true` is what its example says, "" for a text without a label."""

    text: str
    true: str
    before: str
    after: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Impact:
    """What adding examples to `label` would do.

    Left-out answers about the stored examples: `accuracy_before` and `accuracy_after` over the same examples, `taken` those that
    are right today and would go to the label. `recognised` says how many of the new examples would be found. `recent` are the
    moved ones of `recent_texts` other texts.
    """

    label: str
    new: int
    accuracy_before: ShareInterval
    accuracy_after: ShareInterval
    recognised: ShareInterval
    taken: tuple[Moved, ...]
    taken_by_label: dict[str, int]
    recent: tuple[Moved, ...]
    recent_texts: int


def impact(
    state: State,
    report: CalibrationReport,
    stored: Sequence[Stored],
    new: Sequence[Stored],
    recent: Sequence[str],
    vectors: Vectors,
) -> Impact:
    """Compare what is stored, `stored` of which `state` and `report` were made, with the same plus `new` examples of one label.

    The first of `new` is an example; the label's name may be among them. `recent` (n) are messages with `vectors` (n, dim).
    """
    label = new[0].labels[0]
    examples = [one for one in new if one.kind == "example"]
    changed = {one.id for one in new}
    after = gather(
        [*(one for one in stored if one.id not in changed), *new], len(new[0].vector), state.everyday.sentences
    )
    follows = learn_report(after)
    before_of = _answers(state, report)
    after_of = _answers(after, follows)
    shared = [one for one in state.examples if one.id in before_of and one.id in after_of and one.id not in changed]
    right_before = [before_of[one.id][0] in one.labels for one in shared]
    right_after = [after_of[one.id][0] in one.labels for one in shared]
    taken = [
        Moved(example.text, ", ".join(example.labels), before_of[example.id][0], label, after_of[example.id][1])
        for example, right in zip(shared, right_before, strict=True)
        if right and after_of[example.id][0] == label and label not in example.labels
    ]
    fresh = [after_of[one.id][0] == label for one in examples if one.id in after_of]
    return Impact(
        label,
        len(examples),
        wilson(sum(right_before), len(shared)),
        wilson(sum(right_after), len(shared)),
        wilson(sum(fresh), len(fresh)),
        tuple(sorted(taken, key=lambda moved: -moved.confidence)),
        dict(Counter(one.true for one in taken).most_common()),
        _moved(state, report, after, follows, recent, vectors),
        len(recent),
    )


def _answers(state: State, report: CalibrationReport) -> dict[str, tuple[str, float]]:
    """Return each example's left-out label and confidence, by id."""
    ids = [state.examples[row].id for row in report.rows.tolist()]
    return {id: _best(state, row) for id, row in zip(ids, report.left_out, strict=True)}


def _best(state: State, row: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[str, float]:
    at = int(row.argmax())
    return state.labels[at], round(float(row[at]), 4)


def _moved(
    state: State,
    report: CalibrationReport,
    after: State,
    follows: CalibrationReport,
    recent: Sequence[str],
    vectors: Vectors,
) -> tuple[Moved, ...]:
    if not recent or not state.labels:
        return ()
    then = follows.probabilities(after.votes.scores(after.texts(recent, vectors)))
    now = report.probabilities(state.votes.scores(state.texts(recent, vectors)))
    moved = []
    for text, row_now, row_then in zip(recent, now, then, strict=True):
        (first, _), (second, sure) = _best(state, row_now), _best(after, row_then)
        if first != second:
            moved.append(Moved(text, "", first, second, sure))
    return tuple(sorted(moved, key=lambda text: -text.confidence))
