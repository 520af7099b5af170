"""Distilling: a table that is fitted in closed form, and an encoder with fewer layers; both come nearer to their teacher."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from searchctl import Index, open_encoder
from searchctl.encoders.static import StaticEncoder
from searchctl.errors import UsageError
from searchctl.training.settings import Schedule, Watch
from searchctl.training.static import StaticSettings, distil_static, plan_static
from searchctl.training.static_fit import fit_static
from tests.cli.conftest import Run
from tests.extras import train_extra
from tests.training.kit import labelled, make_encoder, write_lines


def test_the_table_is_the_least_of_its_objective() -> None:
    """Against the same objective solved the long way, by the tokens' own equations."""
    random = np.random.default_rng(0)
    texts = [random.integers(1, 12, random.integers(2, 6)).tolist() for _ in range(200)]
    tokens = random.normal(size=(12, 5)).astype(np.float32)
    tokens[0] = 0
    vectors = random.normal(size=(200, 5)).astype(np.float32)
    fit = fit_static(tokens, texts, vectors, texts[:20], vectors[:20], dim=3)
    counts = np.zeros((200, 12))
    for row, text in enumerate(texts):
        for token in text:
            counts[row, token] += 1 / len(text)
    goal = (vectors - fit.center) @ fit.components
    frequency = np.bincount(np.concatenate(texts), minlength=12) / sum(map(len, texts))
    weights = 1e-4 / (1e-4 + frequency)
    start = np.where(tokens.any(1)[:, None], tokens - tokens[1:].mean(0), 0) @ fit.components * weights[:, None]
    start *= ((counts @ start) * goal).sum() / ((counts @ start) ** 2).sum()
    weight = fit.penalty * (counts @ counts.T).diagonal().mean()
    step = np.linalg.solve(counts.T @ counts + weight * np.eye(12), counts.T @ (goal - counts @ start))
    np.testing.assert_allclose(fit.table, start + step, atol=1e-4)
    assert fit.fitted > fit.plain


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [{"text": row["text"]} for row in labelled(100, seed=4)]
    return write_lines(tmp_path_factory.mktemp("texts") / "texts.jsonl", rows)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_a_static_encoder_is_near_its_teacher_and_serves(tmp_path: Path, base: Path, texts: Path) -> None:
    settings = StaticSettings(dim=16, max_tokens=32, texts=400)
    watch = Watch()
    watch.stop.set()
    assert distil_static(texts, str(base), tmp_path / "out", settings, watch).interrupted
    report = distil_static(texts, str(base), tmp_path / "out", settings, Watch())
    assert report.card is not None
    change = report.card["measured"]["mean cosine with the teacher, in its space"]
    assert change["after"] > change["before"] and change["after"] > 0.8
    encoder = open_encoder(str(tmp_path / "out"))
    assert isinstance(encoder, StaticEncoder) and encoder.dim == 16
    with Index.open(tmp_path / "engine", encoder=str(tmp_path / "out")) as index:
        index.ingest(["green tea in a cup", "the river under a bridge"])
        assert "bridge" in index.search("the river under a bridge", mode="vector")[0].document.text
    assert distil_static(texts, str(base), tmp_path / "out", settings, Watch()).done_before
    plan = plan_static(texts, str(base), settings)
    assert plan["seconds"] >= 0 and "400" not in plan["held_out"]  # so little is nothing, in tenths of a second


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_an_encoder_with_fewer_layers_learns_from_its_teacher(tmp_path: Path, texts: Path) -> None:
    train_extra()
    from searchctl.training.producing import produce
    from searchctl.training.small import small_recipe

    teacher = make_encoder(tmp_path / "teacher", layers=3, spread=0.3)
    schedule = Schedule(epochs=4, rate=3e-3, evaluations=4, held_out=0.2, max_tokens=32, threads=1)
    report = produce(small_recipe(texts, str(teacher), 1), schedule, tmp_path / "out", Watch())
    assert report.run is not None and report.run.losses[-1] < report.run.losses[0]
    assert report.run.after is not None and report.run.before is not None and report.run.after > report.run.before
    assert json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))["num_hidden_layers"] == 1
    assert open_encoder(str(tmp_path / "out")).dim == 32
    with pytest.raises(UsageError, match="the teacher has 3 layers, so its student can have 1 to 2"):
        produce(small_recipe(texts, str(teacher), 3), schedule, tmp_path / "none", Watch())


def test_options_of_the_other_kind_are_refused(tmp_path: Path, run: Run) -> None:
    common = ("train", "distil", str(tmp_path / "t.jsonl"), "-o", str(tmp_path / "out"))
    assert "is fitted in one go" in run(*common, "--to", "static", "--epochs", "3").output
    assert "--dim is for --to static" in run(*common, "--to", "small", "--dim", "64").output
    assert "--from MODEL --layers 6" in run(*common, "--to", "small").output
