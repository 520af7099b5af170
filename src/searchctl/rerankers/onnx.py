"""Cross-encoders that run on onnxruntime: a folder with an ONNX export and its tokenizer."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from searchctl.models.onnx import OnnxTransformer

_LONGEST = 512  # tokens of query and text together, at most


class OnnxCrossEncoder:
    """A cross-encoder in a folder: `model.onnx` (or `onnx/model.onnx`), `tokenizer.json`, `config.json`. A `Reranker`.

    The model's first output is one logit for each pair. `rerank_weight` in `config.json` is how much it counts against the
    fused score, and the whole without it. Raises EncoderUnavailable.
    """

    def __init__(self, folder: Path) -> None:
        file = folder / "config.json"
        config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        self._model = OnnxTransformer(
            folder,
            what="the reranker",
            advice="choose another folder for --rerank",
            pad_id=int(config.get("pad_token_id") or 0),
            threads=min(os.cpu_count() or 1, 8),
        )
        self._model.load()
        longest = min(int(config.get("max_position_embeddings") or _LONGEST), _LONGEST)
        self._model.tokenizer.enable_truncation(longest, strategy="only_second")
        self.weight = float(config.get("rerank_weight", 1.0))
        self.name = str(folder)

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each text answers the query: (n,), in [0, 1]."""
        if not texts:
            return np.zeros(0)
        pairs = self._model.tokenizer.encode_batch([(query, text) for text in texts])
        (logits, *_), _ = self._model.run(None, [pair.ids for pair in pairs], [pair.type_ids for pair in pairs])
        first = np.asarray(logits, np.float64).reshape(len(texts), -1)[:, 0]
        return np.asarray(1.0 / (1.0 + np.exp(-first)))
