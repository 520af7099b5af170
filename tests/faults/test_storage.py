"""Disks that are full or read-only, folders of other versions, and other processes at work."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from searchctl.engines.embedded import database
from searchctl.errors import IndexFormatError, IndexLocked, StorageError
from searchctl.index import Index
from searchctl.types import LexicalQuery, VectorQuery

ENCODER = "hashing:32"


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    with Index.open(tmp_path / "engine", encoder=ENCODER) as index:
        index.ingest({"id": f"d{n}", "text": f"text number {n}"} for n in range(30))
    return tmp_path / "engine"


def in_another_process(engine: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code that uses `index` in a process of its own."""
    whole = f"from searchctl import Index\nwith Index.open({str(engine)!r}) as index:\n    {code}"
    return subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True)


def test_a_second_writer_is_refused_and_readers_go_on(filled: Path) -> None:
    with Index.open(filled) as writer, writer.engine.writing(writer.name):
        other = in_another_process(filled, "print(len(index.search('number'))); index.ingest(['x'])")
    assert other.stdout.strip() == "10"
    assert f"process {os.getpid()} is writing" in other.stderr
    assert IndexLocked.__name__ in other.stderr


def test_the_lock_is_free_again_afterwards(filled: Path) -> None:
    with Index.open(filled) as one:
        one.ingest(["first"])
    with Index.open(filled) as two:
        assert two.ingest(["second"]).written == 1


def test_a_reader_sees_what_another_process_wrote(filled: Path) -> None:
    with Index.open(filled) as reader:
        assert not reader.search("zebra", mode="lexical")
        assert in_another_process(filled, "index.ingest([{'id': 'z', 'text': 'zebra'}])").returncode == 0
        assert [hit.id for hit in reader.search("zebra", mode="lexical")] == ["z"]
        assert reader.search("zebra", mode="vector")[0].id == "z"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_searches_both_legs(filled: Path) -> None:
    """As web servers fork: after the index was opened, and searched."""
    code = """index.search('text'); child = os.fork()
    if not child:
        signal.alarm(15)  # rather than waiting forever
        os._exit(len(index.search('number')))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"""
    done = in_another_process(filled, f"import os, signal; {code}")
    assert done.stdout.strip() == "10", done.stderr


def test_an_index_is_closed_after_the_search_under_way(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Index.open(filled) as index:
        opened = index.engine._index(index.name)  # type: ignore[attr-defined]
        closing = threading.Thread(target=opened.close)
        refresh = opened._refresh

        def close_meanwhile() -> None:
            refresh()
            if closing.ident is None:
                closing.start()
                closing.join(0.2)

        monkeypatch.setattr(opened, "_refresh", close_meanwhile)
        words, vector = LexicalQuery("number", 5), VectorQuery(np.ones(32, np.float32), 5)
        assert [len(ranking.ids) for ranking in opened.search([words, vector])] == [5, 5]
        closing.join()
        with pytest.raises(StorageError):
            opened.search([words, vector])


def test_what_is_derived_is_rebuilt_when_lost(filled: Path) -> None:
    shutil.rmtree(filled / "indexes" / "default" / "lexical")
    with Index.open(filled) as index:
        assert len(index.search("number", mode="lexical")) == 10
        assert len(index.search("number", mode="vector")) == 10


@pytest.mark.parametrize("content", ["{", '{"segments": [], "opstamp": Infinity}'])
def test_a_damaged_derived_index_is_rebuilt(filled: Path, content: str) -> None:
    (filled / "indexes" / "default" / "lexical" / "meta.json").write_text(content)
    with Index.open(filled) as index:
        assert len(index.search("number", mode="lexical")) == 10


def test_older_indexes_migrate_and_keep_everything(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "STORE_FORMAT", 4)
    steps = {2: "ALTER TABLE documents ADD COLUMN note TEXT NOT NULL DEFAULT 'new'", 3: "CREATE TABLE extra(x)"}
    monkeypatch.setattr(database, "_MIGRATIONS", steps)
    with Index.open(filled) as index:
        assert index.count() == 30 and len(index.search("number")) == 10
    file = sqlite3.connect(filled / "indexes" / "default" / "index.sqlite")
    assert file.execute("PRAGMA user_version").fetchone() == (4,)
    assert file.execute("SELECT DISTINCT note FROM documents").fetchall() == [("new",)]
    file.close()


def test_what_is_derived_in_an_older_format_is_made_anew(filled: Path) -> None:
    path = filled / "indexes" / "default" / "lexical" / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 0}))
    with Index.open(filled) as index:
        assert len(index.search("number", mode="lexical")) == 10
    assert json.loads(path.read_text())["format"] > 0


def test_newer_folders_and_indexes_are_refused(filled: Path) -> None:
    database = sqlite3.connect(filled / "indexes" / "default" / "index.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(IndexFormatError, match="upgrade"):
        Index.open(filled).count()
    (filled / "searchctl.json").write_text(json.dumps({"format": 99, "aliases": {}}))
    with pytest.raises(IndexFormatError, match="99"):
        Index.open(filled)


def test_a_file_that_is_no_index_is_refused(filled: Path) -> None:
    (filled / "indexes" / "default" / "index.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageError, match="is damaged .* and ingest again"):
        Index.open(filled).count()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_one_clear_error_and_loses_nothing(small_disk: Path) -> None:
    written = 0
    with pytest.raises(StorageError, match="free space"), Index.open(small_disk / "engine", encoder=ENCODER) as index:
        for batch in range(200):
            index.ingest([{"id": f"{batch}-{n}", "text": f"words {batch} {n} " * 30} for n in range(20)])
            written += 20
    assert written
    with Index.open(small_disk / "engine") as index:
        stored = {entry.document.id for entries in index.engine.scan(index.name) for entry in entries}
        assert {f"{batch}-{n}" for batch in range(written // 20) for n in range(20)} <= stored
        assert index.get("0-0") is not None


@pytest.fixture
def read_only(filled: Path) -> Iterator[Path]:
    """The folder mounted read-only: permissions alone don't stop root."""
    bound = subprocess.run(["mount", "--bind", str(filled), str(filled)], capture_output=True)
    if bound.returncode:
        pytest.skip("mounting read-only needs root")
    subprocess.run(["mount", "-o", "remount,ro,bind", str(filled)], check=True)
    yield filled
    subprocess.run(["umount", "-l", str(filled)], check=True)


def test_a_read_only_folder_can_be_searched_but_not_written(read_only: Path) -> None:
    with Index.open(read_only) as index:
        assert len(index.search("number")) == 10
        with pytest.raises(StorageError):
            index.ingest(["new"])
