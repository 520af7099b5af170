"""A trial as JSON values: means and spreads by number of shots, what is confused, how sure answers were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from searchctl.routing.beside import ClassifierTrial
from searchctl.routing.evaluation import METRICS, RoutingTrial
from searchctl.types import Json

TRIAL_FORMAT = 1
_CONFUSIONS = 50


@dataclass(frozen=True, slots=True)
class Confusion:
    """Texts of one label that went to another, as a share of the label's test texts, over all drawings."""

    label: str
    given: str
    share: float


def to_json(trial: RoutingTrial, classifiers: Sequence[ClassifierTrial] = ()) -> Json:
    """Return the report.

    `shots` holds mean and spread (standard deviation) of each metric by number of examples, `with` the numbers of trained
    classifiers on the same texts.
    """
    material, settings = trial.material, trial.settings
    most = list(trial.draws)[-1]
    return {
        "format": TRIAL_FORMAT,
        "labels": len(material.labels),
        "test_texts": len(material.test.texts),
        "unknown_labels": int((material.test.members.sum(axis=1) == 0).sum()),
        "outside_texts": len(material.outside),
        "encoder": material.encoder,
        "seeds": settings.seeds,
        "target_precision": settings.target_precision,
        "shots": {shots_name(shots): summary(trial, shots) for shots in trial.draws},
        "per_label": [
            {"label": label, **numbers} for label, numbers in zip(material.labels, per_label(trial, most), strict=True)
        ],
        "confusions": [
            {"label": confusion.label, "given": confusion.given, "share": round(confusion.share, 4)}
            for confusion in confusions(trial, most)
        ],
        **({"with": [_classifier_json(one) for one in classifiers]} if classifiers else {}),
    }


def _classifier_json(classifier: ClassifierTrial) -> Json:
    ahead = classifier.ahead
    return {
        "classifier": classifier.name,
        "trained_on": classifier.trained_on,
        "left_out": classifier.left_out,
        "strange_labels": classifier.strange_labels,
        **{name: None if value != value else value for name, value in classifier.run.values.items()},
        "accuracy_ahead": {"value": ahead.value, "low": ahead.low, "high": ahead.high},
    }


def shots_name(shots: int) -> str:
    """Return a number of shots as the report's key."""
    return str(shots) if shots else "all"


def summary(trial: RoutingTrial, shots: int) -> dict[str, dict[str, float] | None]:
    """Return each metric's mean and standard deviation over the drawings; None where it couldn't be measured."""
    spreads: dict[str, dict[str, float] | None] = {}
    for metric in METRICS:
        values = trial.values(shots, metric)
        spreads[metric] = {"mean": float(np.mean(values)), "std": float(np.std(values))} if values else None
    return spreads


def per_label(trial: RoutingTrial, shots: int) -> list[dict[str, float | int]]:
    """Return precision, recall and the number of test texts of each label, over all drawings."""
    truth = trial.material.test.members > 0
    predicted = sum(draw.predicted.astype(np.int64) for draw in trial.draws[shots])
    hits = (predicted * truth).sum(axis=0)
    times = len(trial.draws[shots])
    return [
        {
            "precision": round(float(hit / max(given, 1)), 4),
            "recall": round(float(hit / max(size * times, 1)), 4),
            "texts": int(size),
        }
        for hit, given, size in zip(hits, np.asarray(predicted).sum(axis=0), truth.sum(axis=0), strict=True)
    ]


def confusions(trial: RoutingTrial, shots: int, count: int = _CONFUSIONS) -> Sequence[Confusion]:
    """Return which label's texts went where they shouldn't, the largest share first."""
    matrix = confusion_matrix(trial, shots)
    np.fill_diagonal(matrix, 0)
    labels = trial.material.labels
    order = np.argsort(-matrix, axis=None, kind="stable")[:count]
    cells = [(at // len(labels), at % len(labels)) for at in order.tolist()]
    return [Confusion(labels[a], labels[b], float(matrix[a, b])) for a, b in cells if matrix[a, b] > 0]


def confusion_matrix(trial: RoutingTrial, shots: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return what share of each label's texts (row) was given each label (column): (labels, labels)."""
    truth = trial.material.test.members.astype(np.float64)
    sizes = np.maximum(truth.sum(axis=0), 1)[:, None]
    parts = [truth.T @ draw.predicted / sizes for draw in trial.draws[shots]]
    return np.asarray(np.mean(parts, axis=0))
