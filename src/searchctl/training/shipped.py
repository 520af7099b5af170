"""The shipped encoder as something that can learn: its quantised ONNX weights taken apart into a sentence-transformers folder.

The embedding table and the matrices after GELU are stored without loss (tools/build_encoder.py); of the others 7 bits are left.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from searchctl.encoders import DEFAULT_ENCODER, encoder_folder
from searchctl.encoders.settings import read_settings
from searchctl.errors import MissingExtra
from searchctl.models.places import models_folders

_BLOCK = 32
_PARTS = ("query", "key", "value")
_MARK = "unpacked.json"

Weights = dict[str, NDArray[np.float32]]


def is_shipped(name: str) -> bool:
    """Tell whether a name means the encoder that ships with searchctl."""
    return name in ("default", DEFAULT_ENCODER)


def shipped_base() -> Path:
    """Return a folder with the shipped encoder's weights for training, made when first asked for; raises MissingExtra."""
    source = encoder_folder(DEFAULT_ENCODER)
    settings = read_settings(source)
    folder = models_folders()[-1] / f"{DEFAULT_ENCODER}-{settings.revision}"
    if (folder / _MARK).is_file():
        return folder
    try:
        onnx = importlib.import_module("onnx")
    except ImportError as error:
        raise MissingExtra("training on from the shipped encoder", "train") from error
    model = onnx.load(source / "model.onnx")
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    heads = next(
        attribute.i for node in model.graph.node for attribute in node.attribute if attribute.name == "num_heads"
    )
    draft = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}.tmp")
    draft.mkdir(parents=True)
    try:
        weights = unpack(stored)
        save_file(weights, draft / "model.safetensors", metadata={"format": "pt"})
        shutil.copy(source / "tokenizer.json", draft / "tokenizer.json")
        for name, content in _settings(weights, int(heads), settings).items():
            path = draft / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def unpack(stored: Mapping[str, NDArray[Any]]) -> Weights:
    """Return BERT's weights by transformers' names from the constants of the ONNX graph that tools/build_encoder.py writes."""
    weights: Weights = {
        "embeddings.word_embeddings.weight": _of_4_bits(stored["table"], stored["table.scales"]),
        "embeddings.position_embeddings.weight": np.asarray(stored["places"], np.float32),
        "embeddings.token_type_embeddings.weight": np.zeros(
            (2, stored["places"].shape[1]), np.float32
        ),  # added to places
    }
    weights |= _norm(stored, "embeddings.LayerNorm")
    layers = len({name.split(".")[2] for name in stored if name.startswith("encoder.layer.")})
    inputs = "layer_in"
    for number in range(layers):
        name = f"encoder.layer.{number}"
        attention = [f"{name}.attention.self.{part}" for part in _PARTS]
        biases = np.split(stored[f"{name}.attention.bias"], len(_PARTS))
        for part, bias in zip(attention, biases, strict=True):
            weights[f"{part}.weight"] = _matrix(stored, part, inputs)
            weights[f"{part}.bias"] = np.ascontiguousarray(bias)
        middle = f"{name}.attention.output.normed"
        for part, given in (("attention.output", ""), ("intermediate", middle), ("output", "")):
            weights[f"{name}.{part}.dense.weight"] = _matrix(stored, f"{name}.{part}.dense", given)
            place = f"{name}.{part}.bias" if part == "intermediate" else f"{name}.{part}.dense.bias"
            weights[f"{name}.{part}.dense.bias"] = np.asarray(stored[place], np.float32)
        weights |= _norm(stored, f"{name}.attention.output.LayerNorm") | _norm(stored, f"{name}.output.LayerNorm")
        inputs = f"{name}.output.normed"
    return weights


def _matrix(stored: Mapping[str, NDArray[Any]], name: str, inputs: str) -> NDArray[np.float32]:
    """Return a matrix (outputs, inputs): what was put from its inputs into its weights goes back."""
    packed, scales = stored[f"{name}.matrix"], stored[f"{name}.scales"]
    if packed.dtype == np.uint8:
        matrix = _of_4_bits(packed, scales.reshape(packed.shape[:2]))
    elif packed.dtype == np.int8:
        matrix = np.asarray(packed.T * scales[:, None], np.float32)
    else:
        matrix = np.asarray(packed.T, np.float32)
    evened = stored.get(f"{inputs}.factors")  # one over what the weights were multiplied by
    return np.ascontiguousarray(matrix if evened is None else matrix * evened, np.float32)


def _of_4_bits(packed: NDArray[Any], scales: NDArray[Any]) -> NDArray[np.float32]:
    blocks = packed.reshape(*scales.shape, _BLOCK // 2)
    numbers = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*scales.shape, _BLOCK).astype(np.float32) - 8
    return np.asarray((numbers * scales[..., None]).reshape(len(packed), -1), np.float32)


def _norm(stored: Mapping[str, NDArray[Any]], name: str) -> Weights:
    return {f"{name}.{part}": np.asarray(stored[f"{name}.{part}"], np.float32) for part in ("weight", "bias")}


def _settings(weights: Weights, heads: int, settings: Any) -> dict[str, Any]:
    """Return the small files of a sentence-transformers folder."""
    vocabulary, hidden = weights["embeddings.word_embeddings.weight"].shape
    layers = sum(name.endswith("intermediate.dense.weight") for name in weights)
    marks = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    kinds = (("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": len(weights["encoder.layer.0.intermediate.dense.bias"]),
            "vocab_size": vocabulary,
            "max_position_embeddings": len(weights["embeddings.position_embeddings.weight"]),
            "type_vocab_size": 2,
            "layer_norm_eps": 1e-12,
            "hidden_act": "gelu",
            "pad_token_id": settings.pad_id,
            "bos_token_id": 0,
            "eos_token_id": 2,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": settings.max_tokens,
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            **marks,
        },
        "modules.json": [
            {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for number, (kind, path) in enumerate(kinds)
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": settings.max_tokens, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": settings.query_prefix, "document": settings.document_prefix}
        },
        _MARK: {"format": 1, "from": DEFAULT_ENCODER, "revision": settings.revision},
    }
