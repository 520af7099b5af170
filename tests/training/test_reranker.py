"""Training a cross-encoder on a random encoder of two layers: it learns, and the folder reranks without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from searchctl import Index
from searchctl.errors import UsageError
from searchctl.rerankers import open_reranker
from searchctl.rerankers.onnx import OnnxCrossEncoder
from searchctl.training.producing import TrainingReport, produce
from searchctl.training.reranker import RerankerSettings, reranker_recipe
from searchctl.training.settings import Schedule, Watch
from tests.extras import train_extra
from tests.training.kit import pairs, write_lines

train_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own
SCHEDULE = Schedule(epochs=6, batch=16, rate=3e-3, evaluations=3, held_out=0.2, max_tokens=32, threads=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, base: Path) -> tuple[Path, TrainingReport]:
    folder = tmp_path_factory.mktemp("reranker")
    path = write_lines(folder / "pairs.jsonl", pairs(120))
    recipe = reranker_recipe(path, str(base), RerankerSettings(weight=0.7, all_weights=True))
    return folder / "out", produce(recipe, SCHEDULE, folder / "out", Watch())


def test_the_loss_falls_and_it_is_said_what_was_measured(trained: tuple[Path, TrainingReport]) -> None:
    _, report = trained
    assert report.run is not None and report.card is not None
    assert report.run.losses[-1] < report.run.losses[0]
    assert any(name.startswith("mrr of") for name in report.card["measured"])
    assert any("texts of other documents were drawn" in note for note in report.card["notes"])


def test_the_folder_reranks_as_torch_scores(tmp_path: Path, trained: tuple[Path, TrainingReport]) -> None:
    from sentence_transformers import CrossEncoder

    folder, _ = trained
    reranker = open_reranker(str(folder), object)
    assert isinstance(reranker, OnnxCrossEncoder) and reranker.weight == 0.7
    rows = pairs(20, seed=5)
    texts = [row["positive"] for row in rows]
    query = rows[0]["query"]
    expected = CrossEncoder(str(folder), local_files_only=True).predict([(query, text) for text in texts])
    np.testing.assert_allclose(reranker.score(query, texts), expected, atol=0.05)  # what int8 costs
    with Index.open(tmp_path / "engine", encoder="hashing:64") as index:
        index.ingest([{"id": str(number), "text": text} for number, text in enumerate(dict.fromkeys(texts))])
        assert len(index.search(texts[0], rerank=str(folder))) > 0


def test_scored_pairs_are_refused(tmp_path: Path, base: Path) -> None:
    path = write_lines(tmp_path / "scored.jsonl", [{"query": "q", "positive": "p", "score": 0.5}])
    with pytest.raises(UsageError, match="a reranker learns from answers with negatives"):
        reranker_recipe(path, str(base), RerankerSettings())
