"""`searchctl tune` as its user meets it: a significant gain is written and used, anything else leaves the index as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from searchctl.index import Index
from searchctl.ranking.fusion import FusionSettings

Run = Callable[..., Result]


@pytest.fixture
def judged(run: Run, here: Path) -> Path:
    """Return judgements for an index of sixty documents: the words of a question are found in one of them."""
    words = [f"word{number:03}" for number in range(60)]
    rows = [{"id": f"d{number}", "text": f"{word} {word}"} for number, word in enumerate(words)]
    (here / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("ingest", "documents.jsonl", "--encoder", "hashing:64").exit_code == 0
    path = here / "judged.jsonl"
    path.write_text("".join(json.dumps({"query": words[n], "relevant": [f"d{n}"]}) + "\n" for n in range(40)))
    return path


def settings_of(here: Path) -> FusionSettings | None:
    with Index.open(here / ".searchctl") as index:
        return index.schema.fusion


def use_words_only(here: Path) -> None:
    with Index.open(here / ".searchctl") as index:
        words = FusionSettings(lexical=1.0, vector=0.0)
        index.engine.update_schema(index.name, replace(index.schema, fusion=words))


def test_a_significant_gain_is_written_unless_it_is_a_dry_run(run: Run, judged: Path, here: Path) -> None:
    """Misspelt questions, of which the words find nothing: vectors of letter groups still do."""
    use_words_only(here)
    judged.write_text(judged.read_text().replace('"query": "word', '"query": "wordd'))
    dry = run("tune", judged, "--dry-run", "--json")
    assert dry.exit_code == 0, dry.stderr
    report = json.loads(dry.stdout)
    assert report["significant"]
    assert not report["written"]
    assert report["before"]["lexical"] == 1.0
    assert settings_of(here) == FusionSettings(lexical=1.0, vector=0.0)
    assert json.loads(run("tune", judged, "--json").stdout)["written"]
    tuned = settings_of(here)
    assert tuned is not None
    assert tuned.vector > 0
    first = json.loads(run("search", "wordd007", "--json").stdout)["hits"][0]
    assert first["legs"]["vector"]["weight"] == pytest.approx(tuned.vector)


def test_what_cannot_be_better_is_left_alone(shown: Run, judged: Path, here: Path) -> None:
    result = shown("tune", judged)
    assert result.exit_code == 0, result.stderr
    fusion, _, relevance = result.stdout.partition("relevance")
    assert "no, what is set is best" in fusion
    assert "yes" in relevance, "forty judged questions tell what relevance means here"
    with Index.open(here / ".searchctl") as index:
        assert index.schema.fusion is None
        assert len(index.schema.relevance) == 6


def test_what_was_tuned_is_shown_and_can_be_taken_back(run: Run, shown: Run, judged: Path, here: Path) -> None:
    assert shown("info").stdout.count("tuned") == 0
    use_words_only(here)
    judged.write_text(judged.read_text().replace('"query": "word', '"query": "wordd'))
    assert "fusion" in json.loads(shown("tune", judged, "--json").stdout)["settings"]
    tuned = json.loads(shown("info", "--json").stdout)["tuned"]
    assert tuned["fusion"]["vector"] > 0
    assert "tuned      fusion: weighted, " in shown("info").stdout
    reembed = ("reembed", "--encoder", "hashing:32", "--dry-run")
    assert "what was tuned stays" in shown(*reembed).stderr
    assert shown("tune", judged, "--reset").exit_code == 2
    assert shown("tune", "--reset").exit_code == 0
    assert json.loads(shown("info", "--json").stdout)["tuned"] == {}
    assert "tuned" not in shown(*reembed).stderr
    with Index.open(here / ".searchctl") as index:
        assert (index.schema.fusion, index.schema.relevance) == (None, ())


def test_queries_whose_documents_are_not_there_teach_nothing(run: Run, shown: Run, judged: Path) -> None:
    assert shown("delete", "d7", "d8", "--yes").exit_code == 0
    result = shown("tune", judged, "--dry-run")
    assert "left out: 2 of the queries, since the index holds none of their documents" in result.stderr
    assert "on 38 queries" in result.stdout
    judged.write_text(judged.read_text().replace('["d', '["other'))
    wrong = shown("tune", judged)
    assert wrong.exit_code == 2 and "0 judged queries whose documents index 'default' holds" in wrong.stderr


def test_known_items_come_with_a_caveat(run: Run, judged: Path, here: Path) -> None:
    rows = [{"id": f"t{n}", "title": f"The story of thing {n}", "text": f"text{n}"} for n in range(30)]
    (here / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("ingest", "more.jsonl").exit_code == 0
    result = run("tune", "--known-items", "25", "--json")
    assert result.exit_code == 0, result.stderr
    data = json.loads(result.stdout)
    assert "favour words" in data["caveat"]
    assert data["queries"] == 25


def test_what_an_engine_cannot_do_is_said(run: Run, shown: Run, judged: Path) -> None:
    result = shown("tune", judged, "--bm25", "--dry-run")
    assert result.exit_code == 0, result.stderr
    assert "tantivy's BM25, the embedded engine's, has them fixed" in result.stderr


def test_sizes_of_passages_are_tried_and_take_new_vectors(run: Run, judged: Path) -> None:
    data = json.loads(run("tune", judged, "--passages", "64,128", "--json").stdout)
    assert data["passages"]["before"]["size"] == 256
    assert data["passages"]["gain"]["value"] == 0.0, "these texts are shorter than any of them"
    assert "passages" not in data["settings"]
    assert run("tune", judged, "--passages", "few").exit_code == 2


def test_too_few_queries_say_what_to_do(run: Run, judged: Path) -> None:
    judged.write_text(judged.read_text().splitlines()[0])
    result = run("tune", judged)
    assert result.exit_code == 2
    assert "tuning needs 20 or more" in result.stderr
