"""What a terminal shows along the README's path is what docs/captures holds, at 80 and at 120 columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.captures import COMMANDS, FOLDER, ROOT, RUSSIAN_COMMANDS, RUSSIAN_SIZE, SIZES, plain, shown

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_progress_and_colours_leave_nothing() -> None:
    drawn = "\x1b[?25l⠋ encoding 1 of 2\r\x1b[2K⠙ encoding 2 of 2\n\r\x1b[1A\x1b[2K\x1b[1mread\x1b[0m  3 documents\r\n"
    assert plain(drawn) == "read  3 documents\n"
    assert (
        plain("time  1 min 05 s, 292 passages, 3.8/s · vector 1,633 ms 0.123")
        == "time  … s, 292 passages, …/s · vector … ms …\n"
    )


def test_the_captures_are_of_the_readmes_commands() -> None:
    for command in COMMANDS[:3]:
        assert command in README


@pytest.mark.parametrize(("columns", "lines"), SIZES, ids=lambda size: str(size))
def test_no_captured_line_is_wider_than_the_terminal(columns: int, lines: int) -> None:
    text = (FOLDER / f"readme-{columns}.txt").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if len(line) > columns and not line.startswith("$")] == []


@pytest.mark.slow
def test_a_terminal_shows_what_is_captured(tmp_path: Path) -> None:
    (tmp_path / "ingest").symlink_to(ROOT / "ingest")
    captured = {size: (FOLDER / f"readme-{size[0]}.txt").read_text(encoding="utf-8") for size in SIZES}
    for number, command in enumerate(COMMANDS):
        for size in SIZES[: 1 if number == 0 else None]:  # a second load would find all unchanged
            assert shown(command, tmp_path, *size) in captured[size], command


def test_russian_times_and_numbers_are_left_out_too() -> None:
    assert plain("время  1 мин 23 с, 292 фрагмента, 3,5/с · смысл 1\u00a0399 мс 2,318") == (
        "время  … с, 292 фрагмента, …/с · смысл … мс …\n"
    )


def test_no_line_of_the_russian_capture_is_wider_than_the_terminal() -> None:
    lines = (FOLDER / "russian-80.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 80 and not line.startswith("$")] == []


@pytest.mark.slow
def test_a_terminal_shows_the_russian_path_that_is_captured(tmp_path: Path) -> None:
    (tmp_path / "ingest").symlink_to(ROOT / "ingest")
    captured = (FOLDER / "russian-80.txt").read_text(encoding="utf-8")
    for command in RUSSIAN_COMMANDS:
        assert shown(command, tmp_path, *RUSSIAN_SIZE, "ru") in captured, command
