"""Texts as the tensors that a sentence-transformers model takes, for comparing it with its ONNX files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from searchctl.training.export import Features

_BATCH = 4


def batches_of_features(model: Any, texts: Sequence[Any]) -> list[Features]:
    """Return texts, or pairs of them, in small batches as tensors; the longest batch first, by which a graph is traced."""
    parts = [texts[at : at + _BATCH] for at in range(0, len(texts), _BATCH)]
    features = [
        {name: value for name, value in model.preprocess(list(part)).items() if hasattr(value, "shape")}
        for part in parts
    ]
    return sorted(features, key=lambda batch: -int(batch["input_ids"].shape[1]))
