"""Encoders written as ONNX: the same vectors without torch, each architecture and pooling."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.encoders.onnx import OnnxEncoder
from searchctl.errors import SearchctlError, UsageError
from tests.encoders.test_named import TEXTS
from tests.encoders.tiny_models import save_tiny
from tests.extras import torch_extra

torch, transformers, _ = torch_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own
KINDS = "LaBSE sbert_large_nlu_ru ruRoberta-large FRIDA USER-base USER2-base Qwen3-Embedding-0.6B".split()


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEARCHCTL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "models"


@pytest.mark.parametrize("name", KINDS)
def test_an_export_gives_the_vectors_of_its_original(name: str, models: Path, tmp_path: Path) -> None:
    from searchctl.encoders.exporting import export_encoder_to_onnx

    save_tiny(models / name, name)
    original = open_encoder(name)
    made = export_encoder_to_onnx(name, tmp_path / "out")
    assert made.agreement.plain > 0.9999 and made.least_cosine > 0.9
    (tmp_path / "out" / "model.onnx").write_bytes((tmp_path / "out" / "onnx" / "model.onnx").read_bytes())  # fp32
    export = open_encoder(str(tmp_path / "out"))
    assert isinstance(export, OnnxEncoder) and (export.dim, export.max_tokens) == (32, original.max_tokens)
    texts = [*TEXTS, "GREEN tea чай " * 200]
    np.testing.assert_allclose(export.encode_documents(texts), original.encode_documents(texts), atol=2e-5)
    np.testing.assert_allclose(export.encode_queries(texts), original.encode_queries(texts), atol=2e-5)


def test_nothing_is_written_over_or_left_half(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from searchctl.encoders import exporting

    save_tiny(models / "rubert-tiny2", "rubert-tiny2")
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="is there already"):
        exporting.export_encoder_to_onnx("rubert-tiny2", tmp_path / "there")
    monkeypatch.setattr("searchctl.models.export.LEAST_PLAIN", 1.1)
    with pytest.raises(SearchctlError, match="gives other outputs than torch"):
        exporting.export_encoder_to_onnx("rubert-tiny2", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "there"]


def test_the_shared_settings_say_how_it_was_made(models: Path, tmp_path: Path) -> None:
    from searchctl.encoders.exporting import export_encoder_to_onnx

    save_tiny(models / "FRIDA", "FRIDA")
    export_encoder_to_onnx("FRIDA", tmp_path / "out")
    settings = json.loads((tmp_path / "out" / "searchctl.json").read_text(encoding="utf-8"))
    assert (settings["query_prefix"], settings["document_prefix"]) == ("search_query: ", "search_document: ")
