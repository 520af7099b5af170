"""Each named Hugging Face model, tiny and random but with its published settings: pooling, prefixes, casing and length."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.errors import EncoderUnavailable
from searchctl.models.catalogue import known_model, known_models
from tests.encoders.tiny_models import PUBLISHED, save_sentence_folder, save_tiny
from tests.extras import torch_extra

torch, transformers, _ = torch_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own
TEXTS = ["green tea", "Чай", "tea tea green чай tea passage document"]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEARCHCTL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "models"


def by_hand(model: Any, tokenizer: Any, pooling: str, text: str, longest: int) -> Any:
    """Encode one text by itself, with transformers and numpy alone."""
    given = tokenizer(text, return_tensors="pt", truncation=True, max_length=longest)
    given = {key: value for key, value in given.items() if key in ("input_ids", "attention_mask")}
    with torch.no_grad():
        states = model(**given)
    tokens = states.last_hidden_state[0].numpy()
    vector = {
        "mean": lambda: tokens.mean(axis=0),
        "cls": lambda: tokens[0],
        "lasttoken": lambda: tokens[-1],
        "pooler": lambda: states.pooler_output[0].numpy(),
    }[pooling]()
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_plain_folder_is_used_as_its_page_says(name: str, models: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = save_tiny(models / name, name)
    known = known_model(name)
    assert known is not None
    tokenizer = transformers.AutoTokenizer.from_pretrained(models / name)
    encoder = open_encoder(name)
    assert (encoder.name, encoder.dim, encoder.max_tokens) == (name, 32, known.max_tokens)
    for prefix, encode in (
        (known.query_prefix, encoder.encode_queries),
        (known.document_prefix, encoder.encode_documents),
    ):
        expected = [by_hand(model, tokenizer, known.pooling, prefix + text, known.max_tokens) for text in TEXTS]
        np.testing.assert_allclose(encode(TEXTS), expected, atol=2e-6)
    assert not [one for one in caplog.records if one.name == "searchctl"], "nothing is guessed"
    upper, lower = encoder.encode_documents(["GREEN TEA", "green tea"])
    folds = known.lower_case or PUBLISHED[name].tokenizer.get("do_lower_case", PUBLISHED[name].kind == "BertConfig")
    assert np.allclose(upper, lower, atol=1e-6) == folds


@pytest.mark.parametrize("name", ["ruRoberta-large", "LaBSE", "sbert_large_nlu_ru", "FRIDA"])
def test_a_long_text_is_cut_where_its_page_says(name: str, models: Path) -> None:
    model = save_tiny(models / name, name)
    known = known_model(name)
    assert known is not None
    tokenizer = transformers.AutoTokenizer.from_pretrained(models / name)
    encoder = open_encoder(name)
    text = "green tea чай " * 400
    expected = by_hand(model, tokenizer, known.pooling, known.document_prefix + text, known.max_tokens)
    assert encoder.encode_documents([text])[0] == pytest.approx(expected, abs=5e-6)
    np.testing.assert_allclose(
        encoder.encode_documents([text + "tea " * 50]), encoder.encode_documents([text]), atol=1e-6
    )


def test_all_transformers_of_the_catalogue_with_known_pooling_are_tested_or_like_one_that_is() -> None:
    untested = {
        known.name
        for known in known_models().values()
        if known.family == "transformers" and known.name not in PUBLISHED
    }
    assert untested == {  # same architecture, tokenizer and settings as a tested one, or settings of their own in their folders
        "multilingual-e5-base", "e5-small-v2", "e5-base-v2", "e5-large-v2", "bge-base-en-v1.5", "bge-large-en-v1.5", "USER2-small",
        "rubert-mini-frida", "rubert-tiny-turbo", "paraphrase-multilingual-MiniLM-L12-v2", "all-MiniLM-L6-v2",
    }  # fmt: skip


def test_labse_gives_the_same_vectors_as_sentence_transformers_folder_and_plain(models: Path, tmp_path: Path) -> None:
    """Its dense layer is BERT's pooler."""
    from searchctl.models.sentences import sentence_modules

    save_tiny(models / "LaBSE-en-ru", "LaBSE-en-ru")
    plain = open_encoder("LaBSE-en-ru")
    modules = sentence_modules()
    transformer = modules.Transformer(str(models / "LaBSE-en-ru"), max_seq_length=512)
    pooler = transformer.auto_model.pooler.dense
    dense = modules.Dense(32, 32, activation_function=torch.nn.Tanh())
    dense.linear.load_state_dict(pooler.state_dict())
    parts = [transformer, modules.Pooling(32, pooling_mode="cls"), dense, modules.Normalize()]
    library = __import__("sentence_transformers").SentenceTransformer(modules=parts, device="cpu")
    library.save(str(tmp_path / "whole"))
    whole = open_encoder(str(tmp_path / "whole"))
    np.testing.assert_allclose(whole.encode_documents(TEXTS), plain.encode_documents(TEXTS), atol=1e-6)
    np.testing.assert_allclose(whole.encode_documents(TEXTS), library.encode(TEXTS), atol=1e-6)
    assert whole.revision == plain.revision


