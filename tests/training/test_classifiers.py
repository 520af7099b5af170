"""Classifiers trained here on random models of two layers: each architecture learns, and the folder routes without torch as torch does."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.routing.classifier import TrainedClassifier
from searchctl.routing.decide import RouteSettings
from searchctl.training.classifier import classifier_recipe
from searchctl.training.libraries import import_libraries
from searchctl.training.own_tokenizer import ARCHITECTURES
from searchctl.training.producing import TrainingReport, dry_run, produce
from searchctl.training.scratch import MASKED, Sizes, new_model
from searchctl.training.setfit import setfit_recipe
from searchctl.training.settings import Schedule, Watch
from tests.extras import train_extra
from tests.training.kit import TOPICS, labelled, write_lines

train_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own
QUICK = Schedule(epochs=8, batch=16, rate=5e-3, evaluations=4, held_out=0.3, max_tokens=32, patience=4, threads=1)
PAIRS = Schedule(epochs=1, batch=32, rate=5e-3, evaluations=2, held_out=0.3, max_tokens=32, patience=4, threads=1)


def classify(folder: Path, base: Path, rows: list[dict[str, Any]], **settings: Any) -> TrainingReport:
    path = write_lines(folder / "data.jsonl", rows)
    recipe = classifier_recipe(path, str(base), outside=settings.pop("outside", None), all_weights=True)
    return produce(recipe, settings.pop("schedule", QUICK), folder / "out", Watch())


def setfit(folder: Path, base: Path, rows: list[dict[str, Any]], outside: str | None = None) -> TrainingReport:
    path = write_lines(folder / "data.jsonl", rows)
    recipe = setfit_recipe(path, str(base), rounds=2, outside=outside, all_weights=True)
    return produce(recipe, PAIRS, folder / "out", Watch())


def accuracy(folder: Path, rows: list[dict[str, Any]]) -> float:
    routes = TrainedClassifier(folder).predict([row["text"] for row in rows])
    return float(np.mean([route.label == row["label"] for route, row in zip(routes, rows, strict=True)]))


def torch_logits(folder: Path, texts: list[str]) -> np.ndarray:
    """What transformers makes of a classifier's folder."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(
        [f"query: {text}" for text in texts], padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        made: np.ndarray = model(**tokens).logits.numpy()
    return made


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A random model of each architecture with a tokenizer of its own."""
    libraries = import_libraries("a test")
    texts = [row["text"] for row in labelled(50)]
    folders = {}
    for architecture in ARCHITECTURES:
        folder = tmp_path_factory.mktemp(architecture)
        libraries.transformers.set_seed(3)
        sizes = Sizes(layers=2, hidden=32, max_tokens=64, vocabulary=300)
        model = new_model(libraries, architecture, MASKED, sizes, texts, folder, lower_case=False)
        model.network.save_pretrained(folder)
        model.tokenizer.save_pretrained(folder)
        folders[architecture] = folder
    return folders


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, base: Path) -> TrainingReport:
    """A classifier that nothing disturbed."""
    return classify(tmp_path_factory.mktemp("trained"), base, labelled(40))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_architecture_learns(tmp_path: Path, models: dict[str, Path], architecture: str) -> None:
    report = classify(tmp_path, models[architecture], labelled(40))
    assert report.run is not None and report.run.losses[-1] < 0.9 * report.run.losses[0]
    assert report.run.before is not None and report.run.after is not None and report.run.after < report.run.before
    assert accuracy(tmp_path / "out", labelled(20, seed=9)) > 0.4  # 0.25 is chance


def test_the_folder_answers_as_torch_does_and_its_confidence_holds(trained: TrainingReport) -> None:
    classifier = TrainedClassifier(trained.out)
    rows = labelled(40, seed=9)
    texts = [row["text"] for row in rows]
    expected, made = torch_logits(trained.out, texts), classifier.logits(texts)
    cosines = (expected * made).sum(axis=1) / (np.linalg.norm(expected, axis=1) * np.linalg.norm(made, axis=1))
    assert cosines.mean() > 0.98 and (expected.argmax(axis=1) == made.argmax(axis=1)).mean() > 0.95
    assert trained.card is not None
    assert float(trained.card["measured"]["ONNX"].partition("fp32 ")[2].partition(",")[0]) > 0.999
    routes = classifier.predict(texts)
    right = np.mean([route.label == row["label"] for route, row in zip(routes, rows, strict=True)])
    assert right > 0.5 and np.mean([route.confidence for route in routes]) == pytest.approx(right, abs=0.2)
    assert classifier.settings.trained_on + len(classifier.answers.logits) == len(classifier.answers.seen)


def test_what_is_measured_was_seen_by_nothing(trained: TrainingReport) -> None:
    """Learnt, held out and measured by are all the texts, each once; the folder says that it saw the first two."""
    classifier = TrainedClassifier(trained.out)
    saw = classifier.saw([row["text"] for row in labelled(40)])
    measured = next(name for name in trained.card["measured"] if "nothing was chosen by" in name)  # type: ignore[index]
    assert saw.count(False) == int(measured.split()[1]) > 8
    assert not any(classifier.saw(["a text of today"]))


def test_setfit_learns_from_few_texts(tmp_path: Path, base: Path) -> None:
    report = setfit(tmp_path, base, labelled(24))
    assert report.run is not None and report.run.losses[-1] < report.run.losses[0]
    assert accuracy(tmp_path / "out", labelled(20, seed=9)) > 0.6
    assert report.card is not None
    assert float(report.card["measured"]["ONNX"].partition("fp32 ")[2].partition(",")[0]) > 0.999
    with pytest.raises(EncoderUnavailable, match="holds a classifier, not an encoder"):
        open_encoder(str(tmp_path / "out"))


@pytest.mark.parametrize("train", [classify, setfit])
def test_several_labels_and_texts_of_none(tmp_path: Path, base: Path, train: Any) -> None:
    draw = random.Random(0)
    both = [
        {"text": f"{draw.choice(TOPICS['tea'])} and {draw.choice(TOPICS['weather'])}", "labels": ["tea", "weather"]}
        for _ in range(40)
    ]
    single = [row for row in labelled(30) if row["label"] in ("tea", "weather")]
    train(tmp_path, base, [*both, *single])
    classifier = TrainedClassifier(tmp_path / "out")
    assert classifier.settings.multi_label and classifier.labels == ("tea", "weather")
    routes = classifier.predict(["kettle and rain", "brew and snow", "jasmine and storm"])
    assert sum(len(route.labels) == 2 for route in routes) >= 2
    none = [{"text": row["text"], "label": "oos" if row["label"] == "bridge" else row["label"]} for row in labelled(30)]
    (tmp_path / "none").mkdir()
    train(tmp_path / "none", base, none, outside="oos")
    classifier = TrainedClassifier(tmp_path / "none" / "out")
    assert classifier.settings.outside and "oos" not in classifier.labels and len(classifier.labels) == 3
    bridges = [row["text"] for row in labelled(30, seed=9) if row["label"] == "bridge"]
    others = [row["text"] for row in labelled(30, seed=9) if row["label"] == "refund"]
    lost = [np.mean([route.label is None for route in classifier.predict(texts)]) for texts in (bridges, others)]
    assert lost[0] > lost[1]


KILLED = """
import os, sys
from pathlib import Path
from searchctl.training.MODULE import RECIPE
from searchctl.training.producing import produce
from searchctl.training.settings import Schedule, Watch
data, base, out, step = sys.argv[1:]
def tell(done, total):
    if done == int(step):
        os.kill(os.getpid(), 9)
