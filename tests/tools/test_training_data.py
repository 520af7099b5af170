"""What tools/training_data.py keeps between runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from searchctl.types import Vectors

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from training_data import Memory  # noqa: E402


class Counting:
    """Gives a text as many vectors as it has letters, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def query_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        return self.document_tokens(texts)

    def document_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        self.asked += texts
        return [np.full((len(text), 3), len(text), np.float32) for text in texts]


def test_token_states_are_encoded_once_and_kept(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    memory = Memory(first, tmp_path / "states.npz")
    memory.document_tokens(["oak", "ёлка", "oak"])
    memory.save()
    found = Memory(second, tmp_path / "states.npz").document_tokens(["ёлка", "elms", "oak"])
    assert first.asked == ["oak", "ёлка"] and second.asked == ["elms"]
    assert [tokens.shape for tokens in found] == [(4, 3), (4, 3), (3, 3)]
    assert [float(tokens[0, 0]) for tokens in found] == [4.0, 4.0, 3.0]
    assert [path.name for path in tmp_path.iterdir()] == ["states.npz"]
