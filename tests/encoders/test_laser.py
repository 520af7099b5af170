"""LASER2 on a checkpoint and a vocabulary made here, against nano-laser, which is the original's code in torch."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.errors import EncoderUnavailable
from tests.extras import torch_extra

torch, _, _ = torch_extra()
sentencepiece = pytest.importorskip("sentencepiece", reason="needs the extra laser")
pytest.importorskip("sacremoses", reason="needs the extra laser")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own
LINES = ["the green tea is hot", "зелёный чай горячий", "a steel bridge over the river", "стальной мост через реку"]
TEXTS = ["Green tea", "Зелёный «чай» — горячий…", "a steel bridge " * 30, "", "\u200bhidden\ttabs", "‘quoted’ „words”"]


def save_laser(folder: Path) -> None:
    folder.mkdir(parents=True)
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 20), model_writer=made, vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    (folder / "laser2.spm").write_bytes(made.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    pieces = [processor.id_to_piece(number) for number in range(3, processor.get_piece_size())]
    special = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    numbers = special | {piece: row for row, piece in enumerate(reversed(pieces), 4)}  # not sentencepiece's order
    torch.manual_seed(2)
    embedding, lstm = torch.nn.Embedding(len(numbers), 12, padding_idx=1), torch.nn.LSTM(12, 16, 3, bidirectional=True)
    weights = {f"embed_tokens.{key}": value for key, value in embedding.state_dict().items()}
    weights |= {f"lstm.{key}": value for key, value in lstm.state_dict().items()}
    params = {
        "num_embeddings": len(numbers), "padding_idx": 1, "embed_dim": 12, "hidden_size": 16, "num_layers": 3,
        "bidirectional": True, "left_pad": True, "padding_value": 0.0,
    }  # fmt: skip
    torch.save({"params": params, "model": weights, "dictionary": numbers}, folder / "laser2.pt")


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
