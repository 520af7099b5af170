"""Pretraining on texts made here: each architecture learns from nothing, perplexity falls, a killed run ends like an unbroken one."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.training.own_tokenizer import ARCHITECTURES
from searchctl.training.pretrain import PretrainSettings, pretrain_recipe
from searchctl.training.producing import TrainingReport, dry_run, produce
from searchctl.training.scratch import Sizes
from searchctl.training.settings import Schedule, Watch
from searchctl.training.siamese import SiameseSettings, siamese_recipe
from tests.extras import train_extra
from tests.training.kit import FILLERS, TOPICS, labelled, write_lines

train_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own
QUICK = Schedule(epochs=4, batch=16, rate=5e-3, evaluations=4, held_out=0.2, max_tokens=48, patience=4, threads=1)
SMALL = Sizes(layers=2, hidden=32, max_tokens=48, vocabulary=300)


def document(topic: str, draw: random.Random) -> str:
    """Return sentences in which half of the words are of one topic."""
    words = [[draw.choice(TOPICS[topic] if draw.random() < 0.6 else FILLERS) for _ in range(5)] for _ in range(4)]
    return " ".join(f"{' '.join(sentence).capitalize()}." for sentence in words)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of four topics: what stands beside a hidden word says what it may be."""
    draw = random.Random(1)
    rows = [{"text": document(topic, draw)} for topic in TOPICS for _ in range(50)]
    return write_lines(tmp_path_factory.mktemp("texts") / "texts.jsonl", rows)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, texts: Path) -> dict[str, TrainingReport]:
    """A model of each architecture that began with nothing."""
    folder = tmp_path_factory.mktemp("made")
    reports = {}
    for architecture in ARCHITECTURES:
        objective = "electra" if architecture == "electra" else "mlm"
        recipe = pretrain_recipe(texts, None, PretrainSettings(objective, architecture, SMALL))
        reports[architecture] = produce(recipe, QUICK, folder / architecture, Watch())
    return reports


def change(report: TrainingReport) -> tuple[float, float]:
    assert report.card is not None
    (values,) = (value for value in report.card["measured"].values() if isinstance(value, dict) and "before" in value)
    return values["before"], values["after"]


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_architecture_learns_and_its_folder_is_an_encoder(
    made: dict[str, TrainingReport], architecture: str
) -> None:
    report = made[architecture]
    assert report.run is not None and report.card is not None and report.run.losses[-1] < report.run.losses[0]
    before, after = change(report)
    assert after > before + 0.04 if architecture == "electra" else after < 0.7 * before
    assert any("a weight" in note for note in report.card["notes"])  # too little text, with figures
    vectors = open_encoder(str(report.out)).encode_documents(["Green tea. Steep the leaf.", "Steel cable."])
    assert vectors.shape == (2, 32) and np.allclose(np.linalg.norm(vectors, axis=1), 1)
    cosine = report.card["measured"]["ONNX"].partition("fp32 ")[2].partition(",")[0]
    assert float(cosine) > 0.999


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_training_goes_on_from_the_folder(
    tmp_path: Path, made: dict[str, TrainingReport], texts: Path, architecture: str
) -> None:
    """Pretraining goes on with the head it had, and siamese training with the layers."""
    objective = "electra" if architecture == "electra" else "mlm"
    out = made[architecture].out
    short = Schedule(epochs=1, batch=16, rate=1e-4, evaluations=1, held_out=0.2, max_tokens=48, threads=1)
    settings = PretrainSettings(objective, all_weights=True)
    report = produce(pretrain_recipe(texts, str(out), settings), short, tmp_path / "on", Watch())
    assert report.card is not None and not any("chance" in note for note in report.card["notes"])
    assert change(report)[0] == pytest.approx(change(made[architecture])[1], rel=0.02)
    path = write_lines(tmp_path / "labelled.jsonl", labelled(16))
    siamese = produce(siamese_recipe(path, str(out), SiameseSettings()), short, tmp_path / "siamese", Watch())
    assert siamese.run is not None and (tmp_path / "siamese" / "model.onnx").is_file()


def test_sentences_that_follow_are_learnt_beside_hidden_words(tmp_path: Path, texts: Path) -> None:
    """So small a model learns the words; whether sentences follow it hardly learns, which the card says."""
    long = Schedule(epochs=40, batch=32, rate=5e-3, evaluations=4, held_out=0.2, max_tokens=48, patience=4, threads=1)
    recipe = pretrain_recipe(texts, None, PretrainSettings("mlm+nsp", "bert", SMALL))
    report = produce(recipe, long, tmp_path / "out", Watch())
    assert report.card is not None
    assert 0.0 < report.card["measured"]["held-out sentences rightly said to follow or not"] <= 1.0
    assert change(report)[1] < 0.7 * change(report)[0]


KILLED = """
import os, sys
from pathlib import Path
from searchctl.training.pretrain import PretrainSettings, pretrain_recipe
from searchctl.training.producing import produce
from searchctl.training.scratch import Sizes
from searchctl.training.settings import Schedule, Watch
data, out, step = sys.argv[1:]
def tell(done, total):
    if done == int(step):
        os.kill(os.getpid(), 9)
produce(pretrain_recipe(Path(data), None, SETTINGS), SCHEDULE, Path(out), Watch(tell))
"""


