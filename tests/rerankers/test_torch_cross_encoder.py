"""Cross-encoders of the torch extra: a tiny random one made here, against what transformers makes of the same files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchctl import Index
from searchctl.errors import EncoderUnavailable
from searchctl.rerankers import open_reranker
from searchctl.rerankers.base import Reranker
from tests.extras import torch_extra
from tests.tiny_bert import tiny_bert

torch, transformers, _ = torch_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own

WORDS = "[PAD] [UNK] [CLS] [SEP] green tea refund parcel late чай where is my".split()
QUERY = "where is my parcel"
TEXTS = ["parcel late", "green tea чай", "refund", "my tea is late"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers with one output, whose weights are large enough to tell texts apart."""
    made = tmp_path_factory.mktemp("models") / "cross-encoder"
    _, model = tiny_bert(made, WORDS, "BertForSequenceClassification", seed=11, initializer_range=0.5, num_labels=1)
    model.save_pretrained(made)
    return made


@pytest.fixture(scope="module")
def reranker(folder: Path) -> Reranker:
    return open_reranker(str(folder), object)


def expected(folder: Path, query: str, text: str) -> float:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        logit: Any = network(**tokenizer(query, text, return_tensors="pt")).logits[0, 0]
    return float(torch.sigmoid(logit))


def test_a_score_is_the_sigmoid_of_the_models_one_output(folder: Path, reranker: Reranker) -> None:
    scores = reranker.score(QUERY, TEXTS)
    assert scores.dtype == np.float64 and scores.shape == (len(TEXTS),)
    assert scores == pytest.approx([expected(folder, QUERY, text) for text in TEXTS], abs=1e-5)
    assert np.ptp(scores) > 0.01  # the texts aren't all alike to it


def test_scores_do_not_depend_on_batches(reranker: Reranker) -> None:
    texts = TEXTS * 20  # more than one of the library's batches, of texts of different lengths
    alone = [float(reranker.score(QUERY, [text])[0]) for text in TEXTS]
    assert reranker.score(QUERY, texts) == pytest.approx(alone * 20, abs=1e-5)
    assert reranker.score(QUERY, []).shape == (0,)


def test_a_pair_that_is_too_long_is_cut_and_not_refused(reranker: Reranker) -> None:
    long, longer = reranker.score(QUERY, ["parcel " * 500, "parcel " * 900])
    assert long == pytest.approx(longer) and 0.0 <= long <= 1.0


def test_it_reorders_the_hits_of_an_index(tmp_path: Path, folder: Path, reranker: Reranker) -> None:
    with Index.open(tmp_path / "engine", encoder="hashing:64") as index:
        index.ingest([{"id": text, "text": text} for text in TEXTS])
        hits = index.search("parcel tea refund", rerank=str(folder))
    order = sorted(TEXTS, key=lambda text: -reranker.score("parcel tea refund", [text])[0])
    assert [hit.id for hit in hits] == order


def test_a_folder_without_a_model_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="can't load the reranker .*; check the name or give a folder"):
        open_reranker(str(tmp_path), object)


def test_the_libraries_keep_their_own_settings(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Loading shows no bars, and whoever uses the library as well still sees theirs."""
    bars = transformers.utils.logging
    before = bars.is_progress_bar_enabled()
    bars.enable_progress_bar()
    try:
        open_reranker(str(folder), object)
        assert bars.is_progress_bar_enabled() and capfd.readouterr().err == ""
        bars.disable_progress_bar()
        open_reranker(str(folder), object)
        assert not bars.is_progress_bar_enabled()
    finally:
        bars.enable_progress_bar() if before else bars.disable_progress_bar()
