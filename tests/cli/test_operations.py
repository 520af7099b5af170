"""Moving whole indexes from the command line: reembed, rollback, dump, restore, vectorize, pipeline."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from searchctl.encoders.hashing import HashingEncoder

Run = Callable[..., Result]
WORDS = "amber basin cedar delta ember fjord grove harbor island jungle kettle lantern".split()


@pytest.fixture
def loaded(run: Run, here: Path) -> Path:
    """Return a folder of judged queries whose corpus is in the index of the current folder."""
    folder = here / "words"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": f"d{n}", "title": "", "text": f"All there is about {word}."} for n, word in enumerate(WORDS)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    queries = [{"_id": f"q{n}", "text": f"what about {word}?"} for n, word in enumerate(WORDS)]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    judged = "".join(f"q{n}\td{n}\t1\n" for n in range(len(WORDS)))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    result = run("ingest", folder / "corpus.jsonl", "--id", "_id", "--encoder", "hashing:64", "-q")
    assert result.exit_code == 0, result.stderr
    return folder


def encoder_in_use(run: Run) -> str:
    return str(json.loads(run("info", "--json").stdout)["encoder"]["name"])


def test_reembed_and_back(run: Run, shown: Run, loaded: Path) -> None:
    result = shown("reembed", "--encoder", "hashing:128", "--judgements", loaded, "--gate", "ndcg@10>=-0.01")
    assert result.exit_code == 0, result.stderr
    assert "default is default-v2 now (before: default-v1)" in result.stdout
    assert "hybrid ndcg@10" in result.stdout and "1.0000 -> 1.0000" in result.stdout
    assert "tried with 12 queries of words" in result.stderr and "searchctl rollback" in result.stderr
    assert encoder_in_use(run) == "hashing:128"
    assert shown("rollback").exit_code == 0
    assert encoder_in_use(run) == "hashing:64"
    assert shown("rollback", "--list").stdout.splitlines()[1].split()[:4] == ["default", "in", "use", "12"]


def test_going_back_says_what_it_would_lose_and_can_carry_it(run: Run, loaded: Path, tmp_path: Path) -> None:
    assert run("reembed", "--encoder", "hashing:128", "--known-items", "0").exit_code == 0
    (gone, *_) = json.loads(run("search", "amber", "--json").stdout)["hits"]
    assert run("delete", gone["id"], "--yes").exit_code == 0
    more = tmp_path / "more.jsonl"
    more.write_text('{"id": "new", "text": "a violin without strings"}\n', encoding="utf-8")
    assert run("ingest", more).exit_code == 0
    refused = run("rollback")
    assert (
        refused.exit_code == 2 and "loses 1 documents written since, 0 changed, and brings 1 deleted" in refused.stderr
    )
    assert encoder_in_use(run) == "hashing:128"
    assert run("rollback", "--carry").exit_code == 0
    assert encoder_in_use(run) == "hashing:64"
    assert json.loads(run("search", "violin", "--json").stdout)["hits"][0]["id"] == "new"
    assert run("get", gone["id"]).exit_code == 1
    assert run("rollback", "--carry", "--discard").exit_code == 2


def test_a_gate_that_isnt_met_gives_exit_code_5_and_says_what_next(run: Run, loaded: Path) -> None:
    common = ("reembed", "--encoder", "hashing:8", "--judgements", loaded)
    result = run(*common, "--gate", "vector:hit@1>=0.5", "--json")
    assert result.exit_code == 5
    report = json.loads(result.stdout)
    assert report["moved"] is None and report["version"] == "default-v2" and len(report["missed"]) == 1
    assert {one["mode"] for one in report["trial"]["differences"]} == {"hybrid", "vector"}
    result = run(*common, "--gate", "vector:hit@1>=0.5")
    assert "the old version stays in use" in result.stderr and "rollback --drop default-v2" in result.stderr
    assert encoder_in_use(run) == "hashing:64"
    assert run("rollback", "--drop", "default-v2").exit_code == 0
    assert len(run("rollback", "--list").stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--encoder NAME"),
        (("--encoder", "hashing:64"), "already"),
        (("--encoder", "hashing:8", "--gate", "good"), "isn't a gate"),
        (("--encoder", "hashing:8", "--gate", "ndcg@10>=0", "--known-items", "0"), "a gate needs queries"),
    ],
)
def test_reembed_refuses_what_makes_no_sense(run: Run, loaded: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run("reembed", *arguments)
    assert result.exit_code == 2 and message in result.stderr


def test_reembed_dry_run_changes_nothing(run: Run, shown: Run, loaded: Path) -> None:
    plan = json.loads(shown("reembed", "--encoder", "hashing:128", "--dry-run", "--json").stdout)
    assert (plan["version"], plan["documents"]) == ("default-v2", 12)
    assert "nothing was changed" in shown("reembed", "--encoder", "hashing:128", "--dry-run").stderr
    assert len(shown("rollback", "--list").stdout.splitlines()) == 2


def test_an_encoder_that_reads_less_than_a_passage_is_told_of(
    run: Run, loaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HashingEncoder, "max_tokens", 64)
    plan = ("reembed", "--encoder", "hashing:128", "--dry-run")
    assert "reads 64 tokens, and passages have up to 256" in run(*plan).stderr
    assert "reads" not in run(*plan, "--passage-size", "64").stderr
    assert run(*plan, "--passage-size", "128").exit_code == 2


def test_versions_differ_by_the_size_of_their_passages(shown: Run, loaded: Path) -> None:
    assert shown("reembed", "--passage-size", "384", "--known-items", "0").exit_code == 0
    assert "of up to 384 tokens, 32 shared" in shown("info").stdout
    sizes = {
        one["version"]: one["passage_size"]
        for one in json.loads(shown("rollback", "--list", "--json").stdout)["versions"]
    }
    assert sizes == {"default-v1": 256, "default-v2": 384}
    result = shown("reembed", "--passage-size", "384")
    assert result.exit_code == 2 and "already" in result.stderr
    again = shown("ingest", loaded, "--passage-size", "384")  # which shares as much
    assert again.exit_code == 0, again.stderr


def test_nothing_to_go_back_to(run: Run, loaded: Path) -> None:
    result = run("rollback")
    assert result.exit_code == 2 and "no version before" in result.stderr
    assert run("rollback", "--list", "--drop", "x").exit_code == 2
    assert run("rollback", "--drop", "other").exit_code == 1


def test_dump_and_restore(shown: Run, loaded: Path, here: Path) -> None:
    result = shown("dump", here / "backup", "--json")
    assert json.loads(result.stdout)["documents"] == 12
    assert {path.name for path in (here / "backup").iterdir()} == {
        "documents.jsonl.gz",
        "vectors.safetensors",
        "manifest.json",
    }
    refused = shown("restore", here / "backup")
    assert refused.exit_code == 1 and "--replace" in refused.stderr
    restored = shown("restore", here / "backup", "--engine", here / "other", "--index", "copy", "--json")
    assert json.loads(restored.stdout) == {
        "schema": "restored/1",
        "name": "copy",
        "version": "copy-v1",
        "documents": 12,
        "written": 12,
        "before": None,
    }
    found = shown("search", "lantern", "--engine", here / "other", "--index", "copy", "--json")
    assert json.loads(found.stdout)["hits"][0]["id"] == "d11"
    assert shown("dump", here / "backup").exit_code == 1
    assert shown("dump", here / "plain", "--plain").exit_code == 0 and (here / "plain" / "documents.jsonl").exists()
    nothing = shown("restore", here / "words")
    assert nothing.exit_code == 1 and "isn't a dump" in nothing.stderr


def test_texts_first_and_vectors_later(shown: Run, here: Path) -> None:
    (here / "note.txt").write_text("A lantern in the fog.")
    result = shown("ingest", "note.txt", "--encoder", "hashing:64", "--defer-vectors")
    assert result.exit_code == 0 and "searchctl vectorize" in result.stderr
    assert "searchctl vectorize --index default" in shown("doctor").stdout
    answer = json.loads(shown("search", "lantern", "--mode", "lexical", "--json").stdout)
    assert answer["hits"][0]["passage"]["text"] == "A lantern in the fog."
    assert json.loads(shown("vectorize", "--json").stdout)["encoded"] == 1
    assert json.loads(shown("search", "lantern", "--mode", "vector", "--json").stdout)["hits"]
    assert "0 documents" in shown("vectorize").stdout


def test_what_needs_a_server_says_so(run: Run, loaded: Path) -> None:
    result = run("vectorize", "default", "--encoder", "hashing:64")
    assert result.exit_code == 2 and "name a server" in result.stderr
    assert run("vectorize", "--follow", "5").exit_code == 2
    result = run("pipeline", "install")
    assert result.exit_code == 2 and "OpenSearch 2.10" in result.stderr


def test_interrupted_it_says_how_to_go_on(run: Run, loaded: Path, here: Path) -> None:
    rows = "".join(json.dumps({"id": f"n{n}", "text": f"Note number {n}."}) + "\n" for n in range(600))
    (here / "many.jsonl").write_text(rows)
    assert run("ingest", "many.jsonl", "-q").exit_code == 0
    options = ("--encoder", "hashing:128", "--known-items", "0", "--docs-per-second", "64")
    command = [sys.executable, "-m", "searchctl", "reembed", *options]
    process = subprocess.Popen(command, cwd=here, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while "default-v2" not in run("rollback", "--list").stdout:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Resume with:\n  searchctl reembed --encoder hashing:128" in said
    assert encoder_in_use(run) == "hashing:64"
    assert run("reembed", *options[:4]).exit_code == 0
    assert encoder_in_use(run) == "hashing:128"
