"""Cross-encoders that run on onnxruntime: a folder with an ONNX export and its tokenizer."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import EncoderUnavailable

_LONGEST = 512  # tokens of query and text together, at most


class OnnxCrossEncoder:
    """A cross-encoder in a folder: `model.onnx` (or `onnx/model.onnx`), `tokenizer.json`, `config.json`. A `Reranker`.

    The model's first output is one logit for each pair. `rerank_weight` in `config.json` is how much it counts against the
    fused score, and the whole without it. Raises EncoderUnavailable.
    """

    def __init__(self, folder: Path) -> None:
        model = next(path for path in (folder / "model.onnx", folder / "onnx/model.onnx") if path.is_file())
        runtime, tokenizers = importlib.import_module("onnxruntime"), importlib.import_module("tokenizers")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = min(os.cpu_count() or 1, 8)
        options.log_severity_level = 3
        try:
            self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._session: Any = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - neither library has a common base class of its own
            raise EncoderUnavailable(
                f"can't load the reranker in {folder}: {error}; it needs a model.onnx and a tokenizer.json"
            ) from error
        file = folder / "config.json"
        config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        longest = min(int(config.get("max_position_embeddings") or _LONGEST), _LONGEST)
        self._tokenizer.enable_truncation(longest, strategy="only_second")
        self._tokenizer.enable_padding(pad_id=int(config.get("pad_token_id") or 0))
        self.weight = float(config.get("rerank_weight", 1.0))
        self.name = str(folder)

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each text answers the query: (n,), in [0, 1]."""
        if not texts:
            return np.zeros(0)
        encoded = self._tokenizer.encode_batch([(query, text) for text in texts])
        known = {
            "input_ids": np.array([one.ids for one in encoded], np.int64),
            "attention_mask": np.array([one.attention_mask for one in encoded], np.int64),
            "token_type_ids": np.array([one.type_ids for one in encoded], np.int64),
        }
        (logits, *_) = self._session.run(None, {one.name: known[one.name] for one in self._session.get_inputs()})
        result: NDArray[np.float64] = 1.0 / (
            1.0 + np.exp(-np.asarray(logits, np.float64).reshape(len(texts), -1)[:, 0])
        )
        return result
