"""The small encoder, made once; training is quiet but for what goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import here, run
from tests.extras import torch_extra, train_extra
from tests.training.kit import make_encoder

__all__ = ["here", "run"]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder of two layers; without torch a test that asks for it is skipped."""
    torch_extra()
    train_extra()
    return make_encoder(tmp_path_factory.mktemp("models") / "tiny")
