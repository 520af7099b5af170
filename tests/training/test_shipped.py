"""The shipped encoder's weights, taken apart: they give the vectors that its ONNX file gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl import open_encoder
from searchctl.encoders import DEFAULT_ENCODER
from searchctl.training.bases import base_revision
from searchctl.training.shipped import shipped_base
from tests.extras import torch_extra

torch_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own


def test_what_learns_is_what_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sentence_transformers import SentenceTransformer

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SEARCHCTL_MODELS", raising=False)
    folder = shipped_base()
    assert folder.parent == tmp_path / "searchctl" / "models" and shipped_base() == folder
    assert base_revision(DEFAULT_ENCODER) == base_revision("default") == base_revision(str(folder))
    texts = ["Return the item within thirty days.", "Верните товар в течение тридцати дней.", "the moon"]
    model = SentenceTransformer(str(folder), local_files_only=True)
    made = model.encode([f"passage: {text}" for text in texts], normalize_embeddings=True)
    assert ((made * open_encoder().encode_documents(texts)).sum(axis=1) > 0.999).all()
    assert model.max_seq_length == 512 and model.prompts["query"] == "query: "
