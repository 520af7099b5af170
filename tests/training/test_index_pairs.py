"""Pairs mined from an index: of what, with which negatives, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchctl import Index
from searchctl.errors import UsageError
from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.training.index_pairs import PairMining, mine_pairs
from searchctl.training.reading import read_pairs
from tests.cli.conftest import Run

TEXTS = {
    "kettle": (
        "How to descale a kettle",
        "Fill the kettle with vinegar and water, boil it once and let it stand overnight.",
    ),
    "kettle2": (
        "How to descale a kettle",
        "Fill the kettle with vinegar and water, boil it once and let it stand overnight. Rinse.",
    ),
    "iron": (
        "How to descale an iron",
        "Steam irons are cleaned with distilled water only, never with vinegar of any kind.",
    ),
    "bridge": (
        "Cables of a suspension bridge",
        "Each cable has thousands of wires of steel, spun in place over the river.",
    ),
    "short": ("Much too short for it", "No."),
    "untitled": ("", "Nothing stands above this text, so that nobody can ask by its title, can they?"),
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "engine", encoder="hashing:256") as opened:
        opened.ingest([{"id": id, "title": title, "text": text} for id, (title, text) in TEXTS.items()])
        opened.ingest(
            [
                {"id": f"{label}-{n}", "text": f"{label} {text}", "label": label}
                for label in ("money", "parcel")
                for n, text in enumerate(("where is it", "it never came", "I want it back"))
            ]
        )
        yield opened


def test_titles_are_questions_for_the_text_below(index: Index) -> None:
    mined = mine_pairs(index, PairMining(labels=False, margin=0.0))
    assert {pair.document for pair in mined.pairs} == {"kettle", "kettle2", "iron", "bridge"}
    kettle = next(pair for pair in mined.pairs if pair.document == "kettle")
    assert kettle.query == TEXTS["kettle"][0] and kettle.positive == TEXTS["kettle"][1]
    for pair in mined.pairs:
        assert pair.document not in pair.negative_documents and pair.positive not in pair.negatives


def test_what_is_as_near_as_the_answer_is_no_negative(index: Index) -> None:
    """The other document with this title is nearer to it than the answer alone: it may well be an answer."""
    strict = mine_pairs(index, PairMining(labels=False, margin=0.05))
    assert all("kettle2" not in pair.negative_documents for pair in strict.pairs if pair.document == "kettle")
    assert strict.doubtful > 0


def test_texts_of_a_label_are_alike_and_never_negatives(index: Index) -> None:
    mined = mine_pairs(index, PairMining(titles=False, margin=0.0))
    assert mined.sources == {"label": 6}
    for pair in mined.pairs:
        label = pair.document.split("-")[0]
        assert pair.query.startswith(label) and pair.positive.startswith(label) and pair.query != pair.positive
        assert not any(id.startswith(label) for id in pair.negative_documents)


def test_judged_queries_come_with_their_best_passage(index: Index) -> None:
    judged = DataSet("j", (JudgedQuery("1", "vinegar in a kettle", {"kettle": 2, "kettle2": 1, "bridge": 0}),))
    mined = mine_pairs(index, PairMining(titles=False, labels=False, margin=0.0), judged)
    assert [pair.document for pair in mined.pairs] == ["kettle", "kettle2"]
    assert mined.pairs[0].positive == "\n".join(TEXTS["kettle"])  # as the index encodes it
    assert all({"kettle", "kettle2"}.isdisjoint(pair.negative_documents) for pair in mined.pairs)


def test_what_is_held_out_is_neither_answer_nor_negative(index: Index) -> None:
    mined = mine_pairs(index, PairMining(margin=0.0), left_out=lambda id: id in ("kettle", "kettle2"))
    shown = {id for pair in mined.pairs for id in (pair.document, *pair.negative_documents)}
    assert shown and not shown & {"kettle", "kettle2"}


def test_the_command_writes_what_training_reads(tmp_path: Path, run: Run, index: Index) -> None:
    engine = ("--engine", str(tmp_path / "engine"))
    out = tmp_path / "pairs.jsonl"
    found = run("train", "pairs", *engine, "-o", str(out), "--json")
    rows, file = read_pairs(out)
    assert json.loads(found.stdout)["pairs"] == file.lines == len(rows) == 10
    assert {row.source for row in rows} == {"title", "label"} and all(row.document for row in rows)
    assert run("train", "pairs", *engine, "-o", str(out), "--split", "dev").exit_code == 2
    with pytest.raises(UsageError, match="no pairs can be mined"):
        mine_pairs(index, PairMining(titles=False, labels=False))
