"""Static encoders, against the libraries that make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model2vec import StaticModel
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from searchctl import Index, open_encoder
from searchctl.encoders.static import StaticEncoder, static_files
from searchctl.errors import EncoderUnavailable

WORDS = ["[UNK]", "green", "tea", "steel", "bridge", "чай", "зелёный", "the"]
TEXTS = ["green tea", "the steel bridge the", "зелёный чай", "unheard green of", "tea " * 700]


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def save_static(folder: Path, **parts: Any) -> StaticModel:
    """Write a model of 8 tokens with 16 numbers each, by the library that makes such models."""
    table = np.random.default_rng(5).normal(size=(len(WORDS), 16)).astype(np.float32)
    model = StaticModel(table if "token_mapping" not in parts else table[:5], tokenizer(), {}, normalize=True, **parts)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"weights": np.linspace(0.1, 2, len(WORDS)), "token_mapping": np.array([0, 1, 2, 3, 4, 1, 2, 3])},
    ],
    ids=["plain", "quantised vocabulary"],
)
def test_vectors_are_those_of_model2vec(tmp_path: Path, parts: dict[str, Any]) -> None:
    model = save_static(tmp_path, **parts)
    encoder = open_encoder(str(tmp_path))
    assert isinstance(encoder, StaticEncoder) and encoder.dim == 16 and encoder.max_tokens == 512
    np.testing.assert_allclose(encoder.encode_documents(TEXTS), model.encode(TEXTS), atol=2e-6)
    np.testing.assert_array_equal(encoder.encode_queries(TEXTS), encoder.encode_documents(TEXTS))


def test_half_precision_and_whole_numbers_are_read(tmp_path: Path) -> None:
    for kind in (np.float16, np.int8):
        table = np.random.default_rng(5).integers(-100, 100, (len(WORDS), 16)).astype(kind)
        folder = tmp_path / np.dtype(kind).name
        folder.mkdir()
        save_file({"embeddings": table}, folder / "model.safetensors")
        tokenizer().save(str(folder / "tokenizer.json"))
        mean = table[[1, 2]].astype(np.float32).mean(axis=0)
        found = open_encoder(str(folder)).encode_documents(["green tea"])[0]
        np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-6)


def test_a_text_without_known_words_still_has_a_vector(tmp_path: Path) -> None:
    save_static(tmp_path)
    vectors = open_encoder(str(tmp_path)).encode_documents(["", "nothing known"])
    assert vectors.tolist() == [[1.0] + [0.0] * 15] * 2


def test_a_model_with_more_layers_is_not_taken_for_a_static_one(tmp_path: Path) -> None:
    save_static(tmp_path)
    assert static_files(tmp_path) is not None
    (tmp_path / "modules.json").write_text('[{"type": "x.StaticEmbedding"}, {"type": "x.Dense"}]')
    assert static_files(tmp_path) is None


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    save_file({"embeddings": np.ones((3, 4), np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(EncoderUnavailable, match="3 vectors for 8 tokens"):
        open_encoder(str(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(EncoderUnavailable, match="can't load the encoder"):
        open_encoder(str(tmp_path))


def test_an_index_is_made_and_searched_with_one(tmp_path: Path) -> None:
    save_static(tmp_path / "model")
    with Index.open(tmp_path / "engine", encoder=str(tmp_path / "model")) as index:
        index.ingest([{"id": "tea", "text": "green tea"}, {"id": "bridge", "text": "the steel bridge"}])
        assert index.search("tea", mode="vector")[0].id == "tea"
