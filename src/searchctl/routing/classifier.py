"""Classifiers that were trained on labelled texts, at the moment of answering: onnxruntime and tokenizers, no torch.

A folder of `searchctl train classifier` or `train setfit` holds the model, and what it answered about texts that it hadn't learnt
from. Its confidences are calibrated on those answers, and its promises rest on them, as the router's do on left-out examples.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.conformity import check_types
from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.models.onnx import OnnxTransformer
from searchctl.routing.calibration import (
    Doubles,
    Softening,
    fit_softening,
    likely_threshold,
    set_threshold,
)
from searchctl.routing.calibration_report import Level, levels_of, promises_of
from searchctl.routing.decide import Route, RouteSettings, routes_of
from searchctl.routing.examples import text_key
from searchctl.routing.guarantee import PrecisionGuarantee
from searchctl.routing.judgement import UNLIKE, Judgement
from searchctl.routing.message import message_of
from searchctl.routing.votes import Floats
from searchctl.translation import _

SETTINGS_FILE, ANSWERS_FILE = "searchctl.json", "held_out.safetensors"
KIND, FORMAT = "classifier", 1
LOGITS = "logits"
_ADVICE = "give a folder of searchctl train classifier or train setfit"
_LARGEST = 1 << 20  # labels, tokens
_UNCHANGED = (1.0, 0.0)  # the prior of calibration: logits as they are
_PRIOR_WORTH = (
    0.5  # examples: the best of 0.5 to 20 in benchmarks/training_heads.py --parts choose, on sets not reported
)
_LEAST_SHARPNESS = 0.02
_STRANGE = "the classifier takes it for a text of no label"


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    """What `searchctl.json` says of a classifier. With `outside`, it learnt texts of no label too.

    Those have the model's last output then, unless a text may have several labels: then they have none of them.
    `trained_on` is how many texts it learnt from, without those held out; `max_tokens` counts the special ones too.
    """

    labels: tuple[str, ...]
    multi_label: bool
    outside: bool
    max_tokens: int
    pad_id: int = 0
    prefix: str = ""
    trained_on: int = 0

    @property
    def outputs(self) -> int:
        """How many numbers the model gives for a text."""
        return len(self.labels) + (self.outside and not self.multi_label)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutAnswers:
    """What a classifier answered about texts that it didn't learn from: `logits` (n, outputs), `members` (n, outputs) of 0 and 1.

    `seen` (m,) are the hashes of all texts that had a part in its making: learnt from, stopped by or calibrated on.
    """

    logits: Floats
    members: Floats
    seen: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ClassifierTrust:
    """How far a classifier's confidences can be trusted. Implements `Trust`."""

    softening: Softening
    levels: tuple[Level, ...]
    probabilities: Doubles
    members: Floats
    usual: float

    def promises(self, target: float) -> tuple[PrecisionGuarantee, ...]:
        """Return the guarantee of each depth of the labels, whole ones first."""
        return promises_of(self.levels, target)

    def set_threshold(self, coverage: float) -> float:
        """Return the probability from which a label enters a set that is to hold the true one this often."""
        return set_threshold(self.probabilities, self.members, coverage)


