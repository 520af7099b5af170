"""Opening encoders by name, the shipped model's vectors, and models of other makers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from searchctl.encoders import DEFAULT_ENCODER, open_encoder
from searchctl.encoders.hashing import HashingEncoder
from searchctl.encoders.opening import _SHIPPED
from searchctl.errors import EncoderMismatch, EncoderUnavailable, MissingExtra
from searchctl.index import Index

# First numbers of the unquantised model's vectors (float32).
UNQUANTISED_QUERY = [0.0478, -0.0516, -0.0067, -0.0805, 0.0575, -0.067, 0.0376, 0.0447]
UNQUANTISED_DOCUMENT = [0.0196, 0.0042, -0.0258, -0.0997, 0.0445, -0.0227, -0.0036, -0.0376]


def test_vectors_are_near_those_of_the_unquantised_model() -> None:
    encoder = open_encoder()
    query = encoder.encode_queries(["how do I return an item"])[0]
    document = encoder.encode_documents(["Верните товар в течение 30 дней."])[0]
    np.testing.assert_allclose(query[:8], UNQUANTISED_QUERY, atol=0.01)
    np.testing.assert_allclose(document[:8], UNQUANTISED_DOCUMENT, atol=0.01)


def test_questions_find_answers_in_the_other_language() -> None:
    encoder = open_encoder()
    answers = encoder.encode_documents(
        [
            "Return the item within thirty days.",
            "Верните товар в течение тридцати дней.",
            "The moon has no air.",
            "У луны нет воздуха.",
        ]
    )
    for question, right in (("Как вернуть товар?", {0, 1}), ("Is there air on the moon?", {2, 3})):
        order = np.argsort(-(encoder.encode_queries([question]) @ answers.T)[0])
        assert set(order[:2]) == right


def test_queries_and_documents_are_encoded_differently() -> None:
    encoder = open_encoder()
    assert float((encoder.encode_queries(["tea"]) * encoder.encode_documents(["tea"])).sum()) < 0.999


def test_the_shipped_encoder_needs_no_network() -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('network!')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from searchctl import open_encoder\n"
        "print(open_encoder().encode_queries(['hello']).shape)\n"
        "assert 'torch' not in sys.modules"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "(1, 384)"
    )


def test_unknown_names_say_what_can_be_typed(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="hashing"):
        open_encoder(str(tmp_path / "nowhere"))
    with pytest.raises(EncoderUnavailable, match="hashing:128"):
        open_encoder("hashing:lots")


def test_a_missing_extra_is_one_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra) as caught:
        open_encoder("intfloat/e5-base")
    assert re.search(r"pip install .*\[torch\]'", str(caught.value)) and "\n" not in str(caught.value)


def test_words_and_their_pieces_decide_hashed_vectors() -> None:
    encoder = HashingEncoder(256)
    query, near, far = encoder.encode_documents(["green tea", "tea, greener", "steel bridge"])
    assert query @ near > 0.5 > abs(query @ far)


def make_model(folder: Path, output: str, *, pooled: bool) -> None:
    """Write a model whose token states are rows of a small table, so that its vectors can be worked out by hand."""
    table = np.array([[0, 0], [3, 4], [0, 2], [6, 0]], np.float32)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["states"])]
    shape = ["batch", "tokens", 2]
    if pooled:
        nodes.append(helper.make_node("ReduceMax", ["states"], [output], axes=[1], keepdims=0))
        shape = ["batch", 2]
    else:
        nodes[0].output[0] = output
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        inputs,
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(table, "table")],
    )
    (folder / "onnx").mkdir(parents=True)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        folder / "onnx" / "model.onnx",
    )
    tokenizer = Tokenizer(models.WordLevel({"[PAD]": 0, "a": 1, "b": 2, "q:": 3}, unk_token="[PAD]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))


def test_tokens_may_have_another_length_than_the_texts_vectors(tmp_path: Path) -> None:
    make_model(tmp_path / "m", "last_hidden_state", pooled=False)
    path = tmp_path / "m" / "onnx" / "model.onnx"
    model = onnx.load(path)
    model.graph.node.append(helper.make_node("ReduceMax", ["last_hidden_state"], ["most"], axes=[1], keepdims=0))
    model.graph.node.append(helper.make_node("MatMul", ["most", "wider"], ["sentence_embedding"]))
    model.graph.initializer.append(numpy_helper.from_array(np.ones((2, 3), np.float32), "wider"))
    output = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", 3])
    model.graph.output.append(output)
    onnx.save(model, path)
    encoder = open_encoder(str(tmp_path / "m"))
    assert encoder.dim == 3
    np.testing.assert_allclose(encoder.query_tokens(["a b"])[0], [[0.3, 0.4], [0, 0.5]], atol=1e-6)  # type: ignore[attr-defined]
    np.save(tmp_path / "m" / "token_importance.npy", np.zeros(4, np.float32))
    with pytest.raises(EncoderUnavailable, match="these tokens take 3 numbers"):
        open_encoder(str(tmp_path / "m")).query_tokens(["a"])  # type: ignore[attr-defined]


def test_a_foreign_folder_is_pooled_as_its_files_say(tmp_path: Path) -> None:
    make_model(tmp_path / "mean", "last_hidden_state", pooled=False)
    encoder = open_encoder(str(tmp_path / "mean"))
    assert (encoder.dim, encoder.max_tokens) == (2, 512)
    mean = np.array([3, 6]) / 2  # of (3, 4) and (0, 2)
    np.testing.assert_allclose(encoder.encode_documents(["a b", "b"]), [mean / np.linalg.norm(mean), [0, 1]], atol=1e-6)

    make_model(tmp_path / "cls", "last_hidden_state", pooled=False)
    (tmp_path / "cls" / "1_Pooling").mkdir()
    (tmp_path / "cls" / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    np.testing.assert_allclose(open_encoder(str(tmp_path / "cls")).encode_documents(["a b"]), [[0.6, 0.8]], atol=1e-6)


def test_prompts_and_length_come_from_the_models_files(tmp_path: Path) -> None:
    make_model(tmp_path / "m", "last_hidden_state", pooled=False)
    (tmp_path / "m" / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "q: ", "document": ""}})
    )
    (tmp_path / "m" / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 2}))
    encoder = open_encoder(str(tmp_path / "m"))
    query = np.array([9, 4]) / 2  # of the prompt's (6, 0) and (3, 4)
    np.testing.assert_allclose(encoder.encode_queries(["a"]), [query / np.linalg.norm(query)], atol=1e-6)
    np.testing.assert_allclose(encoder.encode_documents(["b b b b a"]), encoder.encode_documents(["b a"]), atol=1e-6)


def test_a_model_that_pools_itself_is_taken_at_its_word(tmp_path: Path) -> None:
    make_model(tmp_path / "m", "sentence_embedding", pooled=True)
    np.testing.assert_allclose(open_encoder(str(tmp_path / "m")).encode_documents(["a b"]), [[0.6, 0.8]], atol=1e-6)


def test_broken_folders_are_refused_with_a_sentence(tmp_path: Path) -> None:
    make_model(tmp_path / "m", "last_hidden_state", pooled=False)
    (tmp_path / "m" / "onnx" / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(EncoderUnavailable, match="can't load"):
        open_encoder(str(tmp_path / "m"))
    (tmp_path / "m" / "tokenizer.json").unlink()
    with pytest.raises(EncoderUnavailable, match=r"tokenizer\.json"):
        open_encoder(str(tmp_path / "m"))


def test_an_index_refuses_another_encoder_and_says_what_to_type(tmp_path: Path) -> None:
    with Index.open(tmp_path / "engine", encoder="hashing:32") as index:
        index.ingest(["text"])
    with pytest.raises(EncoderMismatch, match=r"hashing:32.*--index NEW --encoder hashing:64"):
        Index.open(tmp_path / "engine", encoder="hashing:64")
    with Index.open(tmp_path / "engine") as again:
        assert again.encoder is not None and again.encoder.name == "hashing:32"


def test_an_index_made_with_a_folder_opens_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_model(tmp_path / "models" / "m", "last_hidden_state", pooled=False)
    monkeypatch.chdir(tmp_path)
    with Index.open("engine", encoder="models/m") as index:
        index.ingest([{"id": "1", "text": "a"}, {"id": "2", "text": "b"}])
    monkeypatch.chdir(tmp_path / "models")
    with Index.open("../engine") as index:
        assert index.search("b", mode="vector")[0].id == "2"


def test_the_default_is_the_shipped_model() -> None:
    assert open_encoder().name == open_encoder("default").name == DEFAULT_ENCODER


def test_an_encoder_that_has_changed_since_says_how_to_make_the_vectors_anew(tmp_path: Path) -> None:
    with Index.open(tmp_path, encoder="hashing:32") as index:
        index.ingest(["green tea"])
        stamp = replace(index.schema.encoder, revision="0" * 12)  # type: ignore[type-var]
        index.engine.update_schema("default", replace(index.schema, encoder=stamp))
    with Index.open(tmp_path) as index:
        with pytest.raises(
            EncoderMismatch, match="searchctl reembed --index default --encoder hashing:32 --known-items 0"
        ):
            index.search("tea")
        assert len(index.search("tea", mode="lexical")) == 1


@pytest.mark.parametrize(
    "settings",
    [
        '{"dim": "x"}',
        '{"dim": -1}',
        '{"max_tokens": 0}',
        '{"pad_id": null}',
        '{"pooling": "median"}',
        '{"query_prefix": 5}',
        '{"token_states": 5}',
        '{"dim": 100}',
        "{",
    ],
)
def test_settings_of_a_model_that_cannot_be_are_refused(settings: str, tmp_path: Path) -> None:
    for file in (_SHIPPED / DEFAULT_ENCODER).iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "searchctl.json").unlink()
    (tmp_path / "searchctl.json").write_text(settings)
    with pytest.raises(EncoderUnavailable, match="restore the folder|restore the model's folder"):
        open_encoder(str(tmp_path)).encode_documents(["tea"])