def test_a_killed_training_ends_like_an_unbroken_one(tmp_path: Path, texts: Path) -> None:
    """ELECTRA's: masks, replacements and both models are the same again.

    Both begin with the tokenizer that the killed one has kept, since the library doesn't learn one twice alike.
    """
    settings = PretrainSettings("electra", "electra", SMALL)
    step = random.randrange(11, 40)  # after the first checkpoint
    code = KILLED.replace("SETTINGS", repr(settings)).replace("SCHEDULE", repr(QUICK))
    command = [sys.executable, "-W", "ignore", "-c", code, str(texts), str(tmp_path / "out"), str(step)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert list(tmp_path.glob(".out.training/checkpoint-*")), f"killed at step {step}"
    (tmp_path / ".whole.training").mkdir()
    shutil.copy(tmp_path / ".out.training" / "tokenizer.json", tmp_path / ".whole.training")
    report = produce(pretrain_recipe(texts, None, settings), QUICK, tmp_path / "out", Watch())
    whole = produce(pretrain_recipe(texts, None, settings), QUICK, tmp_path / "whole", Watch())
    assert report.run is not None and whole.run is not None
    assert report.run.steps == whole.run.steps == whole.run.planned == 40
    for part in ("", "generator"):
        found, expected = weights(tmp_path / "out" / part), weights(tmp_path / "whole" / part)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, atol=1e-4, err_msg=f"{part} {name}, killed at step {step}")


def test_a_sentence_encoder_keeps_its_prompts_and_lacks_a_head(tmp_path: Path, base: Path, texts: Path) -> None:
    short = Schedule(epochs=1, batch=16, rate=1e-3, evaluations=1, held_out=0.2, max_tokens=48, threads=1)
    report = produce(pretrain_recipe(texts, str(base), PretrainSettings()), short, tmp_path / "out", Watch())
    assert report.card is not None
    notes = " ".join(report.card["notes"])
    assert "begins with chance" in notes and "tokens are few to go on with" in notes and "train siamese" in notes
    settings = json.loads((tmp_path / "out" / "searchctl.json").read_text())
    assert settings["query_prefix"] == "query: " and settings["document_prefix"] == "passage: "
    before, after = weights(base), weights(tmp_path / "out")
    assert np.array_equal(before["embeddings.word_embeddings.weight"], after["bert.embeddings.word_embeddings.weight"])
    layer = "encoder.layer.0.output.dense.weight"
    assert not np.allclose(before[layer], after[f"bert.{layer}"])


def test_a_mask_that_nobody_names_is_found(tmp_path: Path, base: Path, texts: Path) -> None:
    """As in sentence encoders, which never use theirs."""
    silent = tmp_path / "silent"
    shutil.copytree(base, silent)
    path = silent / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    del settings["mask_token"]
    path.write_text(json.dumps(settings))
    planned = dry_run(pretrain_recipe(texts, str(silent), PretrainSettings()), QUICK, tmp_path / "home")
    assert planned.plan.steps > 10


def test_a_dry_run_writes_nothing(tmp_path: Path, texts: Path) -> None:
    recipe = pretrain_recipe(texts, None, PretrainSettings("mlm", "bert", SMALL))
    planned = dry_run(recipe, QUICK, tmp_path / "home")
    assert planned.plan.steps == 40 and planned.plan.seconds > 0 and "rows" in planned.learnt
    assert {path.name for path in tmp_path.iterdir()} <= {"home"}


def test_what_cannot_be_is_refused(tmp_path: Path, texts: Path, base: Path) -> None:
    with pytest.raises(UsageError, match="say what to begin with"):
        pretrain_recipe(texts, None, PretrainSettings())
    with pytest.raises(UsageError, match="say what to begin with"):
        pretrain_recipe(texts, str(base), PretrainSettings(architecture="bert"))
    with pytest.raises(UsageError, match=r"mlm\+nsp is for bert alone"):
        pretrain_recipe(texts, None, PretrainSettings("mlm+nsp", "roberta"))
    with pytest.raises(UsageError, match="is a bert, and the objective electra is for electra alone"):
        produce(pretrain_recipe(texts, str(base), PretrainSettings("electra")), QUICK, tmp_path / "x", Watch())
    with pytest.raises(UsageError, match="--hidden is 33"):
        Sizes(hidden=33)
    one = write_lines(tmp_path / "one.jsonl", [{"text": "One sentence only."}] * 30)
    with pytest.raises(UsageError, match="two documents of several sentences"):
        produce(pretrain_recipe(one, str(base), PretrainSettings("mlm+nsp")), QUICK, tmp_path / "y", Watch())
    with pytest.raises(EncoderUnavailable):
        produce(pretrain_recipe(texts, str(tmp_path / "none"), PretrainSettings()), QUICK, tmp_path / "z", Watch())
