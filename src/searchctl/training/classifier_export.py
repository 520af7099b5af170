"""A trained classifier as one folder that `route predict --classifier FOLDER` takes, without torch: written, calibrated, measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.models.export import Features, export, probe_texts
from searchctl.ranking.relevance import calibration_error
from searchctl.routing.classifier import (
    LOGITS,
    SETTINGS_FILE,
    ClassifierSettings,
    HeldOutAnswers,
    TrainedClassifier,
    classifier_facts,
    write_answers,
)
from searchctl.routing.decide import RouteSettings
from searchctl.routing.evaluation import BINS, macro_f1, predicted_labels
from searchctl.training.class_parts import ClassParts
from searchctl.training.libraries import Libraries
from searchctl.training.producing import Written

_BATCH = 4
_UNCALIBRATED = "no text was held out, so its confidences aren't calibrated, and no precision can be promised of them"


def export_classifier(
    libraries: Libraries,
    network: Any,
    tokenize: Callable[[Sequence[str]], Features],
    folder: Path,
    parts: ClassParts,
    settings: ClassifierSettings,
) -> Written:
    """Write the ONNX files of a network that gives logits, calibrate on the held-out part, measure on the tested one.

    `folder` has the tokenizer already. The network and its files are compared by the logits of some texts.
    """
    texts = [settings.prefix + row.text for row in (*parts.learnt, *parts.held_out)]
    probes = probe_texts(texts)
    features = [tokenize(probes[at : at + _BATCH]) for at in range(0, len(probes), _BATCH)]
    features.sort(key=lambda batch: -int(batch["input_ids"].shape[1]))
    agreement = export(libraries.torch, network, features, folder, [LOGITS])
    settings = replace(settings, trained_on=len(parts.learnt))
    facts = classifier_facts(settings)
    (folder / SETTINGS_FILE).write_text(json.dumps(facts), encoding="utf-8")  # the card takes its place
    nothing = np.zeros((0, settings.outputs), np.float32)
    write_answers(folder, HeldOutAnswers(nothing, nothing, parts.seen()))
    logits = TrainedClassifier(folder).logits([row.text for row in parts.held_out])
    write_answers(folder, HeldOutAnswers(logits, parts.members(parts.held_out), parts.seen()))
    notes = () if parts.held_out else (_UNCALIBRATED,)
    return Written(facts, {"ONNX": agreement.sentence(), **_measured(TrainedClassifier(folder), parts)}, notes)


def _measured(classifier: TrainedClassifier, parts: ClassParts) -> Mapping[str, Any]:
    """Return how good the classifier is on texts by which nothing was learnt, stopped or calibrated."""
    if not parts.tested:
        return {}
    judgement = classifier.judge([row.text for row in parts.tested], RouteSettings())
    members = parts.members(parts.tested)[:, : len(parts.labels)]
    given = predicted_labels(judgement.probabilities, judgement.trust.usual if parts.multi_label else None)
    confidence = judgement.probabilities.max(axis=1)
    if parts.outside:
        given = given & judgement.inside[:, None]
        confidence = np.where(judgement.inside, confidence, judgement.outside)
    right = (given == (members > 0)).all(axis=1)
    scores = {"accuracy": float(right.mean()), "macro-F1": macro_f1(given, members > 0)}
    scores["calibration error"] = calibration_error(confidence, right, bins=BINS)
    return {
        f"on {len(parts.tested):,} texts that nothing was chosen by": {
            name: round(value, 4) for name, value in scores.items()
        }
    }


def log_loss(logits: NDArray[np.float32], members: NDArray[np.float32], *, multi_label: bool) -> float:
    """Return the mean surprise in nats at the true labels of texts (n, outputs): cross-entropy, of several labels summed."""
    wide = logits.astype(np.float64)
    if multi_label:
        return float((np.logaddexp(0, wide) - members * wide).sum(axis=1).mean())
    highest = wide.max(axis=1, keepdims=True)
    total = highest[:, 0] + np.log(np.exp(wide - highest).sum(axis=1))
    return float((total - wide[np.arange(len(wide)), members.argmax(axis=1)]).mean())
