"""Standard input and pipes, and that reading is lazy."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from searchctl.sources import FieldMapping, Record, discover, read
from searchctl.types import Document
from tests.sources.kit import source


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b' \n{"id": 1, "text": "a"}\n{"text": "b"}', [("1", "a"), ("stdin#3", "b")]),
        (gzip.compress(b'{"id": 1, "text": "a"}\n', mtime=0), [("1", "a")]),
        ("Просто текст".encode(), [("stdin", "Просто текст")]),
        ("Просто русский текст".encode("koi8-r"), [("stdin", "Просто русский текст")]),
    ],
)
def test_standard_input_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, content: bytes, expected: list[tuple[str, str]]
) -> None:
    assert [(one.id, one.text) for one in from_stdin(monkeypatch, content)] == expected


def test_standard_input_in_a_format(monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_stdin(monkeypatch, b"id,text\n1,a\n", format="csv") == [Document("1", "a")]
    assert from_stdin(monkeypatch, b"id,text\n1,\xe9t\xe9\n", format="csv", encoding="latin-1") == [
        Document("1", "été")
    ]


def from_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes, **options: Any) -> list[Document]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    (file,) = discover(["-"], **options)
    found = list(read(file, FieldMapping()))
    assert all(isinstance(one, Record) and one.source == "-" for one in found), found
    return [one.document for one in found if isinstance(one, Record)]


def test_a_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    file = source(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b'{"id": 1, "text": "a"}\n' * 3,))
    writer.start()
    found = list(read(file, FieldMapping()))
    writer.join()
    assert file.size is None and [one.position for one in found] == [1, 2, 3]


def test_reading_is_lazy(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text('{"id": 1, "text": "a"}\n' * 100_000)
    reader = read(source(path), FieldMapping())
    next(reader)
    with path.open("w"):
        pass  # what was looked at is all that is still known
    assert len(list(reader)) < 60_000