def test_a_pooler_without_weights_is_refused(models: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_tiny(models / "LaBSE", "LaBSE")
    path = models / "LaBSE" / "model.safetensors"
    save_file({key: value for key, value in load_file(path).items() if "pooler" not in key}, path, {"format": "pt"})
    with pytest.raises(EncoderUnavailable, match=r"wasn't trained for this: it lacks pooler\.dense\.bias"):
        open_encoder("LaBSE")


def test_what_nobody_says_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_tiny(tmp_path / "mine", "rubert-tiny2")
    open_encoder(str(tmp_path / "mine"))
    (told,) = [record.getMessage() for record in caplog.records]
    assert (
        "the mean of its tokens is taken and queries and documents get no prefix" in told and "searchctl.json" in told
    )


def test_a_sentence_transformers_folder_without_prompts_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_tiny(tmp_path / "mine", "multilingual-e5-small")
    save_sentence_folder(tmp_path / "mine", "mean_tokens")
    open_encoder(str(tmp_path / "mine"))
    assert "queries and documents get no prefix" in caplog.text and "the mean" not in caplog.text
    caplog.clear()
    (tmp_path / "mine" / "config_sentence_transformers.json").write_text('{"prompts": {}}')
    open_encoder(str(tmp_path / "mine"))
    assert not caplog.records


def test_the_models_own_words_come_before_the_catalogues(models: Path) -> None:
    model = save_tiny(models / "multilingual-e5-small", "multilingual-e5-small")
    save_sentence_folder(models / "multilingual-e5-small", "cls_token", {"query": "search: ", "document": "tea "})
    tokenizer = transformers.AutoTokenizer.from_pretrained(models / "multilingual-e5-small")
    encoder = open_encoder("multilingual-e5-small")
    assert encoder.max_tokens == 16
    assert encoder.encode_queries(["чай"])[0] == pytest.approx(
        by_hand(model, tokenizer, "cls", "search: чай", 16), abs=2e-6
    )
    assert encoder.encode_documents(["чай"])[0] == pytest.approx(
        by_hand(model, tokenizer, "cls", "tea чай", 16), abs=2e-6
    )


def test_prompts_that_are_empty_leave_the_word_to_the_catalogue(models: Path) -> None:
    """Whoever saves a model with sentence-transformers gets empty prompts written."""
    model = save_tiny(models / "multilingual-e5-small", "multilingual-e5-small")
    save_sentence_folder(models / "multilingual-e5-small", "mean_tokens", {"query": "", "document": ""})
    tokenizer = transformers.AutoTokenizer.from_pretrained(models / "multilingual-e5-small")
    found = open_encoder("intfloat/multilingual-e5-small").encode_queries(["чай"])[0]
    assert found == pytest.approx(by_hand(model, tokenizer, "mean", "query: чай", 16), abs=2e-6)


def test_our_own_file_has_the_last_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = save_tiny(tmp_path / "mine", "rubert-tiny2")
    (tmp_path / "mine" / "searchctl.json").write_text(json.dumps({"pooling": "cls", "query_prefix": "query : "}))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "mine")
    encoder = open_encoder(str(tmp_path / "mine"))
    assert encoder.encode_queries(["tea"])[0] == pytest.approx(
        by_hand(model, tokenizer, "cls", "query : tea", 99), abs=2e-6
    )
    assert encoder.max_tokens == 2048 and not caplog.records


def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path) -> None:
    save_tiny(tmp_path / "mine", "rubert-tiny2")
    (tmp_path / "mine" / "modules.json").write_text('[{"idx": 0, "name": "0", "path": "", "type": "custom.Thing"}]')
    with pytest.raises(EncoderUnavailable, match=r"needs the class custom\.Thing"):
        open_encoder(str(tmp_path / "mine"))


def test_tensorflow_weights_alone_are_refused_with_the_way_out(tmp_path: Path) -> None:
    save_tiny(tmp_path / "mine", "rubert-tiny2")
    (tmp_path / "mine" / "model.safetensors").rename(tmp_path / "mine" / "tf_model.h5")
    with pytest.raises(EncoderUnavailable, match="from_tf=True"):
        open_encoder(str(tmp_path / "mine"))


def test_texts_of_many_lengths_have_the_same_vectors_together_and_alone(models: Path) -> None:
    """A decoder with padding on the left, and a T5."""
    for name in ("Qwen3-Embedding-0.6B", "rut5-base-multitask", "USER2-base"):
        save_tiny(models / name, name)
        encoder = open_encoder(name)
        texts = ["tea " * length for length in (1, 9, 3, 20)]
        alone = np.concatenate([encoder.encode_documents([text]) for text in texts])
        np.testing.assert_allclose(encoder.encode_documents(texts), alone, atol=5e-6)
        shutil.rmtree(models / name)


def test_what_is_loaded_says_nothing_by_itself(models: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("searchctl").setLevel(logging.WARNING)
    save_tiny(models / "rut5-base-multitask", "rut5-base-multitask")
    capfd.readouterr()
    open_encoder("rut5-base-multitask").encode_documents(TEXTS)
    assert capfd.readouterr() == ("", "")
