"""Whatever the input, nothing ends as an internal error: a part here each time, all of it by `make fuzz`."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import searchctl.encoders
from searchctl.cli import main
from searchctl.index import Index
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.dump import dump

from .fuzz import ATTACKS

CASES = int(os.environ.get("FUZZ_CASES", "0"))
FEW = {"records": 60, "recipe": 60, "config": 60, "manifest": 20, "metadata": 10, "model": 4}
SHARES = {"records": 0.2, "recipe": 0.25, "config": 0.2, "manifest": 0.2, "metadata": 0.1, "model": 0.05}
GLOBAL = ("--engine", "ix", "--encoder", "hashing:16")
MODEL = Path(searchctl.encoders.__file__).parent / "models" / "multilingual-e5-small-enru"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    documents = [{"id": f"d{n}", "text": f"tea number {n}", "n": n, "day": "2024-01-05"} for n in range(20)]
    with Index.open("ix", encoder="hashing:16") as index:
        index.ingest(documents)
        index.search("tea")
        dump(index.engine, index.name, tmp_path / "dump", Monitor())
    (tmp_path / "good.jsonl").write_text(
        '{"id": "a", "text": "apple tea", "n": 1, "title": "t", "day": "05.01.2024"}\n'
    )
    (tmp_path / "model").symlink_to(MODEL)
    return tmp_path


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_input_ends_as_an_internal_error(attack: str, here: Path) -> None:
    for seed in range(round(CASES * SHARES[attack]) or FEW[attack]):
        for arguments in ATTACKS[attack](random.Random(f"{attack} {seed}"), here):
            own = () if attack == "config" or "--engine" in arguments else GLOBAL
            result = CliRunner().invoke(main, [*own, *arguments], prog_name="searchctl")
            what = f"{attack} {seed}: {arguments}: {result.output[-600:]}"
            assert result.exception is None or isinstance(result.exception, SystemExit), what
            assert "error: unexpected" not in result.output and "Traceback" not in result.output, what
            assert "secretword" not in result.output, what
        if attack in ("records", "recipe") and seed % 50 == 49:
            shutil.rmtree(here / "ix", ignore_errors=True)  # a recipe may have been refused each time
