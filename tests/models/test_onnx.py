"""Transformers as ONNX files: padding, what is missing, what is damaged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from searchctl import encoders
from searchctl.errors import EncoderUnavailable
from searchctl.models.files import onnx_file
from searchctl.models.onnx import OnnxTransformer
from tests.encoders.test_encoders import make_model


def transformer(folder: Path) -> OnnxTransformer:
    return OnnxTransformer(folder, what="the encoder", advice="choose another folder")


def test_rows_of_other_lengths_are_padded_and_masked(tmp_path: Path) -> None:
    make_model(
        tmp_path, "last_hidden_state", pooled=False
    )  # the state of token 1 is (3, 4), of 2 (0, 2), of padding (0, 0)
    model = transformer(tmp_path)
    assert model.outputs == ["last_hidden_state"]
    (states,), mask = model.run(None, [[1, 2], [2]])
    assert states.tolist() == [[[3, 4], [0, 2]], [[0, 2], [0, 0]]]
    assert mask.tolist() == [[1, 1], [1, 0]]


def test_what_is_missing_or_damaged_is_said_with_what_to_do(tmp_path: Path) -> None:
    assert onnx_file(tmp_path) is None
    with pytest.raises(EncoderUnavailable, match=r"needs a model\.onnx and a tokenizer\.json; choose another folder"):
        transformer(tmp_path)
    make_model(tmp_path, "last_hidden_state", pooled=False)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(EncoderUnavailable, match=r"can't load the encoder in .*: tokenizer\.json: .*; choose"):
        transformer(tmp_path).load()


def test_the_shipped_model_is_the_one_its_settings_name_and_gives_out_its_tokens() -> None:
    folder = Path(encoders.__file__).parent / "models" / encoders.DEFAULT_ENCODER
    settings = json.loads((folder / "searchctl.json").read_text())
    for name, expected in settings["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected
    model = transformer(folder)
    assert set(settings["token_states"]) < set(model.outputs)
    states, mask = model.run(settings["token_states"], [[0, 5, 2], [0, 2]])
    assert [layer.shape for layer in states] == [(2, 3, settings["dim"])] * 2 and np.isfinite(states[0][mask > 0]).all()
