"""A classifier's folder made by hand, without torch: each word of a text speaks for one label."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from tokenizers import Tokenizer, models, pre_tokenizers

from searchctl.routing.classifier import (
    ClassifierSettings,
    HeldOutAnswers,
    classifier_facts,
    text_hash,
    write_answers,
)

STRENGTH = 4.0  # logit of one word for its label


def make_classifier(
    folder: Path,
    words: Mapping[str, str],
    labels: Sequence[str],
    *,
    held_out: Sequence[tuple[str, tuple[str, ...]]] = (),
    seen: Sequence[str] = (),
    multi_label: bool = False,
    outside: bool = False,
) -> Path:
    """Write a folder whose logits are 4 for each of a text's words that stands for a label, "" being no label."""
    folder.mkdir()
    names = [*labels, *([""] if outside and not multi_label else [])]
    vocabulary = {word: number for number, word in enumerate(("[PAD]", "[UNK]", *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.zeros((len(vocabulary), len(names)), np.float32)
    for word, label in words.items():
        table[vocabulary[word], names.index(label)] = STRENGTH
    _write_model(folder / "model.onnx", table)
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    rows = [
        sum((table[vocabulary.get(word, 1)] for word in text.split()), np.zeros(len(names))) for text, _ in held_out
    ]
    members = np.zeros((len(held_out), len(names)))
    for row, (_, own) in enumerate(held_out):
        members[row, [names.index(label) for label in own]] = 1
    answers = HeldOutAnswers(
        np.array(rows, np.float32).reshape(-1, len(names)),
        members.astype(np.float32),
        np.array([text_hash(text) for text in (*seen, *(text for text, _ in held_out))], np.int64),
    )
    settings = ClassifierSettings(tuple(labels), multi_label, outside, 64, trained_on=len(seen))
    (folder / "searchctl.json").write_text(json.dumps(classifier_facts(settings)))
    write_answers(folder, answers)
    return folder


def _write_model(path: Path, table: np.ndarray) -> None:
    helper, kind = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["states"]),
        helper.make_node("ReduceSum", ["states", "axes"], ["logits"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "words",
        [helper.make_tensor_value_info("input_ids", kind.INT64, ["n", "tokens"])],
        [helper.make_tensor_value_info("logits", kind.FLOAT, ["n", table.shape[1]])],
        [
            onnx.numpy_helper.from_array(table, "table"),
            onnx.numpy_helper.from_array(np.array([1], np.int64), "axes"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
