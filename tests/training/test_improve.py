"""`searchctl improve`, end to end on a random encoder of two layers: proven and moved, or not proven and nothing changed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from searchctl import Index
from searchctl.errors import UsageError
from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.training.improve import HELD_OUT, split_judged
from searchctl.training.splitting import is_held_out
from tests.cli.conftest import Run
from tests.extras import train_extra
from tests.training.kit import FILLERS, SYNONYMS, write_lines

OPTIONS = ["--epochs", "12", "--rate", "0.01", "--evaluations", "3", "--max-tokens", "32", "--threads", "1"]


def collection(folder: Path, documents: int, synonyms: bool) -> tuple[list[dict[str, Any]], Path]:
    """Return documents and a file of judged queries, which name a document's words, or synonyms that stand in none."""
    draw = random.Random(7)
    rows, judged = [], []
    for number in range(documents):
        own = draw.sample(list(SYNONYMS), 4)
        rows.append({"id": f"d{number}", "text": " ".join([*own[:2], draw.choice(FILLERS), *own[2:]])})
        for _ in range(2):
            words = draw.sample(own, 3)
            asked = [SYNONYMS[word] for word in words] if synonyms else words
            judged.append({"query": " ".join(asked), "relevant": [f"d{number}"]})
    return rows, write_lines(folder / "judged.jsonl", judged)


def test_questions_are_parted_by_their_documents() -> None:
    ids = [f"d{number}" for number in range(200)]
    queries = [JudgedQuery(str(number), f"q {number}", {id: 1}) for number, id in enumerate(ids)]
    queries.append(JudgedQuery("both", "q", {id: 1 for id in ids}))
    split = split_judged(DataSet("j", tuple(queries)), seed=0)
    assert split.learnt and split.unseen and split.seen and split.mixed == 1
    for part, held_out in ((split.learnt, False), (split.seen, False), (split.unseen, True)):
        assert all(is_held_out(id, HELD_OUT, 0) is held_out for query in part.queries for id in query.grades)
    assert not {query.id for query in split.learnt.queries} & {query.id for query in split.seen.queries}


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_an_encoder_that_learns_synonyms_takes_over(tmp_path: Path, base: Path, run: Run) -> None:
    train_extra()
    rows, judged = collection(tmp_path, 240, synonyms=True)
    engine = ("--engine", str(tmp_path / "engine"))
    with Index.open(tmp_path / "engine", encoder=str(base)) as index:
        index.ingest(rows)
        before = index.schema.encoder
    command = (
        "improve",
        *engine,
        "--from",
        str(base),
        "-o",
        str(tmp_path / "out"),
        "--judgements",
        str(judged),
        "--no-titles",
    )
    planned = run(*command, *OPTIONS, "--dry-run", "--json")
    assert planned.exit_code == 0, planned.output
    assert json.loads(planned.stdout)["steps"] > 10 and not (tmp_path / "out").exists()
    done = run(*command, *OPTIONS, "--json", "--negatives", "0")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["verdict"] == "proven" and found["reembedded"]
    assert {one["mode"] for one in found["unseen_documents"]["differences"]} == {"hybrid", "vector"}
    assert found["seen_documents"]["queries"] > 0
    with Index.open(tmp_path / "engine") as index:
        assert index.schema.encoder != before
    assert run("rollback", *engine).exit_code == 0


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_what_is_not_proven_changes_nothing(tmp_path: Path, base: Path, run: Run) -> None:
    """Words find all there is, so that nothing is left to gain."""
    train_extra()
    rows, judged = collection(tmp_path, 100, synonyms=False)
    engine = ("--engine", str(tmp_path / "engine"))
    with Index.open(tmp_path / "engine", encoder=str(base)) as index:
        index.ingest(rows)
        before = index.schema
    quick = ("--epochs", "1", "--rate", "1e-6", "--threads", "1", "--max-tokens", "32", "--evaluations", "1")
    done = run(
        "improve",
        *engine,
        "--from",
        str(base),
        "-o",
        str(tmp_path / "out"),
        "--judgements",
        str(judged),
        "--no-titles",
        *quick,
    )
    found = json.loads(done.stdout)
    assert done.exit_code == 5 and found["verdict"] == "not proven" and found["reembedded"] is None
    assert found["unseen_documents"] and found["seen_documents"]
    with Index.open(tmp_path / "engine") as index:
        assert index.schema == before


def test_too_few_questions_are_refused_before_anything_is_learnt(tmp_path: Path, run: Run) -> None:
    rows, judged = collection(tmp_path, 20, synonyms=False)
    with Index.open(tmp_path / "engine", encoder="hashing:64") as index:
        index.ingest(rows)
    found = run(
        "improve",
        "--engine",
        str(tmp_path / "engine"),
        "--from",
        "./x",
        "-o",
        str(tmp_path / "out"),
        "--judgements",
        str(judged),
    )
    assert found.exit_code == UsageError.exit_code and "too few to prove anything" in found.output
