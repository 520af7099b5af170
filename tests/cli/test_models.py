"""`searchctl models`, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.encoders.test_static import save_static


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEARCHCTL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "models"


def test_the_list_says_which_models_are_worse_than_bm25(shown: Run) -> None:
    result = shown("models", "list", "--language", "ru")
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert "27.9 ↓" in lines["LaBSE"] and "77.2" in lines["FRIDA"] and " - " in lines["MUSE-3"]
    assert not lines["LaBSE"].rstrip().endswith("*")
    assert "all-MiniLM-L6-v2" not in lines
    assert "BM25 alone has 32.8 at search" in result.stderr


def test_a_program_gets_it_as_json(run: Run, models: Path) -> None:
    save_static(models / "potion-base-8M")
    found = json.loads(run("models", "list", "--json").stdout)
    by_name = {model["name"]: model for model in found["models"]}
    assert by_name["potion-base-8M"]["here"] and not by_name["FRIDA"]["here"]
    assert by_name["rubert-tiny2"]["below_bm25"] and set(found["sources"]) == {"encodechka", "rumteb"}


def test_a_model_is_shown_with_its_use_scores_and_place(run: Run, shown: Run, models: Path) -> None:
    text = " ".join(shown("models", "show", "frida").stdout.split())
    assert "prefix 'search_query: '" in text and "retrieval 77.2" in text
    assert f"put its files into {models / 'FRIDA'}" in text
    assert "worse than BM25" in shown("models", "show", "cointegrated/rubert-tiny2").stdout
    assert json.loads(run("models", "show", "FRIDA", "--json").stdout)["place"] == str(models / "FRIDA")


def test_a_model_that_is_not_here_is_told_with_the_command_that_brings_it(run: Run) -> None:
    for command in (
        ("ingest", "x.txt", "--encoder", "rubert-tiny2"),
        ("models", "bundle", "rubert-tiny2", "-o", "x.tar"),
    ):
        Path("x.txt").write_text("tea")
        result = run(*command)
        assert result.exit_code == 1 and "models fetch rubert-tiny2" in result.stderr
    result = run("models", "show", "rubert-tiny3")
    assert result.exit_code == 1 and "did you mean 'rubert-tiny2'?" in result.stderr


def test_a_bundle_is_used_on_the_other_machine(
    run: Run, shown: Run, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_static(models / "potion-base-8M")
    assert run("models", "bundle", "potion-base-8M", "-o", "model.tar").exit_code == 0
    monkeypatch.setenv("SEARCHCTL_MODELS", str(models.with_name("other")))
    result = shown("models", "unbundle", "model.tar")
    assert result.exit_code == 0 and "checksums right" in result.stdout
    Path("a.txt").write_text("green tea")
    assert run("ingest", "a.txt", "--encoder", "potion-base-8M").exit_code == 0
    assert run("search", "tea", "--json").exit_code == 0
    assert run("models", "fetch", "potion-base-8M").exit_code == 0, "what is here is checked, without any network"
