"""Encoders that run on onnxruntime: the shipped model, and any folder with an ONNX export of a sentence encoder."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from searchctl.encoders.graph import with_output
from searchctl.encoders.settings import ModelSettings, read_settings
from searchctl.errors import EncoderUnavailable
from searchctl.types import Vectors

_BATCH_TOKENS = 512  # a batch's rows times its longest row; 2048 takes a sixth more time: it leaves the caches
_SENTENCE_OUTPUT = "sentence_embedding"
_Made = TypeVar("_Made")
_IMPORTANCE = "token_importance.npy"  # beside the model, where there is one
_TOKEN_OUTPUTS = ("last_hidden_state", "token_embeddings")


class OnnxEncoder:
    """A sentence encoder in a folder: `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json`. Implements `Encoder`.

    Pooling and prefixes come from the model's own settings. Files are read when first needed; safe to use from many threads.
    """

    def __init__(self, folder: Path, *, name: str | None = None, threads: int | None = None) -> None:
        self._folder = folder
        self._model = next(
            (path for path in (folder / "model.onnx", folder / "onnx/model.onnx") if path.is_file()), None
        )
        if self._model is None or not (folder / "tokenizer.json").is_file():
            raise EncoderUnavailable(
                f"{folder} needs a model.onnx and a tokenizer.json; choose another folder for --encoder"
            )
        self.name = name or str(folder)
        self._settings: ModelSettings = read_settings(folder)
        self.max_tokens = self._settings.max_tokens
        self._threads = threads or min(os.cpu_count() or 1, 8)
        self._session: Any = None
        self._token_session: Any = None
        self._importance: NDArray[np.float32] | None = None
        self._tokenizer: Any = None
        self.revision = self._settings.revision or _hash_files([self._model, folder / "tokenizer.json"])
        self.dim = self._settings.dim or int(self._vectors_of([[0]])[0].shape[-1])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode what people ask."""
        return self._encode([self._settings.query_prefix + text for text in texts])

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
        encoded = self._load_tokenizer().encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    def _encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        if not texts:
            return vectors
        tokens = [self._cut(one.ids) for one in self._load_both().encode_batch_fast(list(texts))]
        batches = list(_batches([len(one) for one in tokens], self._threads))
        parts = self._side_by_side(lambda rows: self._vectors_of([tokens[row] for row in rows]), batches)
        for rows, found in zip(batches, parts, strict=True):
            vectors[rows] = found
        return vectors

    def _side_by_side(self, work: Callable[[list[int]], _Made], batches: Sequence[list[int]]) -> list[_Made]:
        if len(batches) == 1:
            return [work(batches[0])]
        with ThreadPoolExecutor(self._threads, "searchctl-encoder") as pool:
            return list(pool.map(work, batches))

    def _encode_tokens(self, texts: Sequence[str], prefix: str) -> list[Vectors]:
        """Encode tokens, by all layers that the settings name, then leave out the prefix's and the special ones."""
        encoded = self._load_tokenizer().encode_batch([prefix + text for text in texts])
        tokens = [self._cut(one.ids) for one in encoded]
        session, outputs = self._load_token_session()
        found: list[Vectors] = [np.zeros((0, self.dim * len(outputs)), np.float32)] * len(texts)
        batches = list(_batches([len(one) for one in tokens], self._threads))
        parts = self._side_by_side(lambda rows: self._run(session, outputs, [tokens[row] for row in rows])[0], batches)
        for rows, layers in zip(batches, parts, strict=True):
            for number, row in enumerate(rows):
                one = encoded[row]
                own = [
                    place
                    for place in range(min(len(one.ids), self.max_tokens - 1))
                    if not one.special_tokens_mask[place] and one.offsets[place][1] > len(prefix)
                ]
                found[row] = _unit(np.concatenate([_unit(states[number][own]) for states in layers], axis=1))
        return found

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
        found: NDArray[np.float32] = np.load(path, allow_pickle=False)
        if found.shape != (dim + 1,):
            raise EncoderUnavailable(
                f"{path} has the shape {found.shape}, and these tokens take {dim + 1} numbers; remove it, or make it anew"
            )
        return found

    def _cut(self, ids: list[int]) -> list[int]:
        """Keep the first tokens and the closing one."""
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def _vectors_of(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        session = self._load_session()
        outputs = [one.name for one in session.get_outputs()]
        output = _SENTENCE_OUTPUT if _SENTENCE_OUTPUT in outputs else outputs[0]
        (result,), mask = self._run(session, [output], tokens)
        return _unit(result if result.ndim == 2 else _pool(result, mask, self._settings.pooling))

    def _run(
        self, session: Any, outputs: Sequence[str], tokens: Sequence[Sequence[int]]
    ) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
        """Return what the model makes of padded texts, and which of their places (n, longest) hold tokens."""
        longest = max(len(one) for one in tokens)
        ids = np.full((len(tokens), longest), self._settings.pad_id, np.int64)
        mask = np.zeros((len(tokens), longest), np.int64)
        for row, one in enumerate(tokens):
            ids[row, : len(one)] = one
            mask[row, : len(one)] = 1
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return session.run(list(outputs), {one.name: known[one.name] for one in session.get_inputs()}), mask

    def _load_both(self) -> Any:
        """Return the tokenizer; the first time, the model is read in a thread meanwhile, since a cold search waits for both."""
        if self._session is None and self._tokenizer is None:
            with ThreadPoolExecutor(1) as pool:
                reading = pool.submit(self._load_session)
                self._load_tokenizer()
                reading.result()
        return self._load_tokenizer()

    def _load_session(self) -> Any:
        if self._session is None:
            self._session = self._open_session(str(self._model))
        return self._session

    def _load_token_session(self) -> tuple[Any, Sequence[str]]:
        """Return a session that gives out the tokens' states, and those outputs' names. Raises EncoderUnavailable."""
        inside = self._settings.token_states
        if not inside:
            session = self._load_session()
            given = [one.name for one in session.get_outputs() if one.name in _TOKEN_OUTPUTS]
            if not given:
                raise EncoderUnavailable(
                    f"{self._model} doesn't give out its tokens' vectors; export it with the output last_hidden_state"
                )
            return session, given[:1]
        if self._token_session is None:
            assert self._model is not None
            model = self._model.read_bytes()
            for name in inside:
                model = with_output(model, name)
            self._token_session = self._open_session(model)
        return self._token_session, inside

    def _open_session(self, model: str | bytes) -> Any:
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = (
            1  # batches run side by side instead: a third quicker, and no slower for one query
        )
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - onnxruntime has no common base class of its own
            raise EncoderUnavailable(
                f"can't load {self._model}: {error}; choose another folder for --encoder"
            ) from error

    def _load_tokenizer(self) -> Any:
        if self._tokenizer is None:
            tokenizers = importlib.import_module("tokenizers")
            tokenizer = tokenizers.Tokenizer.from_file(str(self._folder / "tokenizer.json"))
            tokenizer.no_truncation()
            tokenizer.no_padding()
            self._tokenizer = tokenizer
        return self._tokenizer


def _batches(lengths: Sequence[int], shares: int) -> Iterator[list[int]]:
    """Yield row numbers in batches of like length, so that hardly anything is padding, small enough for `shares` to work at once."""
    most = min(_BATCH_TOKENS, -(-sum(lengths) // shares))
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda one: lengths[one]):
        if rows and (len(rows) + 1) * lengths[row] > most:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def _pool(states: NDArray[np.float32], mask: NDArray[np.int64], pooling: str) -> NDArray[np.float32]:
    """Make one vector of each text's token states (n, tokens, dim): the first token's, or the mean over the text."""
    if pooling == "cls":
        return np.asarray(states[:, 0])
    weights = mask[:, :, None].astype(np.float32)
    return np.asarray((states * weights).sum(axis=1) / weights.sum(axis=1))


def _unit(rows: NDArray[np.float32]) -> Vectors:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _hash_files(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:12]
