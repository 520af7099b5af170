"""Measuring a router: many small sets of examples are drawn from labelled texts, and each answers the same test texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.threads import one_thread
from searchctl.errors import SourceError, UsageError
from searchctl.ranking.relevance import auroc, calibration_error
from searchctl.routing.calibration import Doubles, Flags
from searchctl.routing.calibration_report import OUTSIDE_LIMIT, learn_report
from searchctl.routing.everyday import EVERYDAY
from searchctl.routing.examples import Example, Stored, text_key
from searchctl.routing.guarantee import PrecisionGuarantee
from searchctl.routing.labels import name_text
from searchctl.routing.message import message_of
from searchctl.routing.state import State, gather, members_of
from searchctl.translation import _
from searchctl.types import Vectors

if TYPE_CHECKING:
    from searchctl.encoders.base import Encoder

_BATCH = 64
BINS = 15
METRICS = (
    "accuracy",
    "macro_f1",
    "coverage",
    "promised",
    "promised_coverage",
    "precision",
    "promise_kept",
    "auroc_oos",
    "lost_inside",
    "found_outside",
    "ece",
    "add_class_ms",
)
OnProgress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """How many examples a label (0: all there are), how often each is drawn anew, and the precision asked for."""

    shots: tuple[int, ...] = (1, 5, 10)
    seeds: int = 10
    target_precision: float = 0.95

    def __post_init__(self) -> None:
        if not self.shots or min(self.shots) < 0 or self.seeds < 1:
            raise UsageError(_("ask for at least 1 example a label and 1 seed, as in: --shots 1,5,10 --seeds 10"))
        if not 0 < self.target_precision < 1:
            raise UsageError(
                _("the target precision {target_precision:g} isn't between 0 and 1").format(
                    target_precision=self.target_precision
                )
            )


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Labelled messages with their vectors (n, dim), and whose they are: (n, labels) of 0 and 1, all 0 for labels nobody knows."""

    texts: tuple[str, ...]
    vectors: Vectors
    members: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrialData:
    """What is drawn from and what is asked; `names` (labels, dim) are the labels' names as vectors."""

    labels: tuple[str, ...]
    names: Vectors
    train: LabelledTexts
    test: LabelledTexts
    outside: Vectors
    encoder: str
    everyday: Vectors
    outside_texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialRun:
    """One drawing's numbers. `values` by metric; `predicted` (n, labels), `confidence` and `right` (n,) of the test texts."""

    values: Mapping[str, float]
    predicted: Flags
    confidence: Doubles
    right: Flags


@dataclass(frozen=True, slots=True)
class RoutingTrial:
    """All drawings by number of shots."""

    material: TrialData
    settings: TrialSettings
    draws: Mapping[int, Sequence[TrialRun]] = field(default_factory=dict)

    def values(self, shots: int, metric: str) -> list[float]:
        """Return one metric of all drawings where it could be measured."""
        return [value for draw in self.draws[shots] if (value := draw.values[metric]) == value]


def seen_before(train: Sequence[Example], test: Sequence[Example]) -> int:
    """Return how many of the test's texts stand among those to learn from, perhaps in other case and blanks."""
    known = {text_key(one.text) for one in train}
    return sum(text_key(one.text) in known for one in test)


