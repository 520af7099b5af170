"""Encoders that run on onnxruntime: the shipped model, and any folder with an ONNX export of a sentence encoder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from searchctl.encoders.settings import ModelSettings, read_settings, tell_unsaid
from searchctl.encoders.unread import UNKNOWN_TOKENS, unread_share
from searchctl.errors import EncoderUnavailable
from searchctl.models.catalogue import KnownModel
from searchctl.models.onnx import OnnxTransformer
from searchctl.ranking.unit import unit
from searchctl.translation import _
from searchctl.types import Vectors

_BATCH_TOKENS = 512  # a batch's rows times its longest row; 2048 takes a sixth more time: it leaves the caches
_SENTENCE_OUTPUT = "sentence_embedding"
_POOLER_OUTPUT = "pooler_output"
_Made = TypeVar("_Made")
_IMPORTANCE = "token_importance.npy"  # beside the model, where there is one
_TOKEN_OUTPUTS = ("last_hidden_state", "token_embeddings")


class OnnxEncoder:
    """A sentence encoder in a folder: `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json`. Implements `Encoder`.

    Pooling and prefixes come from the model's own settings, else from the catalogue's `known`. Files are read when first needed;
    safe to use from many threads.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str | None = None,
        threads: int | None = None,
        known: KnownModel | None = None,
        device: str | None = None,
    ) -> None:
        self._settings: ModelSettings = read_settings(folder, known)
        # Batches run side by side, one thread each: a third quicker than threads within a batch, and no slower for one query.
        self._model = OnnxTransformer(
            folder,
            what="the encoder",
            advice="choose another folder for --encoder",
            pad_id=self._settings.pad_id,
            device=device,
        )
        self._folder = folder
        self.name = name or str(folder)
        self.max_tokens = self._settings.max_tokens
        self._threads = threads or min(os.cpu_count() or 1, 8)
        self._importance: NDArray[np.float32] | None = None
        self.revision = self._settings.revision or _hash_files([self._model.file, self._model.tokenizer_file])
        self.dim = self._settings.dim or int(self._vectors_of([[0]])[0].shape[-1])
        if self._settings.unsaid:
            pools = _SENTENCE_OUTPUT not in self._model.outputs
            parts = tuple(part for part in self._settings.unsaid if pools or part != "pooling")
            tell_unsaid(self.name, replace(self._settings, unsaid=parts))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people ask, each by itself: a quantised model's numbers depend on what else is in the batch."""
        return self._encode([self._settings.query_prefix + text for text in texts], alone=True)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode what is searched."""
        return self._encode([self._settings.document_prefix + text for text in texts])

    def query_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Encode what people ask token by token: for each text (tokens, dim), rows as long as the token counts, 1 in all."""
        return [
            tokens * self._shares(tokens)[:, None] for tokens in self._encode_tokens(texts, self._settings.query_prefix)
        ]

    def document_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Encode what is searched token by token: for each text (tokens, dim), rows of length 1."""
        return self._encode_tokens(texts, self._settings.document_prefix)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, without prefixes and special tokens."""
        encoded = self._model.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encoded]

    def unread_shares(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the share in [0, 1] of its letters that the model can't read."""
        tokenizer = self._model.tokenizer
        unknown = next((id for name in UNKNOWN_TOKENS if (id := tokenizer.token_to_id(name)) is not None), None)
        encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            unread_share(text, tokens.ids, tokens.offsets, unknown) for text, tokens in zip(texts, encoded, strict=True)
        ]

    def _encode(self, texts: Sequence[str], *, alone: bool = False) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        if not texts:
            return vectors
        self._model.load()
        tokens = [self._cut(encoding.ids) for encoding in self._model.tokenizer.encode_batch_fast(list(texts))]
        lengths = list(map(len, tokens))
        batches = [[row] for row in range(len(texts))] if alone else list(_batches(lengths, self._threads))
        parts = self._side_by_side(lambda rows: self._vectors_of([tokens[row] for row in rows]), batches)
        if parts[0].shape[-1] != self.dim:
            raise EncoderUnavailable(
                _(
                    "the model in {folder} gives vectors of {shape} numbers, its settings say {dim}; restore the folder"
                ).format(folder=self._folder, shape=parts[0].shape[-1], dim=self.dim)
            )
        for rows, part in zip(batches, parts, strict=True):
            vectors[rows] = part
        return vectors

    def _side_by_side(self, work: Callable[[list[int]], _Made], batches: Sequence[list[int]]) -> list[_Made]:
        if len(batches) == 1:
            return [work(batches[0])]
        with ThreadPoolExecutor(self._threads, "searchctl-encoder") as pool:
            return list(pool.map(work, batches))

    def _encode_tokens(self, texts: Sequence[str], prefix: str) -> list[Vectors]:
        """Encode tokens, by all layers that the settings name, then leave out the prefix's and the special ones."""
        self._model.load()
        encodings = self._model.tokenizer.encode_batch([prefix + text for text in texts])
        tokens = [self._cut(encoding.ids) for encoding in encodings]
        outputs = self._token_outputs()
        vectors: list[Vectors] = [np.zeros((0, self.dim * len(outputs)), np.float32)] * len(texts)
        batches = list(_batches(list(map(len, tokens)), self._threads))
        parts = self._side_by_side(lambda rows: self._model.run(outputs, [tokens[row] for row in rows])[0], batches)
        for rows, layers in zip(batches, parts, strict=True):
            for number, row in enumerate(rows):
                own = self._own_tokens(encodings[row], len(prefix))
                vectors[row] = unit(np.concatenate([unit(states[number][own]) for states in layers], axis=1))
        return vectors

    def _own_tokens(self, encoding: Any, prefix: int) -> list[int]:
        """Return the places of a text's own tokens: without the special ones and those of its `prefix` characters."""
        return [
            place
            for place in range(min(len(encoding.ids), self.max_tokens - 1))
            if not encoding.special_tokens_mask[place] and encoding.offsets[place][1] > prefix
        ]

    def _shares(self, tokens: Vectors) -> NDArray[np.float32]:
        """Return how much each token of a query counts, 1 in all: as learnt by tools/train_maxsim.py, or all alike."""
        if self._importance is None:
            self._importance = self._load_importance(tokens.shape[1])
        weights = np.logaddexp(0.0, tokens @ self._importance[:-1] + self._importance[-1])
        return np.asarray(weights / weights.sum(), np.float32)

    def _load_importance(self, dim: int) -> NDArray[np.float32]:
        path = self._folder / _IMPORTANCE
        if not path.is_file():
            return np.zeros(dim + 1, np.float32)
        importance: NDArray[np.float32] = np.load(path, allow_pickle=False)
        if importance.shape != (dim + 1,):
            raise EncoderUnavailable(
                _(
                    "{path} has the shape {shape}, and these tokens take {dim} numbers; remove it, or make it anew"
                ).format(path=path, shape=importance.shape, dim=dim + 1)
            )
        return importance

    def _cut(self, ids: list[int]) -> list[int]:
        """Keep the first tokens and the closing one."""
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def _vectors_of(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        outputs = self._model.outputs
        pooler = _POOLER_OUTPUT if self._settings.pooling == "pooler" and _POOLER_OUTPUT in outputs else outputs[0]
        output = _SENTENCE_OUTPUT if _SENTENCE_OUTPUT in outputs else pooler
        (result,), mask = self._model.run([output], tokens)
        if result.ndim == 2:
            return np.asarray(unit(result), np.float32)
        if self._settings.pooling not in _POOL:
            raise EncoderUnavailable(
                _(
                    "{file} gives out tokens, and a text's vector is made of them by '{pooling}', which isn't done "
                    "here (only {POOL}); export it anew with: searchctl models export"
                ).format(file=self._model.file, pooling=self._settings.pooling, POOL=", ".join(_POOL))
            )
        return np.asarray(unit(_POOL[self._settings.pooling](result, mask)), np.float32)

    def _token_outputs(self) -> Sequence[str]:
        """Return the names of the outputs with the tokens' states. Raises EncoderUnavailable when there are none."""
        given = self._model.outputs
        wanted = self._settings.token_states or [name for name in given if name in _TOKEN_OUTPUTS][:1]
        if not wanted or not set(wanted) <= set(given):
            raise EncoderUnavailable(
                _("{file} doesn't give out its tokens' vectors; export it with the output {value}").format(
                    file=self._model.file, value=" and ".join(wanted) or _TOKEN_OUTPUTS[0]
                )
            )
        return wanted


def _batches(lengths: Sequence[int], shares: int) -> Iterator[list[int]]:
    """Yield row numbers in batches of like length, so that hardly anything is padding, small enough for `shares` to work at once."""
    most = min(_BATCH_TOKENS, -(-sum(lengths) // shares))
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda number: lengths[number]):
        if rows and (len(rows) + 1) * lengths[row] > most:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def _mean(states: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    weights = mask[:, :, None].astype(np.float32)
    return np.asarray((states * weights).sum(axis=1) / weights.sum(axis=1))


# From token states (n, tokens, dim) and which of them are no padding (n, tokens) to a vector a text: (n, dim).
_POOL: dict[str, Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]] = {
    "mean": _mean,
    "cls": lambda states, mask: states[:, 0],
    "max": lambda states, mask: np.where(mask[:, :, None] > 0, states, -np.inf).max(axis=1),
    "lasttoken": lambda states, mask: states[np.arange(len(states)), mask.sum(axis=1) - 1],
}


def _hash_files(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:12]
