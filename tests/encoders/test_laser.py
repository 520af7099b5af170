"""LASER2 on a checkpoint and a vocabulary made here, against nano-laser, which is the original's code in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.errors import EncoderUnavailable
from tests.encoders.laser_files import save_laser
from tests.extras import torch_extra

torch, _, _ = torch_extra()
sentencepiece = pytest.importorskip("sentencepiece", reason="needs the extra laser")
pytest.importorskip("sacremoses", reason="needs the extra laser")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own
TEXTS = ["Green tea", "Зелёный «чай» — горячий…", "a steel bridge " * 30, "", "\u200bhidden\ttabs", "‘quoted’ „words”"]


def test_vectors_are_those_of_the_original(tmp_path: Path) -> None:
    library = pytest.importorskip("nano_laser.models", reason="needs nano-laser")
    save_laser(tmp_path / "LASER2")
    original = library.SentenceEncoder(
        tmp_path / "LASER2" / "laser2.pt", spm_model=tmp_path / "LASER2" / "laser2.spm", cpu=True
    )
    encoder = open_encoder(str(tmp_path / "LASER2"))
    expected = np.concatenate([original(text) for text in TEXTS])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert encoder.dim == 32
    np.testing.assert_allclose(encoder.encode_documents(TEXTS), expected, atol=1e-6)


def test_a_batch_is_as_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHCTL_MODELS", str(tmp_path))
    save_laser(tmp_path / "LASER2")
    encoder = open_encoder("laser2")
    assert encoder.name == "LASER2" and open_encoder("LASER2").revision == encoder.revision
    alone = np.concatenate([encoder.encode_documents([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode_documents(TEXTS), alone, atol=1e-6)
    assert encoder.encode_documents([]).shape == (0, 32) and encoder.count_tokens(["", "green tea"])[0] == 0


def test_nothing_of_a_checkpoint_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("run",)

    save_laser(tmp_path / "LASER2")
    torch.save({"params": Evil(), "model": {}, "dictionary": {}}, tmp_path / "LASER2" / "laser2.pt")
    with pytest.raises(EncoderUnavailable, match="can't load the encoder"):
        open_encoder(str(tmp_path / "LASER2"))
