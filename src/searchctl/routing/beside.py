"""A trained classifier beside the router: the same test texts, the same measures, and whether the difference is chance.

Texts that had a part in the classifier's making can't measure it. They are left out of the test before either is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from searchctl.errors import UsageError
from searchctl.evaluation.metrics import Interval, bootstrap_interval
from searchctl.ranking.relevance import auroc, calibration_error
from searchctl.routing.calibration import Flags
from searchctl.routing.classifier import TrainedClassifier
from searchctl.routing.decide import RouteSettings
from searchctl.routing.evaluation import BINS, METRICS, RoutingTrial, TrialRun, abstaining, macro_f1, predicted_labels
from searchctl.routing.examples import Example
from searchctl.routing.judgement import Judgement
from searchctl.translation import _

_USUAL = RouteSettings()


@dataclass(frozen=True, slots=True)
class UnseenTexts:
    """Test texts of which no classifier saw any in its making, and how many were left out, by the folder that saw them."""

    test: tuple[Example, ...]
    outside: tuple[str, ...]
    left_out: dict[str, int]


@dataclass(frozen=True, slots=True)
class ClassifierTrial:
    """A classifier's numbers on the texts of a trial.

    `ahead` is by how much more often than the router's with the most examples its answers were right, over the same texts.
    `left_out` texts of the test had a part in its making. `strange_labels` are those it gives and the trial's data doesn't have.
    """

    name: str
    trained_on: int
    left_out: int
    strange_labels: int
    run: TrialRun
    ahead: Interval


def unseen(classifiers: Sequence[TrainedClassifier], test: Sequence[Example], outside: Sequence[str]) -> UnseenTexts:
    """Leave out what any of the classifiers saw; raises UsageError where nothing remains to measure them by."""
    strange = list(outside)
    saw = {one.name: np.array(one.saw([*(example.text for example in test), *strange]), bool) for one in classifiers}
    kept = ~np.logical_or.reduce(list(saw.values())) if saw else np.ones(len(test) + len(strange), bool)
    if not kept[: len(test)].any():
        names = ", ".join(name for name, seen in saw.items() if seen[: len(test)].any())
        raise UsageError(
            _(
                "{names} saw every text of the test in its making, so nothing can be measured by them; give "
                "texts that it didn't learn from"
            ).format(names=names)
        )
    return UnseenTexts(
        tuple(example for example, keep in zip(test, kept, strict=False) if keep),
        tuple(text for text, keep in zip(strange, kept[len(test) :], strict=True) if keep),
        {name: int(seen.sum()) for name, seen in saw.items()},
    )


def beside(trial: RoutingTrial, classifier: TrainedClassifier, left_out: int = 0) -> ClassifierTrial:
    """Ask a classifier for the trial's test texts. A label that only the classifier has is a wrong answer of it."""
    material = trial.material
    columns = [classifier.labels.index(label) if label in classifier.labels else -1 for label in material.labels]
    judgement = classifier.judge(material.test.texts, _USUAL)
    several = classifier.settings.multi_label
    given = predicted_labels(judgement.probabilities, judgement.trust.usual if several else None)
    predicted = _by_trial(given, columns)
    foreign = np.delete(given, [at for at in columns if at >= 0], axis=1).any(axis=1)
    inside = judgement.inside
    right = (predicted == (material.test.members > 0)).all(axis=1) & ~foreign & inside
    members = np.zeros_like(judgement.probabilities, np.float32)
    for column, at in enumerate(columns):
        if at >= 0:
            members[:, at] = material.test.members[:, column]
    promise = classifier.promise(trial.settings.target_precision)
    values = {
        **dict.fromkeys(METRICS, float("nan")),
        "accuracy": float(right.mean()),
        "macro_f1": macro_f1(predicted, material.test.members > 0),
        "ece": calibration_error(judgement.probabilities.max(axis=1), right, bins=BINS),
        **_of_outside(classifier, material.outside_texts, judgement),
        **abstaining(judgement.probabilities, members, several, promise, inside),
    }
    router = np.mean([run.right for run in trial.draws[list(trial.draws)[-1]]], axis=0)
    return ClassifierTrial(
        classifier.name,
        classifier.settings.trained_on,
        left_out,
        len(set(classifier.labels) - set(material.labels)),
        TrialRun(values, predicted, judgement.probabilities.max(axis=1), right),
        bootstrap_interval(right - router),
    )


def _of_outside(classifier: TrainedClassifier, texts: Sequence[str], judgement: Judgement) -> dict[str, float]:
    """Return how well texts of no label are told from the test's, where the classifier learnt such texts."""
    if not classifier.settings.outside or not texts:
        return {}
    strange = classifier.judge(texts, _USUAL)
    return {
        "auroc_oos": auroc(strange.outside, judgement.outside),
        "lost_inside": float((~judgement.inside).mean()),
        "found_outside": float((~strange.inside).mean()),
    }


def _by_trial(given: Flags, places: Sequence[int]) -> Flags:
    """Return what was given (n, classifier's labels) by the trial's labels: (n, labels)."""
    columns = [given[:, at] if at >= 0 else np.zeros(len(given), bool) for at in places]
    return np.stack(columns, axis=1)