def text_hash(text: str) -> int:
    """Return 64 bits of a text's message; texts that differ in case and blanks alone have the same."""
    key = text_key(message_of(text)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big", signed=True)


def learn_trust(settings: ClassifierSettings, answers: HeldOutAnswers) -> ClassifierTrust:
    """Calibrate on held-out answers: a temperature where a text has one label, a logistic where it may have several."""
    softening = fit_softening(
        answers.logits,
        answers.members,
        multi_label=settings.multi_label,
        prior=_UNCHANGED,
        least=_LEAST_SHARPNESS,
        worth=_PRIOR_WORTH,
    )
    count = len(settings.labels)
    probabilities = softening.probabilities(answers.logits)
    outside = probabilities[:, count:].sum(axis=1)
    probabilities, members = probabilities[:, :count], answers.members[:, :count]
    usual = likely_threshold(probabilities, members) if settings.multi_label else 0.5
    given = np.where((outside > probabilities.max(axis=1))[:, None], 0.0, probabilities)  # those get no label
    levels = levels_of(given, members, settings.labels, multi_label=settings.multi_label)
    return ClassifierTrust(softening, levels, probabilities, members, usual)


class TrainedClassifier:
    """A classifier's folder, ready to answer. Safe to use from many threads; raises EncoderUnavailable where it isn't one."""

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self.name = str(folder)
        self.settings = read_classifier_settings(folder)
        self.answers = read_answers(folder, self.settings)
        self.trust = learn_trust(self.settings, self.answers)
        self._seen = frozenset(self.answers.seen.tolist())
        self._model = OnnxTransformer(
            folder,
            what="the classifier",
            advice=_ADVICE,
            pad_id=self.settings.pad_id,
        )
        self._threads = threads or min(os.cpu_count() or 1, 8)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it can give."""
        return self.settings.labels

    def saw(self, texts: Sequence[str]) -> list[bool]:
        """Tell which texts had a part in its making, so that nothing about it can be measured by them."""
        return [text_hash(text) in self._seen for text in texts]

    def logits(self, messages: Sequence[str]) -> Floats:
        """Return what the model gives for messages, uncalibrated: (n, outputs)."""
        rows = np.zeros((len(messages), self.settings.outputs), np.float32)
        if not messages:
            return rows
        self._model.load()
        encoded = self._model.tokenizer.encode_batch_fast([self.settings.prefix + message for message in messages])
        tokens = [_cut(encoding.ids, self.settings.max_tokens) for encoding in encoded]
        if len(tokens) == 1:
            rows[0] = self._logits_of(tokens[0])
            return rows
        with ThreadPoolExecutor(self._threads, "searchctl-classifier") as pool:
            for row, given in enumerate(pool.map(self._logits_of, tokens)):
                rows[row] = given
        return rows

    def _logits_of(self, tokens: Sequence[int]) -> Floats:
        """Return the logits of one text (outputs,), by itself: a quantised model's numbers depend on what else is in the batch."""
        (given, *_ignored), _outputs = self._model.run([LOGITS], [tokens])
        if given.shape != (1, self.settings.outputs):
            raise EncoderUnavailable(
                _(
                    "the model in {name} gives {shape} numbers for a text, its settings name {outputs} outputs; "
                    "restore the folder"
                ).format(name=self.name, shape=given.shape[1:], outputs=self.settings.outputs)
            )
        return np.asarray(given[0])

    def judge(self, messages: Sequence[str], settings: RouteSettings, strangeness: Doubles | None = None) -> Judgement:
        """Return calibrated probabilities of messages (n), as `message_of` makes them.

        A classifier that learnt texts of no label tells those itself, and gives a label where one is likelier than none;
        without such texts, `strangeness` (n,) in [0, 1] tells them, and none where that isn't known either.
        """
        count = len(self.labels)
        probabilities = self.trust.softening.probabilities(self.logits(messages))
        labelled = probabilities[:, :count]
        limits = np.full(len(messages), settings.limit)
        outside, strange = np.zeros(len(messages)), UNLIKE
        if self.settings.outside and len(messages):
            best, strange = labelled.max(axis=1), _STRANGE
            several = self.settings.multi_label
            outside = 1 - best if several else probabilities[:, count]
            if settings.outside_limit is None:
                limits = np.nextafter(np.full(len(messages), 1 - self.trust.usual) if several else best, 2)
        elif strangeness is not None:
            outside = strangeness
        return Judgement(self.labels, self.settings.multi_label, labelled, self.trust, outside, limits, strange)

    def predict(self, texts: Sequence[str], settings: RouteSettings | None = None) -> list[Route]:
        """Route texts by the classifier alone; `Router.predict` shows the nearest examples beside its answer."""
        settings = settings or RouteSettings()
        judgement = self.judge([message_of(text) for text in texts], settings)
        routes = routes_of(judgement, settings, [()] * len(texts), examples=True)
        return [replace(route, why="; ".join(filter(None, (f"told by {self.name}", route.why)))) for route in routes]

    def promise(self, target_precision: float) -> PrecisionGuarantee:
        """Return the threshold for a precision, and how many texts will get a label, with intervals."""
        RouteSettings(target_precision=target_precision)
        return self.trust.promises(target_precision)[0]


def _cut(ids: list[int], most: int) -> list[int]:
    """Keep the first tokens and the closing one."""
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def classifier_facts(settings: ClassifierSettings) -> dict[str, Any]:
    """Return what a classifier's `searchctl.json` says, as JSON values."""
    return {"kind": KIND, "format": FORMAT, **asdict(settings), "labels": list(settings.labels)}


def write_answers(folder: Path, answers: HeldOutAnswers) -> None:
    """Write what a classifier answered about held-out texts, and what it saw, into a folder that isn't read by anyone yet."""
    from safetensors.numpy import save_file

    tensors: dict[str, NDArray[Any]] = {
        "logits": np.ascontiguousarray(answers.logits, np.float32),
        "members": np.ascontiguousarray(answers.members, np.uint8),
        "seen": np.ascontiguousarray(answers.seen, np.int64),
    }
    save_file(tensors, folder / ANSWERS_FILE, metadata={"format": str(FORMAT)})


def read_classifier_settings(folder: Path) -> ClassifierSettings:
    """Read a classifier's `searchctl.json`; raises UsageError for a folder that isn't there, EncoderUnavailable otherwise."""
    path = folder / SETTINGS_FILE
    if not folder.is_dir():
        raise UsageError(_("there is no folder '{folder}'; {ADVICE}").format(folder=folder, ADVICE=_ADVICE))
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EncoderUnavailable(
            _("'{folder}' is no classifier: it has no {SETTINGS_FILE}; {ADVICE}").format(
                folder=folder, SETTINGS_FILE=SETTINGS_FILE, ADVICE=_ADVICE
            )
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderUnavailable(
            _("can't read {path}: {error}; restore the folder").format(path=path, error=error)
        ) from error
    if not isinstance(described, dict) or described.get("kind") != KIND:
        kind = described.get("kind", "an encoder") if isinstance(described, dict) else "something else"
        raise EncoderUnavailable(
            _("'{folder}' holds {kind}, not a classifier; {ADVICE}").format(folder=folder, kind=kind, ADVICE=_ADVICE)
        )
    if described.get("format") != FORMAT:
        raise EncoderUnavailable(
            _(
                "the classifier in '{folder}' has the format {described}, this searchctl reads {FORMAT}; update "
                "searchctl, or train it again"
            ).format(folder=folder, described=described.get("format"), FORMAT=FORMAT)
        )
    return _checked_settings(path, described)


def _checked_settings(path: Path, described: dict[str, Any]) -> ClassifierSettings:
    try:
        known = {field.name: described[field.name] for field in fields(ClassifierSettings) if field.name in described}
        settings = ClassifierSettings(**{**known, "labels": tuple(known["labels"])})
        check_types(settings)
        if not settings.labels or len(set(settings.labels)) < len(settings.labels):
            raise ValueError("its labels aren't a list of different names")
        if not 1 <= settings.max_tokens <= _LARGEST or settings.pad_id < 0 or len(settings.labels) > _LARGEST:
            raise ValueError(f"max_tokens {settings.max_tokens}, pad_id {settings.pad_id}")
    except (TypeError, ValueError, KeyError) as error:
        raise EncoderUnavailable(
            _("{path} is damaged ({error}); restore the folder").format(path=path, error=error)
        ) from error
    return settings


def read_answers(folder: Path, settings: ClassifierSettings) -> HeldOutAnswers:
    """Read a classifier's held-out answers; raises EncoderUnavailable where they aren't there or don't fit its labels."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / ANSWERS_FILE
    try:
        tensors = load_file(path)
        logits, members = tensors["logits"].astype(np.float32), tensors["members"].astype(np.float32)
        seen = tensors["seen"]
    except (OSError, KeyError, SafetensorError) as error:
        raise EncoderUnavailable(
            _("can't read {path}: {error}; restore the folder, or train it again").format(path=path, error=error)
        ) from error
    fit = logits.ndim == 2 and logits.shape == members.shape and logits.shape[1] == settings.outputs
    if not fit or seen.ndim != 1 or seen.dtype != np.int64 or not np.isfinite(logits).all():
        raise EncoderUnavailable(
            _("{path} doesn't fit the labels in {SETTINGS_FILE}; restore the folder").format(
                path=path, SETTINGS_FILE=SETTINGS_FILE
            )
        )
    return HeldOutAnswers(logits, members, seen)
