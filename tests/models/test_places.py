"""A name leads to a folder: in `$SEARCHCTL_MODELS`, in the caches, or to a message with the files and where to put them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.encoders import DEFAULT_ENCODER
from searchctl.encoders.opening import _SHIPPED
from searchctl.errors import EncoderUnavailable
from searchctl.models.places import model_folder, models_folders
from tests.encoders.test_static import save_static


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SEARCHCTL_MODELS", "XDG_CACHE_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def save_onnx(folder: Path) -> Path:
    """Put the shipped model's files into a folder, without its settings."""
    folder.mkdir(parents=True)
    for name in ("model.onnx", "tokenizer.json"):
        (folder / name).symlink_to(_SHIPPED / DEFAULT_ENCODER / name)
    (folder / "config.json").write_text('{"pad_token_id": 1}')
    return folder


def test_the_order_is_own_folder_own_cache_cache_of_the_hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_hub = home / "hub" / "models--minishlab--potion-base-8M"
    (in_hub / "refs").mkdir(parents=True)
    (in_hub / "refs" / "main").write_text("a" * 40)
    (in_hub / "snapshots" / ("a" * 40)).mkdir(parents=True)
    assert model_folder("potion-base-8M") == in_hub / "snapshots" / ("a" * 40)
    cached = home / ".cache" / "searchctl" / "models" / "potion-base-8M"
    cached.mkdir(parents=True)
    assert model_folder("minishlab/potion-base-8M") == model_folder("POTION-base-8m") == cached
    monkeypatch.setenv("SEARCHCTL_MODELS", "~/mine")
    assert models_folders() == [home / "mine", cached.parent] and model_folder("potion-base-8M") == cached
    (home / "mine" / "minishlab" / "potion-base-8M").mkdir(parents=True)
    assert model_folder("potion-base-8M") == home / "mine" / "minishlab" / "potion-base-8M"
    (home / "mine" / "potion-base-8M").mkdir()
    assert model_folder("potion-base-8M") == home / "mine" / "potion-base-8M"


def test_a_static_model_opens_by_its_name_and_keeps_it(home: Path) -> None:
    folder = home / ".cache" / "searchctl" / "models" / "potion-base-8M"
    save_static(folder)
    encoder = open_encoder("minishlab/potion-base-8M")
    assert encoder.name == "potion-base-8M"
    np.testing.assert_array_equal(
        encoder.encode_documents(["green tea"]), open_encoder(str(folder)).encode_documents(["green tea"])
    )


def test_an_onnx_export_of_a_known_model_gets_its_prefixes(home: Path) -> None:
    """Exports of third parties carry none."""
    save_onnx(home / ".cache" / "searchctl" / "models" / "multilingual-e5-small")
    known, shipped = open_encoder("multilingual-e5-small"), open_encoder()
    texts = ["green tea", "зелёный чай"]
    np.testing.assert_allclose(known.encode_queries(texts), shipped.encode_queries(texts), atol=1e-6)
    np.testing.assert_allclose(known.encode_documents(texts), shipped.encode_documents(texts), atol=1e-6)


def test_what_is_not_here_is_told_with_its_files_and_their_place(home: Path) -> None:
    place = home / ".cache" / "searchctl" / "models"
    with pytest.raises(EncoderUnavailable) as caught:
        open_encoder("rubert-tiny2")
    assert "searchctl models fetch rubert-tiny2" in str(caught.value)
    assert (
        f"put config.json, tokenizer.json or vocab.txt and model.safetensors or pytorch_model.bin into {place}/rubert-tiny2"
        in str(caught.value)
    )
    assert "https://huggingface.co/cointegrated/rubert-tiny2" in str(caught.value)
    with pytest.raises(EncoderUnavailable, match=f"laser2.pt, laser2.spm and laser2.cvocab into {place}/LASER2"):
        open_encoder("LASER2")


def test_a_slip_of_the_finger_is_answered_with_the_nearest_name(home: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="no encoder 'rubert-tiny3'.*did you mean 'rubert-tiny2'"):
        open_encoder("rubert-tiny3")


def test_no_name_leads_out_of_the_folder_of_models(home: Path) -> None:
    (home / ".cache" / "searchctl" / "models").mkdir(parents=True)
    assert model_folder("..") is None and model_folder("a/..") is None and model_folder("") is None
