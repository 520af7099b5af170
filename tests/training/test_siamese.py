"""Training an encoder, on a random one of two layers: each loss falls, a killed run ends like an unbroken one, the folder serves."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchctl import Index, open_encoder
from searchctl.encoders.onnx import OnnxEncoder
from searchctl.errors import SearchctlError, UsageError
from searchctl.training.losses import LABEL_LOSSES, PAIR_LOSSES
from searchctl.training.producing import TrainingReport, dry_run, produce
from searchctl.training.settings import Schedule, Watch
from searchctl.training.siamese import SiameseSettings, siamese_recipe
from tests.extras import train_extra
from tests.training.kit import labelled, pairs, write_lines

train_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own
QUICK = Schedule(epochs=4, batch=16, rate=3e-3, evaluations=4, held_out=0.2, max_tokens=32, patience=4, threads=1)


def train(
    folder: Path, base: Path, rows: list[dict[str, Any]], schedule: Schedule = QUICK, **settings: Any
) -> TrainingReport:
    path = write_lines(folder / "data.jsonl", rows)
    recipe = siamese_recipe(path, str(base), SiameseSettings(**settings))
    return produce(recipe, schedule, folder / "out", Watch())


def gain(report: TrainingReport) -> tuple[float, float]:
    assert report.card is not None
    (change,) = (value for value in report.card["measured"].values() if isinstance(value, dict) and "before" in value)
    return change["before"], change["after"]


@pytest.mark.parametrize("loss", LABEL_LOSSES)
def test_each_loss_for_labels_falls(tmp_path: Path, base: Path, loss: str) -> None:
    report = train(
        tmp_path, base, labelled(24), replace(QUICK, epochs=20, rate=1e-2, patience=9), loss=loss, all_weights=True
    )
    assert report.run is not None and np.mean(report.run.losses[-5:]) < np.mean(report.run.losses[:5])
    before, after = gain(report)
    assert after > before


@pytest.mark.parametrize("loss", PAIR_LOSSES)
def test_each_loss_for_pairs_falls(tmp_path: Path, base: Path, loss: str) -> None:
    rows = pairs(160)
    for row, other in zip(rows, rows[2:] + rows[:2], strict=True):
        row["negatives"] = [
            other["positive"]
        ]  # a random encoder's own would be few: all texts are near each other to it
    report = train(tmp_path, base, rows, loss=loss, all_weights=True)
    assert report.run is not None and report.run.losses[-1] < report.run.losses[0]


def test_questions_find_documents_that_were_never_shown(tmp_path: Path, base: Path) -> None:
    long = Schedule(epochs=15, batch=16, rate=1e-2, evaluations=5, held_out=0.2, max_tokens=32, patience=5, threads=1)
    report = train(tmp_path, base, pairs(160), long, all_weights=True, negatives=0)
    before, after = gain(report)
    assert after > before + 0.2


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return {name: value for name, value in load_file(folder / "model.safetensors").items() if "pooler" not in name}


KILLED = """
import os, sys
from pathlib import Path
from searchctl.training.producing import produce
from searchctl.training.settings import Schedule, Watch
from searchctl.training.siamese import SiameseSettings, siamese_recipe
data, base, out, step = sys.argv[1:]
def tell(done, total):
    if done == int(step):
        os.kill(os.getpid(), 9)
