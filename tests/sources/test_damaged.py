"""Files that are cut short, packed wrongly, too large or gone: each costs only itself."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from searchctl.sources import Failure, FieldMapping, Limits, Record, read
from searchctl.types import Document
from tests.sources.kit import documents, failures, items, source, written


def test_a_truncated_gzip_gives_what_can_be_unpacked(tmp_path: Path) -> None:
    rng = random.Random(5)
    lines = [json.dumps({"id": n, "text": f"{rng.random()}"}) for n in range(20_000)]
    packed = gzip.compress("\n".join(lines).encode())
    found = items(written(tmp_path / "f.jsonl.gz", packed[: len(packed) * 3 // 4]))
    records, (last,) = found[:-1], found[-1:]
    assert 10_000 < len(records) < 20_000
    assert [one.document.id for one in records if isinstance(one, Record)] == [str(n) for n in range(len(records))]
    assert isinstance(last, Failure) and "cut off or damaged" in last.reason
    assert len(documents(written(tmp_path / "whole.jsonl.gz", packed))) == 20_000


def test_gzip_that_is_not_gzip_and_gzip_with_a_wrong_checksum(tmp_path: Path) -> None:
    unpacked = written(tmp_path / "a.jsonl.gz", '{"id": 1, "text": "x"}')  # a browser did that and kept the name
    assert documents(unpacked) == [Document("1", "x")]
    packed = bytearray(gzip.compress(b'{"id": 1, "text": "x"}\n'))
    packed[-6] ^= 0xFF
    record, failure = items(written(tmp_path / "b.jsonl.gz", bytes(packed)))
    assert isinstance(record, Record) and isinstance(failure, Failure)


@pytest.mark.parametrize(
    "content",
    [
        random.Random(0).randbytes(4096),
        b"\0" * 100,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random.Random(1).randbytes(200),
        gzip.compress(b"text" * 99, mtime=0),
    ],
    ids=["random", "zeros", "picture", "packed"],
)
@pytest.mark.parametrize("name", ["f.txt", "f.md", "f.jsonl", "f.csv", "f.json", "f.html"])
def test_binary_files_by_other_names(tmp_path: Path, content: bytes, name: str) -> None:
    found = items(written(tmp_path / name, content))
    assert found and all(isinstance(one, Failure) for one in found)


def test_a_line_over_the_limit_is_skipped_in_bounded_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "f.jsonl"
    with path.open("wb") as file:
        file.write(b'{"id": 1, "text": "a"}\n{"id": 2, "text": "')
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n{"id": 3, "text": "c"}\n')
    limits = Limits(record=1_000_000)
    tracemalloc.start()
    first, long, last = read(source(path), FieldMapping(), limits=limits)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(first, Record) and isinstance(last, Record) and last.position == 3
    assert isinstance(long, Failure) and "longer than 1 MB" in long.reason and long.position == 2
    assert peak < 6_000_000


def test_whole_files_have_a_limit_also_when_they_are_packed(tmp_path: Path) -> None:
    limits = Limits(file=1_000_000)
    for name in ("f.txt", "f.json", "f.pdf", "f.docx"):
        content = b'{"text": "' + b"x" * 5_000_000
        (failure,) = failures(written(tmp_path / f"{name}.gz", gzip.compress(content)), limits=limits)
        assert "more than 1 MB" in failure.reason and failure.source.endswith(f"{name}.gz")


def test_a_gzip_bomb_in_a_line_costs_that_line(tmp_path: Path) -> None:
    bomb = gzip.compress(b'{"id": 1, "text": "' + b"x" * 30_000_000 + b'"}\n{"id": 2, "text": "b"}\n')
    long, last = items(written(tmp_path / "f.jsonl.gz", bomb))
    assert isinstance(long, Failure) and isinstance(last, Record)


def test_a_file_that_vanished_is_one_failure(tmp_path: Path) -> None:
    path = written(tmp_path / "f.txt", "text")
    file = source(path)
    path.unlink()
    (failure,) = read(file, FieldMapping())
    assert isinstance(failure, Failure) and "No such file" in failure.reason


@pytest.mark.parametrize("name", ["f.txt", "f.md", "f.html", "f.csv", "f.json"])
def test_an_empty_file_is_a_failure_and_an_empty_jsonl_is_nothing(tmp_path: Path, name: str) -> None:
    assert len(failures(written(tmp_path / name, " \n"))) == 1
    assert items(written(tmp_path / "f.jsonl", " \n\n")) == []
