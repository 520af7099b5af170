"""Tests of optional parts: what they need, and what a run without it says."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

TORCH = ("torch", "transformers", "sentence_transformers")
REQUIRED = "SEARCHCTL_TEST_EXTRAS"  # the extras that must be there, set by `make test-torch`: a missing one fails


def train_extra() -> None:
    """Skip the test file that needs the libraries of the extra `train`; in `make test-torch` they must be there."""
    for name in ("datasets", "accelerate", "sentence_transformers.sentence_transformer.losses"):
        if "train" in os.environ.get(REQUIRED, "").split():
            importlib.import_module(name)
        else:
            pytest.importorskip(
                name, reason="needs the train extra: make test-torch makes an environment of its own for it"
            )


def torch_extra() -> tuple[Any, Any, Any]:
    """Return torch, transformers and sentence_transformers, or skip the test file that asks for them.

    In `make test-torch` they must be there: a file that can't import them fails.
    """
    if "torch" in os.environ.get(REQUIRED, "").split():
        torch, transformers, sentence_transformers = (importlib.import_module(name) for name in TORCH)
    else:
        reason = "needs the torch extra: make test-torch makes an environment of its own for it"
        torch, transformers, sentence_transformers = (pytest.importorskip(name, reason=reason) for name in TORCH)
    return torch, transformers, sentence_transformers


def laser_extra() -> None:
    """Skip the test that needs the libraries of the extra `laser`."""
    for name in ("sentencepiece", "sacremoses"):
        pytest.importorskip(name, reason="needs the extra laser")
