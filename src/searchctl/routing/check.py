"""What is wrong with the examples, and what to do next: every example is routed as if it weren't stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from searchctl.ranking.unit import unit
from searchctl.routing.calibration import Doubles, Flags
from searchctl.routing.calibration_report import CalibrationReport
from searchctl.routing.examples import Stored
from searchctl.routing.guarantee import PrecisionGuarantee, ShareInterval, wilson
from searchctl.routing.state import State
from searchctl.text.scripts import letter_counts
from searchctl.types import Vectors

_FEW = 5  # examples a label should have at least
_ALIKE = 0.2  # of the probability of one label's examples goes to the other
_SUSPECT = 0.8  # as sure as that, an example belongs to another label
_SAME = 0.98  # cosine in the metric from which two examples say the same
_MOST_TWINS = 10_000  # pairs that are listed; of more, the contradicting and the nearest


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """How well one label's examples are recognised: precision and recall of the left-out answers, and who takes them.

    `coverage` is the share that would get a label at the precision asked for. `languages` counts scripts: ru, en, other.
    """

    label: str
    examples: int
    precision: ShareInterval
    recall: ShareInterval
    coverage: float
    confused_with: str | None
    languages: dict[str, int]


@dataclass(frozen=True, slots=True)
class Alike:
    """Two labels that are hard to tell apart; `share` of the probability of one's examples goes to the other."""

    one: str
    other: str
    share: float


