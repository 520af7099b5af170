"""JSON that commands print: every kind has a schema and a line in docs/json.md; a pipe gets JSON Lines from any command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

import searchctl.cli
from searchctl.cli.schema import kinds, schemas

from .conftest import Run

CLI = Path(searchctl.cli.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "json.md"
LINES = (
    ("search", "fridge"),
    ("similar", "a"),
    ("get", "a"),
    ("info",),
    ("doctor",),
    ("answer", "how long may I keep the fridge"),
    ("synonyms",),
    ("config", "show"),
    ("rollback", "--list"),
    ("evaluate", "--known-items", "5"),
    ("duplicates",),
    ("compact",),
    ("route", "labels"),
    ("route", "predict", "where is it"),
    ("route", "check"),
    ("delete", "b", "--yes"),
    ("indexes",),
    ("version",),
)


def printed_kinds() -> set[str]:
    """Return the kinds that the source of the commands names."""
    found: set[str] = set()
    for path in CLI.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"print_json(?:_lines)?\(\s*\"([\w-]+)\"", text))
        for pair in re.findall(r"print_listing\(\s*\w+,\s*\"([\w-]+)\",\s*\"([\w-]+)\"", text):
            found |= set(pair)
    return found


def test_every_kind_has_a_schema_and_a_line_in_the_documentation() -> None:
    assert printed_kinds() <= set(kinds())
    assert set(kinds()) - printed_kinds() == set()
    documented = set(re.findall(r"^\| `([\w-]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert documented == set(kinds())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schemas())


def test_a_schema_can_be_had_alone(run: Run) -> None:
    whole = json.loads(run("schema").stdout)
    one = json.loads(run("schema", "hit").stdout)
    assert one["$ref"] == "#/$defs/hit" and one["$defs"] == whole["$defs"]
    wrong = run("schema", "hits")
    assert wrong.exit_code == 2 and "did you mean 'hit'" in wrong.stderr


@pytest.fixture
def filled(here: Path, run: Run) -> Run:
    """An index, and labels."""
    text = "Send the fridge back within thirty days of the day on which you bought it."
    rows = [{"id": name, "title": f"How to return a fridge {name}", "text": f"{text} {name}"} for name in "abcdefgh"]
    (here / "docs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert run("ingest", "docs.jsonl", "--encoder", "hashing").exit_code == 0
    for label in ("late", "refund"):
        assert run("route", "add", label, f"my {label} text", f"another {label}", "--encoder", "hashing").exit_code == 0
    return run


@pytest.mark.parametrize("command", LINES, ids=" ".join)
def test_a_pipe_gets_json_lines(filled: Run, command: tuple[str, ...]) -> None:
    result = filled(*command)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines or command in (("duplicates",),)
    assert all("/" in line["schema"] for line in lines)


@pytest.mark.parametrize("command", LINES, ids=" ".join)
def test_json_is_one_object(filled: Run, command: tuple[str, ...]) -> None:
    result = filled(*command, "--json")
    assert result.exit_code == 0, result.output
    assert "/" in json.loads(result.stdout)["schema"]
