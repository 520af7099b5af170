"""The journal: what it keeps through kills, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from searchctl.errors import IndexLocked, StorageError
from searchctl.generation.journal import RequestJournal
from searchctl.generation.model import ChatCompletion

ANSWER = ChatCompletion("text ё \ud800", "stop", "", "m", 10, 2, True, "2026-01-01T00:00:00+00:00")


def test_answers_come_back_and_what_was_on_its_way_is_known(tmp_path: Path) -> None:
    with RequestJournal(tmp_path / "j") as journal:
        for key in "abc":
            journal.sent(key)
        journal.answered("a", ANSWER)
        journal.failed("b", "busy")
    with RequestJournal(tmp_path / "j") as journal:
        assert journal.answers["a"].text == "text ё ?" and journal.answers["a"].answer_tokens == 2
        assert journal.on_their_way == {"c"}
        journal.sent("b")
        journal.answered("b", ANSWER)
    assert set(RequestJournal.peek(tmp_path / "j").answers) == {"a", "b"}
    assert not RequestJournal.peek(tmp_path / "none").answers and not (tmp_path / "none").exists()


def test_a_line_that_was_cut_is_dropped_and_written_over(tmp_path: Path) -> None:
    with RequestJournal(tmp_path) as journal:
        journal.sent("a")
        journal.answered("a", ANSWER)
        journal.sent("b")
    path = tmp_path / "requests.jsonl"
    whole = path.read_bytes()
    for size in range(len(whole) - len(b'{"sent": "b"}\n') + 1, len(whole)):
        path.write_bytes(whole[:size])
        assert RequestJournal.peek(tmp_path).on_their_way == set() and path.stat().st_size == size
        with RequestJournal(tmp_path) as journal:
            assert journal.on_their_way == set() and set(journal.answers) == {"a"}
            journal.sent("c")
        assert [json.loads(line) for line in path.read_bytes().splitlines()][-1] == {"sent": "c"}


def test_damage_and_newer_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    for text, message in (
        ('{"format": 1}\n{"sent": "a"}\nrubbish\n', "requests.jsonl:3 is damaged.*move the journal away"),
        ('{"format": 1}\n{"what": "a"}\n', "requests.jsonl:2 is damaged"),
        ('{"other": 1}\n', "requests.jsonl:1 is damaged"),
        ('{"format": 9}\n', "of format 9, this searchctl reads up to 1"),
    ):
        path.write_text(text)
        with pytest.raises(StorageError, match=message):
            RequestJournal(tmp_path).__enter__()
        assert path.read_text() == text


def test_one_process_holds_it(tmp_path: Path) -> None:
    with RequestJournal(tmp_path), pytest.raises(IndexLocked, match="is writing to the journal"):
        RequestJournal(tmp_path).__enter__()
    with RequestJournal(tmp_path):
        pass
