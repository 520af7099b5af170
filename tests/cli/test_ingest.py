"""`ingest`: summary, dead letters, dry run, interrupts, and what it refuses."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Run

HASHING = ("--encoder", "hashing")


@pytest.fixture
def docs(here: Path) -> Path:
    """A folder with three documents in two languages, one of them in CP1251."""
    folder = here / "docs"
    (folder / "drafts").mkdir(parents=True)
    (folder / "returns.md").write_text("# Returns\n\nSend the item back within 30 days.\n", encoding="utf-8")
    (folder / "возврат.txt").write_bytes("Верните товар в течение тридцати дней, мы вернём деньги.".encode("cp1251"))
    (folder / "drafts/plan.txt").write_text("A plan for the summer sale.", encoding="utf-8")
    return folder


def report(run: Run, *arguments: str) -> dict[str, object]:
    found = json.loads(run("ingest", *arguments, *HASHING, "--json").stdout)
    assert isinstance(found, dict)
    return found


def ids(run: Run, query: str) -> list[str]:
    return [hit["id"] for hit in json.loads(run("search", query, "--json", "--mode", "lexical").stdout)["hits"]]


def test_two_commands_give_search_over_a_folder(docs: Path, run: Run, shown: Run) -> None:
    result = shown("ingest", "docs", *HASHING)
    assert result.exit_code == 0, result.output
    assert "read       3 documents\nwritten    3\nunchanged  0\n" in result.stdout
    assert "next: searchctl search 'your question'" in result.stderr
    assert ids(run, "item") == ["returns.md"]
    assert ids(run, "деньги") == ["возврат.txt"]


def test_json_report_and_the_second_run(docs: Path, run: Run) -> None:
    first = report(run, "docs")
    assert {name: first[name] for name in ("read", "written", "unchanged", "dead", "pruned")} == {
        "read": 3,
        "written": 3,
        "unchanged": 0,
        "dead": 0,
        "pruned": 0,
    }
    assert (first["interrupted"], first["dead_letters"], first["first_failure"]) == (False, None, None)
    (docs / "returns.md").write_text("# Returns\n\nNow sixty days.\n", encoding="utf-8")
    second = report(run, "docs")
    assert (second["written"], second["dead"]) == (1, 0)
    assert ids(run, "sixty") == ["returns.md"]


def test_prune_deletes_what_is_gone(docs: Path, run: Run) -> None:
    report(run, "docs")
    (docs / "returns.md").unlink()
    assert report(run, "docs")["pruned"] == 0
    assert report(run, "docs", "--prune")["pruned"] == 1
    assert ids(run, "item") == []
    assert ids(run, "деньги") == ["возврат.txt"]


def many(here: Path, count: int) -> Path:
    folder = here / "many"
    folder.mkdir()
    for number in range(count):
        (folder / f"page{number}.txt").write_text(f"page number {number}")
    return folder


def test_a_large_share_is_pruned_only_after_a_question(here: Path, run: Run, shown: Run) -> None:
    folder = many(here, 30)
    report(run, "many")
    for number in range(12):
        (folder / f"page{number}.txt").unlink()
    dry = json.loads(shown("ingest", "many", *HASHING, "--prune", "--dry-run", "--json").stdout)
    assert len(dry["to_prune"]) == 12
    assert "to prune   12 of 30: page" in shown("ingest", "many", *HASHING, "--prune", "--dry-run").stdout
    refused = shown("ingest", "many", "--prune")
    assert refused.exit_code == 1
    assert "12 of 30 documents from there are gone (40%): page" in refused.stderr
    assert "12 documents that are gone were not deleted" in refused.stderr and "--prune --yes" in refused.stderr
    assert json.loads(shown("info", "--json").stdout)["documents"] == 30
    done = shown("ingest", "many", "--prune", "--yes")
    assert done.exit_code == 0
    assert "pruned     12: page" in done.stdout and "and 2 more" in done.stdout
    assert json.loads(shown("info", "--json").stdout)["documents"] == 18


def test_what_pruning_keeps_is_told(docs: Path, run: Run) -> None:
    report(run, "docs")
    kept = run("ingest", "docs", "--prune", "--include", "*.md")
    assert "2 documents kept, since nothing shows that they are gone" in kept.stderr


def test_replaced_documents_of_other_sources_are_told(here: Path, run: Run, shown: Run) -> None:
    for name in ("goods", "tickets"):
        (here / f"{name}.csv").write_text(f"id,text\n1,of {name}\n2,more of {name}\n")
    report(run, "goods.csv")
    result = shown("ingest", "tickets.csv", *HASHING)
    assert "replaced   2 documents of other sources" in result.stdout
    assert f"the document '1' came from {here / 'goods.csv'} before" in result.stderr


def test_the_last_file_wins_if_that_is_meant(here: Path, shown: Run) -> None:
    for month in ("01", "02"):
        (here / f"{month}.jsonl").write_text(json.dumps({"id": 7, "text": f"state of {month}"}))
    refused = shown("ingest", "01.jsonl", "02.jsonl", *HASHING)
    assert refused.exit_code == 3
    assert "--same-id last" in refused.stderr
    meant = shown("ingest", "01.jsonl", "02.jsonl", *HASHING, "--same-id", "last")
    assert meant.exit_code == 0
    assert "passed over  1: a later file has the same id" in meant.stdout


def test_names_that_no_record_has_are_told(here: Path, run: Run) -> None:
    (here / "t.jsonl").write_text('{"name": "Kettle", "body": "Boils water", "price": 10}')
    result = run("ingest", "t.jsonl", "--title", "nmae", "--text", "body", "--keep", "prise", *HASHING)
    assert "no record has a field 'nmae'; did you mean 'name'?" in result.stderr
    assert "no record has a field 'prise'; did you mean 'price'?" in result.stderr


def test_values_that_do_not_fit_are_told_and_another_type_helps(here: Path, shown: Run) -> None:
    (here / "t.jsonl").write_text('{"id": "1", "text": "one", "v": 2}\n{"id": "2", "text": "two", "v": "2.1-beta"}\n')
    result = shown("ingest", "t.jsonl", *HASHING)
    assert result.exit_code == 0
    assert "left out   1 value of fields: v 1" in result.stdout
    assert "t.jsonl at 2: field 'v': '2.1-beta' isn't a number" in result.stderr
    (here / "kw.toml").write_text('[fields.types]\nv = "keyword"\n')
    result = shown("ingest", "t.jsonl", "--recipe", "kw.toml")
    assert "2 documents indexed anew, because fields have other types now" in result.stderr
    assert "left out" not in result.stdout
    assert json.loads(shown("search", "two", "--where", "v=2.1-beta", "--json").stdout)["total"]["value"] == 1


def test_a_date_format_can_be_given(here: Path, run: Run) -> None:
    (here / "t.csv").write_text("id,text,sold\n1,one,03/05/2026\n2,two,12/24/2025\n")
    (here / "r.toml").write_text('[fields.types]\nsold = "date"\n[fields.dates]\nsold = "%m/%d/%Y"\n')
    assert run("ingest", "t.csv", "--recipe", "r.toml", *HASHING).exit_code == 0
    assert json.loads(run("get", "1", "--json").stdout)["fields"] == {"sold": "2026-03-05"}
    for wrong in ("sold=%Q", "sold=%H:%M", "sold=", "sold"):
        refused = run("ingest", "t.csv", "--date-format", wrong, *HASHING)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "date format" in refused.stderr


def test_names_of_files_cannot_drive_the_terminal(here: Path, run: Run) -> None:
    folder = here / "odd"
    folder.mkdir()
    (folder / "a\x1b]0;own\x07.bin").write_text("x")
    (folder / "b\x1b]0;own\x07.jsonl").write_text('{"text": ""}')
    (folder / "c.txt").write_text("words")
    result = run("-v", "ingest", "odd", *HASHING)
    assert "own" in result.stderr and "\x1b" not in result.output


def test_include_and_exclude(docs: Path, run: Run) -> None:
    assert report(run, "docs", "--include", "*.txt", "--exclude", "drafts/")["read"] == 1
    nothing = run("ingest", "docs", "--include", "*.pdf", *HASHING)
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert "nothing to read" in nothing.stderr


def test_fields_are_mapped(here: Path, run: Run, shown: Run) -> None:
    row = {"sku": "p-1", "name": "Lamp", "body": "Warm light.", "extra": "For reading.", "price": 12, "colour": "red"}
    (here / "goods.jsonl").write_text(json.dumps(row))
    report(run, "goods.jsonl", "--id", "sku", "--title", "name", "--text", "body,extra", "--keep", "price")
    stored = json.loads(shown("get", "p-1", "--json").stdout)
    assert stored == {
        "schema": "document/1",
        "id": "p-1",
        "title": "Lamp",
        "text": "Warm light.\n\nFor reading.",
        "fields": {"price": 12},
    }


def test_standard_input(run: Run) -> None:
    result = run("ingest", "-", "--format", "jsonl", *HASHING, stdin='{"id": "a", "text": "from a pipe"}\n')
    assert result.exit_code == 0, result.output
    assert ids(run, "pipe") == ["a"]


BAD = '{"id": "a", "text": "good"}\n{broken\n{"id": "b"}\n{"id": "c", "text": "fine"}\n'


def test_dead_letters_are_kept_and_reported_by_exit_3(here: Path, run: Run, shown: Run) -> None:
    (here / "bad.jsonl").write_text(BAD)
    result = shown("ingest", "bad.jsonl", *HASHING, "--dead-letters", "dead.jsonl")
    assert result.exit_code == 3
    assert "failed     2, in dead.jsonl" in result.stdout
    assert "searchctl ingest dead.jsonl" in result.stderr
    assert f"the first failed: {here / 'bad.jsonl'} at 2: broken JSON" in result.stderr
    letters = [json.loads(line) for line in (here / "dead.jsonl").read_text().splitlines()]
    assert [letter["_error"]["position"] for letter in letters] == [2, 3]
    assert sorted(ids(run, "good fine")) == ["a", "c"]


@pytest.mark.parametrize(("choice", "code"), [("skip", 3), ("stop", 1)])
def test_on_error(choice: str, code: int, here: Path, run: Run) -> None:
    (here / "bad.jsonl").write_text(BAD)
    result = run("ingest", "bad.jsonl", *HASHING, "--on-error", choice)
    assert result.exit_code == code
    assert ids(run, "good") == ["a"]
    assert not list(here.rglob("dead-letters*"))


def test_dry_run_stores_nothing_and_foretells_the_run(here: Path, run: Run, shown: Run) -> None:
    (here / "bad.jsonl").write_text(BAD + '{"id": "a", "text": "twice"}\n')
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    plan = shown("ingest", "bad.jsonl", *HASHING, "--dry-run")
    foretold = json.loads(shown("ingest", "bad.jsonl", *HASHING, "--dry-run", "--json").stdout)
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before
    assert plan.exit_code == 0
    assert "documents  2" in plan.stdout
    assert "would fail: " in plan.stdout
    assert [one["id"] for one in foretold["first"]] == ["a", "c"]
    assert all(foretold[name] >= 0 for name in ("seconds", "disk", "memory"))
    done = report(run, "bad.jsonl")
    assert (foretold["documents"], foretold["dead"]) == (done["written"], done["dead"]) == (2, 3)


def test_hint_names_the_index_that_was_typed(docs: Path, run: Run) -> None:
    result = run("ingest", "docs", *HASHING, "--engine", "my folder", "--index", "shop")
    assert "next: searchctl search 'your question' --engine 'my folder' --index shop" in result.stderr


def test_an_index_is_not_remade_in_silence(docs: Path, run: Run) -> None:
    report(run, "docs", "--passage-size", "64", "--analyzer", "en")
    assert json.loads(run("info", "--json").stdout)["passage"] == {"size": 64, "overlap": 8}
    for arguments, expected in (
        (["--analyzer", "ru"], "the analyzer 'en', not the analyzer 'ru'"),
        (["--passage-size", "32"], "passages of 64 tokens, 8 shared, not passages of 32 tokens, 4 shared"),
    ):
        refused = run("ingest", "docs", *arguments)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert expected in refused.stderr
    other = run("ingest", "docs", "--encoder", "hashing:64")
    assert other.exit_code == 1
    assert "hashing:64" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ([], 2, "say what to read: searchctl ingest FOLDER"),
        (["nowhere"], 1, "can't read 'nowhere'"),
        (["docs", "--passage-size", "32", "--passage-overlap", "32"], 2, "can't share 32"),
        (["docs", "--encoder", "./nowhere"], 1, "no folder './nowhere'"),
        (["docs", "--engine", "docs/returns.md"], 2, "is a file"),
    ],
)
def test_refusals(arguments: list[str], code: int, expected: str, docs: Path, run: Run) -> None:
    result = run("ingest", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert expected in result.stderr
    assert not (docs.parent / ".searchctl").exists()


def feeding(here: Path) -> subprocess.Popen[str]:
    """Start an ingest from a pipe which stays open, so that it is surely in the middle of its work, and has stored some."""
    command = [sys.executable, "-m", "searchctl", "ingest", "-", "--format", "jsonl", "--batch", "20", *HASHING]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdin is not None
    number = 0
    while stored(here) < 20:
        process.stdin.write(json.dumps({"id": f"d{number}", "text": f"document number {number}"}) + "\n")
        number += 1
    process.stdin.flush()
    return process


def stored(here: Path) -> int:
    found = list(here.glob(".searchctl/**/index.sqlite"))
    if not found:
        return 0
    try:
        with closing(sqlite3.connect(f"file:{found[0]}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM documents").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_first_interrupt_keeps_what_is_done_and_prints_the_command(here: Path, run: Run) -> None:
    process = feeding(here)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert "finishing the batch in hand; press Ctrl-C again to stop at once" in err
    assert "Resume with:\n  searchctl ingest - --format jsonl --batch 20 --encoder hashing\n" in err
    assert "Traceback" not in err
    assert "written" in out
    assert stored(here) == int(json.loads(run("info", "--json").stdout)["documents"]) > 0
    assert "d0" in ids(run, "document number 0")


def test_second_interrupt_ends_at_once(here: Path, run: Run) -> None:
    process = feeding(here)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "press Ctrl-C again" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)  # standard input is still open: only this can end it
    assert process.wait() == 130
    process.communicate()
    assert json.loads(run("info", "--json").stdout)["documents"] > 0


def test_interrupt_hides_secrets_in_the_command(docs: Path, run: Run) -> None:
    result = run("ingest", "docs", "--engine", "opensearch://ann:planted@host:9200", *HASHING)
    assert result.exit_code != 0
    assert "planted" not in result.output


def test_quiet_says_nothing(docs: Path, run: Run) -> None:
    result = run("ingest", "docs", *HASHING, "-q")
    assert (result.exit_code, result.output) == (0, "")


RECIPE = """
encoder = "hashing:64"
[source]
paths = ["docs"]
exclude = ["drafts/"]
[index]
name = "shop"
analyzer = "ru"
[passages]
size = 64
overlap = 4
"""


def test_recipe_gives_everything_and_flags_go_before_it(docs: Path, run: Run) -> None:
    (docs.parent / "shop.toml").write_text(RECIPE, encoding="utf-8")
    result = run("ingest", "--recipe", "shop.toml")
    assert result.exit_code == 0, result.output
    assert "next: searchctl search 'your question' --index shop" in result.stderr
    found = json.loads(run("info", "--index", "shop", "--json").stdout)
    assert (found["documents"], found["analyzer"], found["encoder"]["name"]) == (2, "ru", "hashing:64")
    assert found["passage"] == {"size": 64, "overlap": 4}
    flags = (
        "--index",
        "other",
        "--encoder",
        "hashing",
        "--analyzer",
        "en",
        "--passage-size",
        "128",
        "--exclude",
        "*.md",
    )
    assert run("ingest", "--recipe", "shop.toml", *flags).exit_code == 0
    found = json.loads(run("info", "--index", "other", "--json").stdout)
    assert (found["documents"], found["analyzer"], found["encoder"]["name"]) == (2, "en", "hashing:256")
    assert found["passage"] == {"size": 128, "overlap": 4}


def test_recipes_that_come_along_are_found_by_name(run: Run) -> None:
    result = run("ingest", "--recipe", "demo", *HASHING, "--dry-run", "--json")
    assert json.loads(result.stdout)["documents"] > 200
    near = run("ingest", "--recipe", "dmeo")
    assert (near.exit_code, near.stdout) == (2, "")
    assert "did you mean 'demo'" in near.stderr


def test_files_passed_over_are_counted_and_named_with_v(docs: Path, run: Run) -> None:
    (docs / "logo.svg").write_text("<svg/>")
    assert "passed over: 1 × unknown ending .svg; -v says which" in run("ingest", "docs", *HASHING).stderr
    assert "logo.svg: unknown ending .svg" in run("ingest", "docs", "-v").stderr
