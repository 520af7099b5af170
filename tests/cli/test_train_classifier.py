"""`searchctl train setfit`, and what is done with its folder: what is typed, and what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.extras import train_extra
from tests.training.kit import TOPICS, labelled, make_encoder, write_lines

train_extra()
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # the libraries' own


def test_the_command_line_trains_routes_and_compares(run: Run, shown: Run, here: Path) -> None:
    base = make_encoder(here / "tiny")
    train = write_lines(here / "train.jsonl", labelled(20))
    test = write_lines(here / "test.jsonl", labelled(10, seed=9))
    common = ("train", "setfit", train, "--from", base, "-o", here / "out", "--rate", "5e-3", "--rounds", "2")
    common = (*common, "--threads", "1", "--all-weights", "--max-tokens", "32")
    planned = json.loads(run(*common, "--dry-run", "--json").stdout)
    assert planned["steps"] > 5 and not (here / "out").exists()
    result = shown(*common)
    assert result.exit_code == 0, result.stderr
    assert "log loss of" in result.stdout and f"route predict TEXTS.jsonl --classifier {here / 'out'}" in result.stderr
    result = run("route", "predict", "kettle brew tea", "--classifier", here / "out")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["label"] in TOPICS
    evaluate = ("route", "evaluate", train, test, "--shots", "5", "--seeds", "2", "--encoder", "hashing:64", "--with")
    report = json.loads(run(*evaluate, here / "out", "--json").stdout)
    assert report["with"][0]["left_out"] == 0 and 0 < report["with"][0]["accuracy"] <= 1
