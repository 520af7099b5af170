"""The torch encoder on tiny random models made here: it takes pooling, prompts and length from the model's own files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.errors import EncoderUnavailable
from tests.extras import torch_extra
from tests.tiny_bert import tiny_bert

torch, _, _ = torch_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "query", ":", "green", "tea", "чай"]


def make_model(folder: Path, pooling: str | None) -> Any:
    """Write a BERT of two layers without pooler weights, in half precision; `pooling` None leaves it a plain model."""
    tokenizer, model = tiny_bert(
        folder, WORDS, seed=3, options={"add_pooling_layer": False}, hidden_size=8, intermediate_size=16
    )
    model.half().save_pretrained(folder)
    if pooling:
        modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
        (folder / "modules.json").write_text(
            json.dumps(
                [
                    {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
                    for n, (path, kind) in enumerate(modules)
                ]
            )
        )
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(
            json.dumps({"word_embedding_dimension": 8, f"pooling_mode_{pooling}": True})
        )
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 16, "do_lower_case": False}))
        (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": "query: "}}))
    return model.float().eval(), tokenizer


def states(model: Any, tokenizer: Any, text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    with torch.no_grad():
        found = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].numpy()
    return np.asarray(found)


def unit(vector: Any) -> Any:
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token"])
def test_pooling_and_prompts_come_from_the_models_files(tmp_path: Path, pooling: str) -> None:
    model, tokenizer = make_model(tmp_path / "model", pooling)
    encoder = open_encoder(str(tmp_path / "model"))

    def expected(text: str) -> Any:
        rows = states(model, tokenizer, text)
        return unit(rows.mean(axis=0) if pooling == "mean_tokens" else rows[0])

    assert encoder.dim == 8 and encoder.max_tokens == 16
    assert encoder.encode_documents(["green tea"])[0] == pytest.approx(expected("green tea"), abs=1e-5)
    assert encoder.encode_queries(["чай"])[0] == pytest.approx(expected("query: чай"), abs=1e-5)
    assert encoder.count_tokens(["green tea", ""]) == [2, 0]


def test_a_plain_hugging_face_model_is_pooled_by_the_mean(tmp_path: Path) -> None:
    model, tokenizer = make_model(tmp_path / "model", None)
    found = open_encoder(str(tmp_path / "model")).encode_documents(["green tea"])[0]
    assert found == pytest.approx(unit(states(model, tokenizer, "green tea").mean(axis=0)), abs=1e-5)


def test_the_revision_is_the_same_at_each_start(tmp_path: Path) -> None:
    """Weights that the files lack are random: they mustn't count."""
    make_model(tmp_path / "model", "mean_tokens")
    code = f"from searchctl import open_encoder; print(open_encoder({str(tmp_path / 'model')!r}).revision)"
    found = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "12"
    }
    assert len(found) == 1


def test_offline_a_hub_name_is_refused_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
    with pytest.raises(
        EncoderUnavailable,
        match="and HF_HUB_OFFLINE is set; unset it and type: searchctl models fetch nobody/no-such-model",
    ):
        open_encoder("nobody/no-such-model")


def test_a_static_embedding_needs_no_torch_and_gives_the_librarys_vectors(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    from searchctl.encoders.static import StaticEncoder

    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.random.default_rng(7).normal(size=(len(WORDS), 12)).astype(np.float32)
    library = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=table)])
    library.save(str(tmp_path / "model"))
    encoder = open_encoder(str(tmp_path / "model"))
    assert isinstance(encoder, StaticEncoder)
    texts = ["green tea", "чай of unknown kinds", "tea tea query"]
    expected = library.encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(encoder.encode_documents(texts), expected, atol=1e-6)


def test_it_runs_in_bfloat16_and_says_which_device_is_not_there(tmp_path: Path) -> None:
    make_model(tmp_path / "model", "mean_tokens")
    texts = ["green tea", "чай", ""]
    plain = open_encoder(str(tmp_path / "model"), device="cpu")
    half = open_encoder(str(tmp_path / "model"), device="cpu-bf16")
    vectors = half.encode_documents(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors * plain.encode_documents(texts)).sum(axis=1).min() > 0.99
    assert not np.array_equal(vectors, plain.encode_documents(texts)) and half.revision == plain.revision
    if not torch.cuda.is_available():
        with pytest.raises(EncoderUnavailable, match="finds no cuda here; set SEARCHCTL_DEVICE to one of:.*cpu"):
            open_encoder(str(tmp_path / "model"), device="cuda")
    with pytest.raises(EncoderUnavailable, match="finds no openvino here"):
        open_encoder(str(tmp_path / "model"), device="openvino")