produce(RECIPE(Path(data), base, SETTINGS), SCHEDULE, Path(out), Watch(tell))
"""


@pytest.mark.parametrize("kind", ["classifier", "setfit"])
def test_a_killed_training_ends_like_an_unbroken_one(tmp_path: Path, base: Path, kind: str) -> None:
    from safetensors.numpy import load_file

    train, schedule = (classify, QUICK) if kind == "classifier" else (setfit, PAIRS)
    rounds = "" if kind == "classifier" else "rounds=2, "
    whole = train(tmp_path, base, labelled(24))
    assert whole.run is not None
    step = random.randrange(whole.run.planned // schedule.evaluations + 1, whole.run.planned)
    code = KILLED.replace("MODULE", kind).replace("RECIPE", f"{kind}_recipe").replace("SCHEDULE", repr(schedule))
    code = code.replace("SETTINGS", f"{rounds}outside=None, all_weights=True")
    again = tmp_path / "again"
    again.mkdir()
    data = write_lines(again / "data.jsonl", labelled(24))
    command = [sys.executable, "-W", "ignore", "-c", code, str(data), str(base), str(again / "out"), str(step)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert list(again.glob(".out.training/checkpoint-*")), f"killed at step {step}"
    train(again, base, labelled(24))
    for name in ("model.safetensors", "held_out.safetensors"):
        found, expected = load_file(again / "out" / name), load_file(tmp_path / "out" / name)
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value, atol=1e-3, err_msg=f"{key}, killed at step {step}")


def test_what_is_wrong_or_doubtful_is_said(tmp_path: Path, base: Path) -> None:
    rows = labelled(30)
    doubtful = [*rows, rows[0], {"text": rows[1]["text"], "label": "bridge"}, {"text": "alone", "label": "single"}]
    path = write_lines(tmp_path / "doubtful.jsonl", doubtful)
    notes = " ".join(
        dry_run(classifier_recipe(path, str(base), outside=None, all_weights=False), QUICK, tmp_path).notes
    )
    assert "say again what others say" in notes and "come with different labels" in notes
    assert "one text to learn from: single" in notes
    one = write_lines(tmp_path / "one.jsonl", [{"text": f"tea {number}", "label": "tea"} for number in range(9)])
    with pytest.raises(UsageError, match="tells two apart at least"):
        produce(classifier_recipe(one, str(base), outside=None, all_weights=False), QUICK, tmp_path / "x", Watch())
    with pytest.raises(UsageError, match="no text has the label 'oos'"):
        produce(classifier_recipe(path, str(base), outside="oos", all_weights=False), QUICK, tmp_path / "y", Watch())
    few = write_lines(tmp_path / "few.jsonl", [{"text": f"tea {number}", "label": str(number)} for number in range(9)])
    with pytest.raises(UsageError, match="two texts a label at least"):
        produce(
            setfit_recipe(few, str(base), rounds=2, outside=None, all_weights=False), QUICK, tmp_path / "z", Watch()
        )


def test_nothing_held_out_promises_nothing(tmp_path: Path, base: Path) -> None:
    report = classify(tmp_path, base, labelled(2), schedule=Schedule(epochs=1, held_out=0.3, max_tokens=32, threads=1))
    assert report.card is not None and any("aren't calibrated" in note for note in report.card["notes"])
    (route,) = TrainedClassifier(tmp_path / "out").predict(["tea"], RouteSettings(target_precision=0.9))
    assert route.label is None