produce(siamese_recipe(Path(data), base, SiameseSettings()), Schedule(**SCHEDULE), Path(out), Watch(tell))
"""


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, base: Path) -> tuple[Path, int]:
    """The folder of a training that nothing disturbed, and its steps."""
    folder = tmp_path_factory.mktemp("unbroken")
    report = train(folder, base, labelled(24))
    assert report.run is not None and report.run.planned > 10
    return folder, report.run.planned


def test_a_killed_training_ends_like_an_unbroken_one(tmp_path: Path, base: Path, unbroken: tuple[Path, int]) -> None:
    whole, steps = unbroken
    step = random.randrange(steps // 4 + 1, steps)  # after the first checkpoint
    code = KILLED.replace("SCHEDULE", repr(asdict(QUICK)))
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        code,
        str(whole / "data.jsonl"),
        str(base),
        str(tmp_path / "out"),
        str(step),
    ]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists() and list(tmp_path.glob(".out.training/checkpoint-*")), (
        f"killed at step {step}"
    )
    report = train(tmp_path, base, labelled(24))
    assert report.run is not None and report.run.steps == steps
    found, expected = weights(tmp_path / "out"), weights(whole / "out")
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6, err_msg=f"{name}, killed at step {step}")
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_interrupted_training_goes_on(tmp_path: Path, base: Path, unbroken: tuple[Path, int], share: float) -> None:
    whole, steps = unbroken
    path = write_lines(tmp_path / "data.jsonl", labelled(24))
    recipe = siamese_recipe(path, str(base), SiameseSettings())
    watch = Watch(lambda done, total: watch.stop.set() if done == int(share * steps) else None)
    assert produce(recipe, QUICK, tmp_path / "out", watch).interrupted and not (tmp_path / "out").exists()
    assert not produce(recipe, QUICK, tmp_path / "out", Watch()).interrupted
    found, expected = weights(tmp_path / "out"), weights(whole / "out")
    assert all(np.allclose(found[name], value, atol=1e-6) for name, value in expected.items())


def test_the_folder_serves_without_torch_as_torch_does(tmp_path: Path, unbroken: tuple[Path, int]) -> None:
    from sentence_transformers import SentenceTransformer

    folder = unbroken[0] / "out"
    encoder = open_encoder(str(folder))
    assert isinstance(encoder, OnnxEncoder) and encoder.max_tokens == 64
    texts = [row["text"] for row in labelled(5, seed=9)]
    model = SentenceTransformer(str(folder), local_files_only=True)
    expected = model.encode([f"passage: {text}" for text in texts], normalize_embeddings=True)
    assert ((encoder.encode_documents(texts) * expected).sum(axis=1) > 0.98).all()
    with Index.open(tmp_path / "engine", encoder=str(folder)) as index:
        index.ingest([{"id": str(number), "text": text} for number, text in enumerate(texts)])
        assert index.search(texts[7], mode="vector")[0].id == "7"
    trained = json.loads((folder / "searchctl.json").read_text(encoding="utf-8"))["training"]
    assert len(trained["data"][0]["sha256"]) == 64 and trained["settings"]["seed"] == 0
    assert "mean cosine with torch" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_finished_training_is_not_done_twice(tmp_path: Path, base: Path, unbroken: tuple[Path, int]) -> None:
    recipe = siamese_recipe(unbroken[0] / "data.jsonl", str(base), SiameseSettings())
    again = produce(recipe, QUICK, unbroken[0] / "out", Watch())
    assert again.done_before and again.run is None and again.card is not None
    with pytest.raises(UsageError, match="other data or settings made"):
        produce(recipe, replace(QUICK, seed=1), unbroken[0] / "out", Watch())


def test_a_dry_run_writes_nothing(tmp_path: Path, base: Path) -> None:
    path = write_lines(tmp_path / "data.jsonl", labelled(24))
    found = dry_run(siamese_recipe(path, str(base), SiameseSettings()), QUICK, tmp_path / "home")
    assert found.plan.steps > 10 and found.plan.seconds > 0 and found.plan.memory > 1 << 20
    assert {path.name for path in tmp_path.iterdir()} <= {"data.jsonl", "home"}


def test_a_class_with_one_text_is_said(tmp_path: Path, base: Path) -> None:
    rows = [*labelled(24), {"text": "the one", "label": "alone"}]
    report = train(tmp_path, base, rows)
    assert report.card is not None and any("alone" in note for note in report.card["notes"])
    few = tmp_path / "few"
    few.mkdir()
    with pytest.raises(UsageError, match="two labels with two texts each"):
        train(few, base, [{"text": "tea", "label": "a"}, {"text": "rain", "label": "b"}])


def test_learning_that_goes_astray_is_refused(tmp_path: Path, base: Path) -> None:
    from safetensors.numpy import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(base, broken)
    tensors = load_file(broken / "model.safetensors")
    tensors["encoder.layer.0.output.dense.bias"][:] = np.nan
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SearchctlError, match="the loss is nan at step 1: .* try a lower --rate than 0.003"):
        train(tmp_path, broken, labelled(24))
