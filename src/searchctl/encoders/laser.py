"""LASER2: one encoder for 93 languages, five layers of a bidirectional LSTM over sentencepiece's pieces, in plain torch.

Artetxe and Schwenk, "Massively Multilingual Sentence Embeddings" (2019); github.com/facebookresearch/LASER. It was made for
sentences: of a longer text the strongest feature of any word counts (max pooling).
"""

from __future__ import annotations

import hashlib
import importlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from searchctl.errors import EncoderUnavailable, MissingExtra
from searchctl.models.files import LASER_WEIGHTS
from searchctl.models.hub import first_line
from searchctl.ranking.unit import unit
from searchctl.translation import _
from searchctl.types import Vectors

_PIECES = "laser2.spm"
_END, _UNKNOWN = 2, 3  # fairseq's numbers; 0 begins a text and 1 pads, which isn't done here
_BATCH = 32
_LONGEST = 512  # pieces; an LSTM has no limit, but what is meant for sentences says nothing of pages
_STRUCTURE = {"num_embeddings", "padding_idx", "embed_dim", "hidden_size", "num_layers", "bidirectional"}
_MOST_ROWS, _MOST_SIZE = 5_000_000, 10_000


class LaserEncoder:
    """A folder with `laser2.pt` and `laser2.spm`. Implements `Encoder`.

    Pieces have the numbers that the checkpoint's own dictionary gives them, which aren't sentencepiece's. Nothing of the checkpoint is
    run. Raises MissingExtra, EncoderUnavailable.
    """

    max_tokens = _LONGEST

    def __init__(self, folder: Path, *, name: str | None = None, threads: int | None = None) -> None:
        self.name = name or str(folder)
        self._torch, sentencepiece, moses = _libraries(self.name)
        if threads:
            self._torch.set_num_threads(threads)
        try:
            checkpoint = self._torch.load(folder / LASER_WEIGHTS, map_location="cpu", weights_only=True)
            self._numbers: dict[str, int] = {str(piece): int(row) for piece, row in checkpoint["dictionary"].items()}
            self._embedding, self._lstm = _layers(self._torch, checkpoint)
            self._pieces: Any = sentencepiece.SentencePieceProcessor(model_file=str(folder / _PIECES))
        except Exception as error:  # noqa: BLE001 - torch's and sentencepiece's errors have no common base class
            raise EncoderUnavailable(
                _("can't load the encoder '{name}': {first_line}; it needs {LASER_WEIGHTS} and {PIECES}").format(
                    name=self.name, first_line=first_line(error), LASER_WEIGHTS=LASER_WEIGHTS, PIECES=_PIECES
                )
            ) from error
        self._punctuation = _punctuation(moses)
        self.dim = 2 * int(self._lstm.hidden_size)
        digest = hashlib.sha256((folder / _PIECES).read_bytes())
        for key, tensor in sorted(checkpoint["model"].items()):
            digest.update(key.encode() + tensor.float().numpy().tobytes())
        self.revision = digest.hexdigest()[:12]

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode texts; queries and documents alike."""
        return self.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode texts: (n, dim), rows of length 1."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        ids = [self._ids(text) for text in texts]
        order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))  # as packed sequences must be
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            vectors[rows] = self._pooled([ids[row] for row in rows])
        return unit(vectors)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's pieces."""
        return [len(self._cut(text)) for text in texts]

    def _cut(self, text: str) -> list[str]:
        """Return a text's pieces, after what the model was trained on: punctuation of ASCII, no control characters, lower case."""
        visible = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in text)
        pieces: list[str] = self._pieces.encode(self._punctuation.normalize(visible).lower(), out_type=str)
        return " ".join(pieces).split()

    def _ids(self, text: str) -> list[int]:
        return [*(self._numbers.get(piece, _UNKNOWN) for piece in self._cut(text)[: _LONGEST - 1]), _END]

    def _pooled(self, ids: Sequence[Sequence[int]]) -> Any:
        """Return the greatest state of any piece, for texts from the longest to the shortest: (n, dim)."""
        torch = self._torch
        runs = torch.nn.utils.rnn
        with torch.no_grad():
            rows = [self._embedding(torch.tensor(own)) for own in ids]
            packed = runs.pack_sequence(rows)  # padding would change the backward states
            states, _ignored = runs.pad_packed_sequence(
                self._lstm(packed)[0], batch_first=True, padding_value=float("-inf")
            )
            return states.max(dim=1).values.numpy()


def _libraries(name: str) -> tuple[Any, Any, Any]:
    try:
        return (
            importlib.import_module("torch"),
            importlib.import_module("sentencepiece"),
            importlib.import_module("sacremoses"),
        )
    except ImportError as error:
        raise MissingExtra(_("the encoder '{name}'").format(name=name), "laser") from error


def _layers(torch: Any, checkpoint: Any) -> tuple[Any, Any]:
    """Return the embedding and the LSTM of a checkpoint; raises ValueError for another architecture."""
    sizes = {key: value for key, value in checkpoint["params"].items() if key in _STRUCTURE}
    rows, dim, hidden = (
        int(sizes["num_embeddings"]),
        int(sizes.get("embed_dim", 320)),
        int(sizes.get("hidden_size", 512)),
    )
    layers = int(sizes.get("num_layers", 1))
    if not (0 < rows <= _MOST_ROWS and 0 < dim <= _MOST_SIZE and 0 < hidden <= _MOST_SIZE and 0 < layers <= 100):
        raise ValueError("its sizes can't be")
    if not sizes.get("bidirectional"):
        raise ValueError("it isn't LASER2: its LSTM reads in one direction only")
    embedding = torch.nn.Embedding(rows, dim, padding_idx=int(sizes["padding_idx"]))
    lstm = torch.nn.LSTM(dim, hidden, num_layers=layers, bidirectional=True)
    for prefix, module in (("embed_tokens.", embedding), ("lstm.", lstm)):
        weights = checkpoint["model"].items()
        module.load_state_dict({key.removeprefix(prefix): value for key, value in weights if key.startswith(prefix)})
        module.eval()
    return embedding, lstm


def _punctuation(moses: Any) -> Any:
    """Return Moses' rules for punctuation as release 4.0 has them, by which the model's training texts were written."""
    rules = moses.MosesPunctNormalizer("en", perl_parity=True)
    rules.substitutions[21] = ("‘", '"')
    rules.substitutions[22] = ("‚", '"')
    return rules
