"""Transformers as ONNX files, run by onnxruntime: one code for encoders and rerankers."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import EncoderUnavailable
from searchctl.models.devices import chosen_device, onnx_providers, quickest
from searchctl.models.files import ONNX_FILES, onnx_file
from searchctl.translation import _

_TOKENIZER = "tokenizer.json"
_TRIED_TOKENS = 128  # of each of two texts, when devices are timed


class OnnxTransformer:
    """A folder with a transformer's ONNX file and its `tokenizer.json`. Safe to use from many threads.

    Files are read when first needed, or by `load`. `what` it is and the `advice` stand in the messages of errors. `threads`
    are used within one call of `run`. `device` is where it runs, by default what the environment says. Raises EncoderUnavailable
    when a file is missing or can't be read, or the device isn't there.
    """

    def __init__(
        self, folder: Path, *, what: str, advice: str, pad_id: int = 0, threads: int = 1, device: str | None = None
    ) -> None:
        path = onnx_file(folder)
        self.tokenizer_file = folder / _TOKENIZER
        self._where = f"{what} in {folder}"
        self._advice = advice
        self._pad_id = pad_id
        self._threads = threads
        self._device = chosen_device(device)
        self._session: Any = None
        self._tokenizer: Any = None
        if path is None or not self.tokenizer_file.is_file():
            raise self._unavailable(f"it needs a {ONNX_FILES[0]} and a {_TOKENIZER}")
        self.file = path

    def load(self) -> None:
        """Read both files; at once if neither has been read, since a cold search waits for both."""
        if self._session is None and self._tokenizer is None:
            with ThreadPoolExecutor(1) as pool:
                reading = pool.submit(self._load_session)
                self.tokenizer  # noqa: B018 - reads it
                reading.result()
        self._load_session()
        self.tokenizer  # noqa: B018

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, which neither cuts nor pads unless told to."""
        if self._tokenizer is None:
            library = importlib.import_module("tokenizers")
            try:
                tokenizer = library.Tokenizer.from_file(str(self.tokenizer_file))
            except Exception as error:  # noqa: BLE001 - tokenizers has no base class of its own
                raise self._unavailable(f"{_TOKENIZER}: {error}") from error
            tokenizer.no_truncation()
            tokenizer.no_padding()
            self._tokenizer = tokenizer
        return self._tokenizer

    @property
    def outputs(self) -> list[str]:
        """Names of what the model gives out."""
        return [output.name for output in self._load_session().get_outputs()]

    def run(
        self,
        outputs: Sequence[str] | None,
        tokens: Sequence[Sequence[int]],
        token_types: Sequence[Sequence[int]] | None = None,
    ) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
        """Return the named outputs, or all, for n texts of token ids, and which of their places (n, longest) hold tokens.

        `token_types` has the shape of `tokens`: 0 for the first text of a pair, 1 for the second; all 0 without it.
        """
        longest = max(map(len, tokens))
        ids = np.full((len(tokens), longest), self._pad_id, np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = own
            mask[row, : len(own)] = 1
            if token_types is not None:
                types[row, : len(own)] = token_types[row]
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        session = self._load_session()
        wanted = None if outputs is None else list(outputs)
        return session.run(wanted, {given.name: known[given.name] for given in session.get_inputs()}), mask

    def _load_session(self) -> Any:
        if self._session is None:
            runtime = importlib.import_module("onnxruntime")
            providers = onnx_providers(runtime, self._device, self._where)
            candidates = [(str(names[0]), partial(self._session_on, runtime, names)) for names in providers]
            try:
                self._session = quickest(candidates, _try_out, self._where)
            except Exception as error:  # noqa: BLE001 - onnxruntime has no common base class of its own
                raise self._unavailable(f"{self.file.name}: {error}") from error
        return self._session

    def _session_on(self, runtime: Any, providers: list[Any]) -> Any:
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return runtime.InferenceSession(str(self.file), options, providers=providers)

    def _unavailable(self, reason: str) -> EncoderUnavailable:
        return EncoderUnavailable(
            _("can't load {where}: {reason}; {advice}").format(where=self._where, reason=reason, advice=self._advice)
        )


def _try_out(session: Any) -> None:
    """Run a session on some tokens, as many as a passage has."""
    ones = np.ones((2, _TRIED_TOKENS), np.int64)
    session.run(None, {given.name: ones for given in session.get_inputs()})
