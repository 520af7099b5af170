"""Progress: what the line says, how the estimate falls, and that no part of a load is silent."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from searchctl.cli.progress import Remaining, bytes_of, describe, rough
from searchctl.index import Index
from searchctl.ingest.model import IngestSettings, Progress
from searchctl.sources import discover

from .conftest import Run


def test_what_the_line_says() -> None:
    assert describe("", None, None) == ""
    assert describe("12 passages", 0.001, None) == "12 passages"
    assert describe("1,200 passages", 0.25, 181.0, 3) == "1,200 passages, 25%, about 3 min left, 3 failed"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (7.4, "7 s"),
        (42, "40 s"),
        (89, "90 s"),
        (179, "3 min"),
        (3600, "1 h 00 min"),
        (7900, "2 h 10 min"),
    ],
)
def test_rough_times(seconds: float, words: str) -> None:
    assert rough(seconds) == words


def test_bytes_in_the_unit_of_the_whole() -> None:
    assert bytes_of(3_100_000, 12_000_000) == "3.1 of 12.0 MB"
    assert bytes_of(10, 312) == "10 of 312 B"


def test_the_estimate_falls_at_an_even_speed_and_between_two_looks() -> None:
    remaining = Remaining()
    assert remaining.left(0.0) is None
    seen = []
    for second in range(60):
        remaining.note(second / 100, float(second))
        left = remaining.left(float(second))
        if left is not None:
            seen.append(left)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == pytest.approx(41, abs=1)
    assert remaining.left(70.0) == pytest.approx(seen[-1] - 11, abs=0.1)


def test_what_was_there_before_is_no_measure_of_speed() -> None:
    remaining = Remaining()
    remaining.note(0.9, 0.0)  # nine tenths were unchanged
    remaining.note(0.95, 10.0)
    assert remaining.left(10.0) == pytest.approx(10.0)


def test_a_load_names_its_phases_and_never_goes_back(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.txt").write_text(
            f"Document {number}. " + "A sentence about returns. " * 40 * (number % 3 + 1)
        )
    told: list[Progress] = []
    with Index.open(tmp_path / "index", encoder="hashing") as index:
        index.ingest_files(discover([str(folder)]).files, IngestSettings(batch=4), on_progress=told.append)
    assert list(dict.fromkeys(one.phase for one in told if one.phase != "reading"))[0] == "encoding"
    assert {"encoding", "measuring background", "finishing"} <= {one.phase for one in told}
    assert told[-1].phase == "finishing" and told[-1].share == 1.0
    assert told[-1].passages > 30 and told[-1].encoded == 30
    passages = [one.passages for one in told]
    assert passages == sorted(passages)


def test_one_long_document_shows_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("A sentence about returning a fridge within thirty days. " * 2000)
    told: list[Progress] = []
    with Index.open(tmp_path / "index", encoder="hashing") as index:
        index.ingest_files(discover([str(tmp_path / "long.txt")]).files, IngestSettings(), on_progress=told.append)
    shares = [one.share for one in told if one.phase == "encoding" and one.share]
    assert len(set(shares)) > 5 and shares == sorted(shares)


def in_terminal(
    here: Path, *arguments: str, then: Callable[[subprocess.Popen[bytes]], None] | None = None
) -> tuple[int, str]:
    """Run a command whose standard error is a terminal; return its exit code and what that showed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "searchctl", *arguments],
        cwd=here,
        stdout=subprocess.DEVNULL,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # Linux's sign that the other side is closed
            break
        if not part:
            break
        shown += part
        if then is not None and b"encoding" in shown:
            then(process)
            then = None
    os.close(leader)
    return process.wait(60), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode("utf-8", "replace"))


def long_docs(here: Path, files: int = 1, sentences: int = 30_000) -> None:
    (here / "docs").mkdir()
    for number in range(files):
        text = "A sentence about returning a fridge within thirty days. " * sentences
        (here / "docs" / f"long-{number}.txt").write_text(text)


def test_the_line_moves_on_a_terminal_and_fits_it(here: Path) -> None:
    long_docs(here, sentences=120_000)  # some seconds of encoding on any machine
    code, shown = in_terminal(here, "ingest", "docs", "--encoder", "hashing")
    assert code == 0
    lines = {line.strip() for line in re.split(r"[\r\n]+", shown) if "passages" in line}
    assert any(re.search(r"encoding .* \d[\d,]* passages, [\d.]+ of 6\.7 MB", line) for line in lines)
    assert len(lines) > 2
    assert all(len(line) <= 80 for line in lines)


def test_ctrl_c_answers_and_says_how_to_resume(here: Path) -> None:
    long_docs(here, files=12)
    answered: list[float] = []

    def interrupt(process: subprocess.Popen[bytes]) -> None:
        answered.append(time.monotonic())
        process.send_signal(signal.SIGINT)

    code, shown = in_terminal(here, "ingest", "docs", "--encoder", "hashing", then=interrupt)
    assert answered and code == 130
    assert "finishing" in shown and "Resume with:" in shown and "searchctl ingest docs" in " ".join(shown.split())


@pytest.mark.parametrize(
    "command",
    [("route", "import", "examples.csv"), ("evaluate", "--known-items", "5"), ("duplicates",), ("vectorize",)],
    ids=" ".join,
)
def test_other_long_commands_have_the_same_line(here: Path, run: Run, command: tuple[str, ...]) -> None:
    text = "Send it back within thirty days of the day on which you bought it."
    rows = [f'{{"id": "{n}", "title": "How to return fridge number {n}", "text": "{text}"}}' for n in range(60)]
    (here / "docs.jsonl").write_text("\n".join(rows))
    (here / "examples.csv").write_text("text,label\n" + "".join(f"Where is parcel {n}?,late\n" for n in range(30)))
    assert run("ingest", "docs.jsonl", "--encoder", "hashing", "--defer-vectors").exit_code == 0
    if command[0] != "vectorize":
        assert run("vectorize").exit_code == 0
    code, shown = in_terminal(here, *command, *(("--encoder", "hashing") if command[0] == "route" else ()))
    assert code == 0, shown
    assert re.search(r"(encoding|answering|reading|comparing|learning|measuring|finishing)", shown), shown