def prepare(
    encoder: Encoder,
    train: Sequence[Example],
    test: Sequence[Example],
    outside: Sequence[str],
    settings: TrialSettings,
    on_progress: OnProgress | None = None,
) -> TrialData:
    """Encode what the drawings will need. Raises SourceError when train or test have too few labels."""
    train = [Example(message_of(one.text), one.labels) for one in train]
    test = [Example(message_of(one.text), one.labels) for one in test]
    outside = [message_of(text) for text in outside]
    labels = tuple(sorted({label for one in train for label in one.labels}))
    if len(labels) < 2:
        raise SourceError(
            _("the training texts have {count} labels; routing needs at least 2").format(count=len(labels))
        )
    wanted = sorted(
        {row for shots in settings.shots for seed in range(settings.seeds) for row in draw(train, shots, seed)}
    )
    kept = [train[row] for row in wanted]
    given = [*(one.text for one in kept), *(one.text for one in test), *outside, *map(name_text, labels), *EVERYDAY]
    vectors = _encoded(encoder, given, on_progress)
    first, second, third, fourth = np.cumsum([len(kept), len(test), len(outside), len(labels)]).tolist()
    known = [[label for label in one.labels if label in set(labels)] for one in test]
    return TrialData(
        labels,
        vectors[third:fourth],
        LabelledTexts(
            tuple(one.text for one in kept), vectors[:first], members_of([one.labels for one in kept], labels)
        ),
        LabelledTexts(tuple(one.text for one in test), vectors[first:second], members_of(known, labels)),
        vectors[second:third],
        f"{encoder.name} {encoder.revision}",
        vectors[fourth:],
        tuple(outside),
    )


def _encoded(encoder: Encoder, texts: Sequence[str], tell: OnProgress | None) -> Vectors:
    vectors = np.zeros((len(texts), encoder.dim), np.float32)
    for start in range(0, len(texts), _BATCH):
        vectors[start : start + _BATCH] = encoder.encode_queries(texts[start : start + _BATCH])
        if tell is not None:
            tell(min(start + _BATCH, len(texts)), len(texts))
    return vectors


def split(examples: Sequence[Example], share: float, seed: int = 0) -> tuple[list[Example], list[Example]]:
    """Split examples into those to learn from and a `share` in (0, 1) to test with, label by label.

    Equal texts, but for case and blanks, go to the same side; of each label at least one stays to learn from.
    """
    texts: dict[str, list[Example]] = {}
    for example in examples:
        texts.setdefault(" ".join(example.text.casefold().split()), []).append(example)
    labelled: dict[tuple[str, ...], list[list[Example]]] = {}
    for same in texts.values():
        labelled.setdefault(same[0].labels, []).append(same)
    train: list[Example] = []
    test: list[Example] = []
    draw_from = np.random.default_rng(seed)
    for groups in labelled.values():
        count = min(round(len(groups) * share), len(groups) - 1)
        order = draw_from.permutation(len(groups)).tolist()
        test += [example for row in sorted(order[:count]) for example in groups[row]]
        train += [example for row in sorted(order[count:]) for example in groups[row]]
    return train, test


def draw(examples: Sequence[Example], shots: int, seed: int) -> list[int]:
    """Return the rows of `shots` examples of each label, fewer where there are fewer; 0 takes all."""
    if shots == 0:
        return list(range(len(examples)))
    order = np.random.default_rng(seed).permutation(len(examples))
    counts: dict[str, int] = {}
    taken = []
    for row in order.tolist():
        if any(counts.get(label, 0) < shots for label in examples[row].labels):
            taken.append(row)
            for label in examples[row].labels:
                counts[label] = counts.get(label, 0) + 1
    return taken


def run(material: TrialData, settings: TrialSettings, on_progress: OnProgress | None = None) -> RoutingTrial:
    """Draw, count, ask and score."""
    train = material.train
    examples = [
        Example(text, tuple(material.labels[at] for at in np.flatnonzero(row)))
        for text, row in zip(train.texts, train.members, strict=True)
    ]
    draws: dict[int, list[TrialRun]] = {}
    for number, shots in enumerate(settings.shots):
        for seed in range(settings.seeds if shots else 1):
            rows = draw(examples, shots, seed)
            draws.setdefault(shots, []).append(_drawn(material, rows, examples, settings))
            if on_progress is not None:
                on_progress(number * settings.seeds + seed + 1, len(settings.shots) * settings.seeds)
    return RoutingTrial(material, settings, draws)


