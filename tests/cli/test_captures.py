"""What a terminal shows along the README's path is what docs/captures holds, at 80 and at 120 columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.captures import COMMANDS, FOLDER, ROOT, SIZES, plain, shown

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
