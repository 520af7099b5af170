"""Killed at any moment and run again, a load ends as an unbroken one: with the same documents, passages and vectors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from searchctl.index import Index
from searchctl.lifecycle.compact import compact
from searchctl.types import Entry

DOCUMENTS = 4000
KILLS = 5
WORDS = "tea coffee bread river stone window letter garden чай кофе хлеб река камень окно письмо сад".split()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    path = tmp_path_factory.mktemp("crash") / "rows.jsonl"
    rows = [
        {"id": f"d{n}", "text": " ".join(rng.choice(WORDS, 12)) + f" {n}", "year": int(n % 50)}
        for n in range(DOCUMENTS)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def command(corpus: Path, engine: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "searchctl", "ingest", str(corpus), "--engine", str(engine)),
        *("--encoder", "hashing:32", "--batch", "50", "-q"),
    ]


@pytest.fixture(scope="module")
def unbroken(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Return the engine of a load that nothing disturbed, and how long it took."""
    engine = tmp_path_factory.mktemp("unbroken") / "engine"
    began = time.monotonic()
    subprocess.run(command(corpus, engine), check=True)
    return engine, time.monotonic() - began


def contents(index: Index) -> dict[str, Entry]:
    return {entry.document.id: entry for batch in index.engine.scan(index.name, vectors=True) for entry in batch}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_loads_end_like_an_unbroken_one(
    corpus: Path, unbroken: tuple[Path, float], tmp_path: Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    reference, seconds = unbroken
    engine = tmp_path / "engine"
    for _ in range(KILLS):
        process = subprocess.Popen(command(corpus, engine))
        try:
            process.wait(timeout=float(rng.uniform(0.2, 0.9) * seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command(corpus, engine), check=True)
    with Index.open(engine, create=False) as ours, Index.open(reference, create=False) as theirs:
        for index in (ours, theirs):
            compact(index)  # what was written twice counts twice in BM25's statistics until then
        mine, other = contents(ours), contents(theirs)
        assert mine.keys() == other.keys() and len(mine) == DOCUMENTS
        for id, entry in mine.items():
            assert entry.document == other[id].document and entry.passages == other[id].passages
            np.testing.assert_array_equal(entry.vectors, other[id].vectors)
        for query in ("чай tea", "garden river", "1207"):
            for mode in ("lexical", "vector"):
                found, expected = (
                    index.search(query, 20, mode=mode, where={"year": 7}).hits for index in (ours, theirs)
                )
                assert found
                # What cosines mean is measured on a sample, which is another one where rows were written again. Of documents
                # that are as good either may come first.
                tolerance = 2e-4 if mode == "lexical" else 0.03
                scores = [hit.score for hit in expected]
                assert [hit.score for hit in found] == pytest.approx(scores, abs=tolerance), mode
                sure = [
                    {hit.id for hit in hits if hit.score > scores[-1] + 2 * tolerance} for hits in (found, expected)
                ]
                assert sure[0] <= {hit.id for hit in expected} and sure[1] <= {hit.id for hit in found}
