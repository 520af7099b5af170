"""What is said to usual mistakes, and with which exit code: each line of the table in docs/errors.md is typed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Run

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"
ROW = re.compile(r"^\| `(searchctl [^`]+)`([^|]*) \| (`.+?`|…) \| (\d+) \|$", re.MULTILINE)
LINES = ROW.findall(DOCS.read_text(encoding="utf-8"))
HASHING = ("--encoder", "hashing")


@pytest.fixture
def place(here: Path, run: Run) -> Path:
    """A folder with documents, an index and labels, as somebody has it who makes mistakes."""
    (here / "docs").mkdir()
    (here / "empty").mkdir()
    (here / "docs" / "returns.md").write_text("# Returns\n\nSend the fridge back within thirty days.\n")
    (here / "rows.jsonl").write_text('{"id": "a", "text": "A lamp of brass", "lang": "ru", "rating": 5}\n')
    (here / "tickets.csv").write_text("Вопрос пользователя,метка\nгде посылка,late\n", encoding="utf-8")
    judged = [{"query": f"words {number} of returns", "relevant": ["returns.md"]} for number in range(18)]
    (here / "few.jsonl").write_text("\n".join(map(json.dumps, judged)))
    assert run("ingest", "docs", "rows.jsonl", *HASHING).exit_code == 0
    assert run("route", "add", "late", "where is my parcel", *HASHING).exit_code == 0
    return here


def refusing(error: OSError) -> Callable[..., object]:
    """Return a function that raises this error, as the system does where a file isn't ours."""

    def opened(*_arguments: object) -> object:
        raise error

    return opened


def test_the_table_is_read() -> None:
    assert len(LINES) >= 30
    assert DOCS.read_text(encoding="utf-8").count("| `searchctl") == len(LINES)


@pytest.mark.parametrize(("typed", "where", "said", "code"), LINES, ids=[line[0] for line in LINES])
def test_a_mistake_is_answered_as_documented(
    place: Path, run: Run, monkeypatch: pytest.MonkeyPatch, typed: str, where: str, said: str, code: str
) -> None:
    if "without scikit-learn" in where:
        monkeypatch.setattr("searchctl.extras.find_spec", lambda name: None)
    if "may be read by another user only" in where:
        monkeypatch.setattr("searchctl.sources.reading.opened", refusing(PermissionError(13, "Permission denied")))
    result = run(*shlex.split(typed)[1:])
    assert result.exit_code == int(code), result.output
    printed = " ".join(result.stderr.split())
    assert result.exit_code in (0, 3) or printed.startswith("searchctl: error: ")
    rest = printed
    for part in filter(None, re.split(r"\s*…\s*", said.strip("`"))):
        assert part in rest, printed
        rest = rest.partition(part)[2]