@dataclass(frozen=True, slots=True)
class Suspect:
    """An example that looks like another label's: perhaps mislabelled."""

    id: str
    text: str
    label: str
    suggested: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Twins:
    """Two examples that say the same; under different labels they contradict each other."""

    first: str
    second: str
    texts: tuple[str, str]
    labels: tuple[str, str]
    similarity: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to label next: a text, or more examples of a label (then `text` is empty)."""

    text: str
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class Check:
    """The whole report; lists are whole and worst first. `accuracy` is of left-out answers.

    `twins_found` is how many pairs of twins there are; of more than 10,000, `twins` has the contradicting and the nearest.
    """

    accuracy: ShareInterval
    promise: PrecisionGuarantee
    labels: tuple[LabelCheck, ...]
    alike: tuple[Alike, ...]
    suspects: tuple[Suspect, ...]
    twins: tuple[Twins, ...]
    twins_found: int
    wanted: tuple[Wanted, ...]


def check(state: State, report: CalibrationReport, target: float, unlabelled: Sequence[str], vectors: Vectors) -> Check:
    """Check the examples; `unlabelled` messages (n) with their vectors (n, dim) are weighed for what to label next."""
    examples = [state.examples[row] for row in report.rows.tolist()]
    probabilities, members = report.left_out, report.members
    made = report.promises(target)[0]
    best = probabilities.argmax(axis=1) if len(probabilities) else np.zeros(0, np.int64)
    right = members[np.arange(len(best)), best] > 0
    labels = _labels(state, report, best, right, made)
    twins, twins_found = _twins(state)
    return Check(
        wilson(int(right.sum()), len(right)),
        made,
        labels,
        _alike(state, probabilities, members),
        _suspects(state, examples, probabilities, best, right),
        twins,
        twins_found,
        (*_thin(labels, state), *_unsure(state, report, unlabelled, vectors)),
    )


def _labels(
    state: State,
    report: CalibrationReport,
    best: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    right: Flags,
    made: PrecisionGuarantee,
) -> tuple[LabelCheck, ...]:
    probabilities, members = report.left_out, report.members
    languages = [language_of(one.text) for one in state.examples]
    labels = []
    for at, label in enumerate(state.labels):
        own, given = members[:, at] > 0, best == at
        sure = own & (probabilities.max(axis=1) >= made.threshold) if len(probabilities) else own
        lost = Counter(best[own & ~right].tolist())
        labels.append(
            LabelCheck(
                label,
                int(state.members[:, at].sum()),
                wilson(int((given & own).sum()), int(given.sum())),
                wilson(int((own & right).sum()), int(own.sum())),
                float(sure.sum() / max(own.sum(), 1)),
                state.labels[lost.most_common(1)[0][0]] if lost else None,
                dict(Counter(languages[row] for row in np.flatnonzero(state.members[:, at]).tolist())),
            )
        )
    return tuple(sorted(labels, key=lambda one: (one.recall.value if one.examples else -1.0, one.label)))


def language_of(text: str) -> str:
    """Return "ru", "en" or "other" by the letters a text is written in."""
    cyrillic, latin = letter_counts(text)
    if not cyrillic and not latin:
        return "other"
    return "ru" if cyrillic > latin else "en"


def _alike(state: State, probabilities: Doubles, members: Vectors) -> tuple[Alike, ...]:
    if not len(probabilities) or state.multi_label:
        return ()
    shares = members.T @ probabilities / np.maximum(members.sum(axis=0), 1)[:, None]
    both = (shares + shares.T) / 2
    pairs = [
        Alike(state.labels[a], state.labels[b], round(float(both[a, b]), 4))
        for a, b in zip(*np.nonzero(np.triu(both >= _ALIKE, 1)), strict=True)
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.share))


def _suspects(
    state: State,
    examples: Sequence[Stored],
    probabilities: Doubles,
    best: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    right: Flags,
) -> tuple[Suspect, ...]:
    if state.multi_label:
        return ()
    suspects = [
        Suspect(
            example.id,
            example.text,
            example.labels[0],
            state.labels[best[row]],
            round(float(probabilities[row, best[row]]), 4),
        )
        for row, example in enumerate(examples)
        if not right[row] and probabilities[row, best[row]] >= _SUSPECT
    ]
    return tuple(sorted(suspects, key=lambda suspect: -suspect.confidence))


def _twins(state: State) -> tuple[tuple[Twins, ...], int]:
    """Return pairs of examples that say the same, contradicting ones first, and how many there are."""
    twins: list[Twins] = []
    count = 0
    rows = state.votes.rows
    for start in range(0, len(rows), 1000):
        near = rows[start : start + 1000] @ rows.T
        firsts, seconds = np.nonzero(near >= _SAME)
        for a, b in zip((firsts + start).tolist(), seconds.tolist(), strict=True):
            count += a < b
            if a < b and (len(twins) < _MOST_TWINS or state.examples[a].labels != state.examples[b].labels):
                one, other = state.examples[a], state.examples[b]
                labels = (", ".join(one.labels), ", ".join(other.labels))
                similarity = round(float(near[a - start, b]), 4)
                twins.append(Twins(one.id, other.id, (one.text, other.text), labels, similarity))
    twins.sort(key=lambda one: (one.labels[0] == one.labels[1], -one.similarity))
    return tuple(twins[:_MOST_TWINS]), count


def _thin(labels: Sequence[LabelCheck], state: State) -> list[Wanted]:
    """Name the labels that need examples: because they have few, or none in a language that the others have."""
    spoken = Counter(language_of(one.text) for one in state.examples)
    common = [name for name, count in spoken.items() if count >= 0.2 * len(state.examples) and name != "other"]
    thin = []
    for label in labels:
        missing = [name for name in common if name not in label.languages]
        if label.examples < _FEW:
            thin.append(Wanted("", label.label, f"has {label.examples} of the {_FEW} examples a label should have"))
        elif missing:
            thin.append(Wanted("", label.label, f"has no example in {', '.join(missing)}"))
        elif label.recall.value < 0.5:
            thin.append(Wanted("", label.label, f"recognises {label.recall.value:.0%} of its own examples"))
    return thin


def _unsure(
    state: State, report: CalibrationReport, unlabelled: Sequence[str], vectors: Vectors, count: int = 10
) -> list[Wanted]:
    """Choose the texts whose labels would teach most: least sure between two labels, and unlike each other."""
    if not unlabelled:
        return []
    probabilities = report.probabilities(state.votes.scores(state.texts(unlabelled, vectors)))
    ordered = np.sort(probabilities, axis=1)
    doubt = 1 - (ordered[:, -1] - (ordered[:, -2] if ordered.shape[1] > 1 else 0))
    seen = unit(state.votes.metric.project(vectors))
    chosen: list[Wanted] = []
    for _ in range(min(count, len(unlabelled))):
        at = int(doubt.argmax())
        best = np.argsort(-probabilities[at])[:2].tolist()
        names = " or ".join(f"{state.labels[label]} ({probabilities[at, label]:.2f})" for label in best)
        chosen.append(Wanted(unlabelled[at], state.labels[best[0]], names))
        doubt = doubt * (1 - (seen @ seen[at]).clip(0, 1))
        doubt[at] = -1
    return chosen