def _drawn(material: TrialData, rows: Sequence[int], examples: Sequence[Example], settings: TrialSettings) -> TrialRun:
    names = [
        Stored("", "", (label,), "name", vector) for label, vector in zip(material.labels, material.names, strict=True)
    ]
    stored = [
        Stored("", examples[row].text, examples[row].labels, "example", material.train.vectors[row]) for row in rows
    ]
    state = gather([*names, *stored], material.names.shape[1], material.everyday)
    report = learn_report(state)
    test = material.test
    order = [state.labels.index(label) for label in material.labels]
    probabilities = report.probabilities(state.votes.scores(state.texts(test.texts, test.vectors)))[:, order]
    predicted = predicted_labels(probabilities, report.usual if state.multi_label else None)
    right = (predicted == (test.members > 0)).all(axis=1)
    confidence = probabilities.max(axis=1)
    inside = report.scope.scores(state.votes, test.vectors)
    strange = report.scope.scores(state.votes, material.outside)
    made = report.promises(settings.target_precision)[0]
    values = {
        "accuracy": float(right.mean()),
        "macro_f1": macro_f1(predicted, test.members > 0),
        "ece": calibration_error(confidence, right, bins=BINS),
        "auroc_oos": auroc(strange, inside) if len(strange) and len(inside) else float("nan"),
        "lost_inside": float((inside >= OUTSIDE_LIMIT).mean()) if len(inside) else float("nan"),
        "found_outside": float((strange >= OUTSIDE_LIMIT).mean()) if len(strange) else float("nan"),
        "add_class_ms": _time_to_add(state, stored, material),
        **abstaining(probabilities, test.members, state.multi_label, made, inside < OUTSIDE_LIMIT),
    }
    return TrialRun(values, predicted, confidence, right)


def predicted_labels(probabilities: Doubles, least: float | None) -> Flags:
    """Give each text its best label, and where it may have several, all that are probable enough."""
    best = np.eye(probabilities.shape[1], dtype=bool)[probabilities.argmax(axis=1)]
    return np.asarray(best if least is None else best | (probabilities >= least))


def macro_f1(predicted: Flags, truth: Flags) -> float:
    """Mean of the labels' F1; a label that is neither there nor given is left out."""
    hits = (predicted & truth).sum(axis=0)
    sizes = predicted.sum(axis=0) + truth.sum(axis=0)
    return float((2 * hits[sizes > 0] / sizes[sizes > 0]).mean())


def abstaining(
    probabilities: Doubles,
    members: NDArray[np.float32],
    multi_label: bool,
    made: PrecisionGuarantee,
    inside: Flags,
) -> dict[str, float]:
    """Keep a promise on test texts: what share gets a label, and how much of that is right. Nothing is kept that wasn't promised."""
    counted = np.where(inside[:, None], probabilities, 0.0)
    if multi_label:
        kept, right = (counted >= made.threshold).ravel(), (members > 0).ravel()
    else:
        kept = counted.max(axis=1) >= made.threshold
        right = members[np.arange(len(members)), counted.argmax(axis=1)] > 0
    precision = float(right[kept].mean()) if kept.any() else float("nan")
    tested = made.proven and precision == precision
    return {
        "coverage": float((counted.max(axis=1) >= made.threshold).mean()),
        "promised": float(made.proven),
        "promised_coverage": made.coverage.value,
        "precision": precision,
        "promise_kept": float(precision >= made.precision.low) if tested else float("nan"),
    }


@one_thread()
def _time_to_add(state: State, stored: Sequence[Stored], material: TrialData) -> float:
    """Return the milliseconds it takes to put the last label in once it's missing, and to score a text with it."""
    last = state.labels[-1]
    own = [one for one in stored if last in one.labels]
    if not own or len(state.labels) < 4 or state.multi_label:
        return float("nan")
    bare = gather([one for one in stored if last not in one.labels], material.names.shape[1], material.everyday)
    began = time.perf_counter()
    vectors = np.stack([one.vector for one in own])
    members = np.zeros((len(own), len(bare.labels) + 1), np.float32)
    members[:, -1] = 1
    name = material.names[material.labels.index(last)][None, :]
    texts = bare.texts([one.text for one in own], vectors)
    full = bare.votes.added(texts, members, name)
    full.scores(texts.part(slice(0, 1)))
    return (time.perf_counter() - began) * 1000
