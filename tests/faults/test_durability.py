"""What was acknowledged is found once, whatever broke: writers that fail, files that are damaged, folders that can't be written."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from searchctl.engines.embedded import vectors as vector_leg
from searchctl.engines.embedded.lexical import LexicalIndex
from searchctl.engines.embedded.store import Store
from searchctl.errors import IndexExists, StorageError
from searchctl.index import Index
from searchctl.lifecycle.compact import compact
from searchctl.lifecycle.doctor import examine
from searchctl.schema import EncoderStamp, Schema
from searchctl.types import Entry, LexicalQuery, VectorQuery
from tests.conftest import DIM, entry

ENCODER = "hashing:32"
DOCUMENTS = 40


def rows(start: int, stop: int) -> list[dict[str, object]]:
    return [{"id": f"d{n}", "text": f"word{n} of a text", "number": n} for n in range(start, stop)]


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    with Index.open(tmp_path / "engine", encoder=ENCODER) as index:
        index.ingest(rows(0, DOCUMENTS))
    return tmp_path / "engine"


@pytest.fixture
def many_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small indexes have segments too."""
    monkeypatch.setattr(vector_leg, "EXACT_ROWS", 16)
    monkeypatch.setattr(vector_leg, "_TAIL_ROWS", 32)
    monkeypatch.setattr(vector_leg, "SEGMENT_ROWS", 64)
    monkeypatch.setattr(vector_leg, "_BATCH", 16)


def part(engine: Path, name: str) -> Path:
    return engine / "indexes" / "default" / name


def assert_whole(engine: Path, ids: set[str]) -> None:
    """Each document is stored, and found once by its own word and by its own vector."""
    with Index.open(engine, create=False) as index:
        stored = {entry.document.id: entry for batch in index.engine.scan("default", vectors=True) for entry in batch}
        assert stored.keys() == ids
        queries = [LexicalQuery(f"word{id.removeprefix('d')}", 5) for id in stored]
        for id, ranking in zip(stored, index.engine.search("default", queries), strict=True):
            assert (ranking.ids, ranking.gap) == ((id,), None)
        nearest = [VectorQuery(entry.vectors[0], 3) for entry in stored.values() if entry.vectors is not None]
        for id, ranking in zip(stored, index.engine.search("default", nearest), strict=True):
            assert len(set(ranking.ids)) == len(ranking.ids) and ranking.gap is None
            assert ranking.ids[0] == id or ranking.scores[0] > 0.999
        assert all(finding.level == "ok" for finding in examine(str(engine)) if finding.subject == "consistency")


def test_after_a_commit_that_failed_the_same_process_goes_on(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Index.open(filled) as index:
        monkeypatch.setattr(LexicalIndex, "_document", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            index.ingest(rows(40, 50))
        monkeypatch.undo()
        index.ingest(rows(50, 60))
    assert_whole(filled, {f"d{n}" for n in range(60)})


@pytest.mark.skipif(sys.platform == "win32", reason="limits of descriptors are Unix's")
@pytest.mark.parametrize("spare", range(3, 12, 2))
def test_a_process_without_descriptors_loses_nothing(filled: Path, spare: int) -> None:
    code = f"""
import os, resource
from searchctl import Index
from searchctl.errors import StorageError
index = Index.open({str(filled)!r}); index.search("word1")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 20, hard))
held = []
try:
    while True: held.append(os.open(os.devnull, os.O_RDONLY))
except OSError: pass
for _ in range({spare}): os.close(held.pop())
documents = lambda start: [dict(id=f"d{{n}}", text=f"word{{n}} of a text", number=n) for n in range(start, start + 20)]
try: index.ingest(documents(40))
except Exception as error: print(isinstance(error, (StorageError, OSError)))
for descriptor in held: os.close(descriptor)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
index.ingest(documents(60)); index.ingest(documents(40)); index.close()"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("", "True")
    assert_whole(filled, {f"d{n}" for n in range(80)})


def test_notes_older_than_the_commit_double_nothing(filled: Path) -> None:
    notes = part(filled, "lexical/state.json")
    older = notes.read_bytes()
    with Index.open(filled) as index:
        index.ingest([*rows(40, 50), {"id": "d3", "text": "word3 has changed", "number": 3}])
        index.delete(["d1"])
    notes.write_bytes(older)
    assert_whole(filled, {f"d{n}" for n in range(50)} - {"d1"})


@pytest.mark.parametrize("left", ["*.del", "*.idx"])
def test_what_a_killed_writer_left_is_in_nobodys_way(filled: Path, tmp_path: Path, left: str) -> None:
    lexical = part(filled, "lexical")
    shutil.copytree(lexical, tmp_path / "before")
    with Index.open(filled) as index:
        index.delete(["d1", "d2"])
        index.ingest(rows(40, 45))
    for path in lexical.glob(left):
        shutil.copy(path, tmp_path / "before")
    shutil.rmtree(lexical)
    shutil.move(tmp_path / "before", lexical)
    with Index.open(filled) as index:
        index.delete(["d3"])
    assert_whole(filled, {f"d{n}" for n in range(45)} - {"d1", "d2", "d3"})


def flip(path: Path, seed: int) -> None:
    content = bytearray(path.read_bytes())
    for at in random.Random(seed).sample(range(len(content)), min(5, len(content))):
        content[at] ^= 0x41
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "flipped": lambda path: flip(path, 1),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_derived_files_are_made_anew(
    filled: Path, tmp_path: Path, many_segments: None, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Index.open(filled) as index:  # with removed documents and segments
        index.delete(["d5"])
        index.ingest(rows(40, 60))
    derived = [path for leg in ("lexical", "vectors") for path in part(filled, leg).iterdir()]
    files = [path for path in derived if path.suffix != ".lock" and path.name != ".managed.json"]
    assert {".idx", ".del", ".json", ".segment", ".quantiser"} <= {path.suffix for path in files}
    shutil.copytree(filled, tmp_path / "kept")
    for path in files:
        shutil.rmtree(filled)
        shutil.copytree(tmp_path / "kept", filled)
        caplog.clear()
        DAMAGES[damage](path)
        assert_whole(filled, {f"d{n}" for n in range(60)} - {"d5"})
        if path.name != "state.json" or path.parent.name == "lexical":
            assert "made anew" in caplog.text, path


def test_damage_that_a_large_index_doesnt_notice_is_found_by_a_deep_check(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("searchctl.engines.embedded.tantivy_files._QUICK_BYTES", 0)
    path = next(part(filled, "lexical").glob("*.fieldnorm"))
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)
    (found,) = [one for one in examine(str(filled), deep=True) if one.subject == "files"]
    assert found.level == "warning" and path.name in found.message and "made anew" in found.message
    (found,) = [one for one in examine(str(filled), deep=True) if one.subject == "files"]
    assert found.level == "ok"
    assert_whole(filled, {f"d{n}" for n in range(DOCUMENTS)})


def test_a_deep_check_names_a_damaged_store(filled: Path) -> None:
    database = sqlite3.connect(part(filled, "index.sqlite"))
    database.execute("UPDATE documents SET fields = '{' WHERE id = 'd7'")
    database.commit()
    database.close()
    levels = {one.subject: one.level for one in examine(str(filled), deep=True)}
    assert levels["files"] == "error"


def test_a_leg_that_cant_be_written_is_said_to_be_missing(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(part(filled, "lexical"))
    monkeypatch.setattr(LexicalIndex, "reset", refuse)
    with Index.open(filled) as index:
        results = index.search("word7")
        assert [hit.id for hit in results][:1] == ["d7"]
        assert not results.legs["lexical"].ran and "can't be searched now" in str(results.legs["lexical"].reason)
        with pytest.raises(StorageError, match="can't be searched now"):
            index.search("word7", mode="lexical")


def refuse(*_: object) -> None:
    raise StorageError("can't use it: No space left on device; check free space and permissions")


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix's processes")
def test_two_processes_that_make_one_index_lose_nothing(tmp_path: Path) -> None:
    code = """
import sys
from searchctl import Index
from searchctl.errors import IndexLocked
path, name = sys.argv[1:]
with Index.open(path, encoder="hashing:32") as index:
    while True:
        try:
            index.ingest([{"id": f"{name}{n}", "text": f"word{name}{n}"} for n in range(5)]); break
        except IndexLocked: pass"""
    for attempt in range(4):
        engine = tmp_path / f"engine{attempt}"
        started = [
            subprocess.Popen([sys.executable, "-c", code, str(engine), name], stderr=subprocess.PIPE) for name in "ab"
        ]
        for process in started:
            assert process.communicate()[1] == b"" and process.returncode == 0
        with Index.open(engine, create=False) as index:
            assert index.count() == 10


def test_an_index_is_made_once(tmp_path: Path, schema: Schema) -> None:
    with Index.open(tmp_path / "engine", encoder=ENCODER) as index:
        index.ingest(rows(0, 3))
        with pytest.raises(IndexExists):
            index.engine.create("default", schema)
        assert index.count() == 3


def test_an_index_made_anew_by_another_process_is_seen(filled: Path) -> None:
    with Index.open(filled) as index:
        assert index.count() == DOCUMENTS
        with Index.open(filled) as other:
            other.engine.drop("default")
        with Index.open(filled, encoder=ENCODER) as other:
            other.ingest(rows(0, 2))
        assert index.count() == 2 and len(index.search("word1", mode="lexical")) == 1
        index.ingest(rows(2, 4))
    assert_whole(filled, {"d0", "d1", "d2", "d3"})


def test_a_process_killed_while_it_drops_an_index_leaves_none(filled: Path) -> None:
    os.rename(filled / "indexes" / "default", filled / "indexes" / ".dropped-default")
    with Index.open(filled, encoder=ENCODER) as index:
        assert index.count() == 0 and [info.name for info in index.engine.indexes()] == ["default"]
        index.engine.drop("default")
    assert not list((filled / "indexes").iterdir())


def test_changes_of_the_stamp_by_two_processes_are_both_kept(filled: Path) -> None:
    with Index.open(filled) as one, Index.open(filled) as two:
        before = one.schema
        two.use_synonyms(["tea, chai"])
        one.engine.update_schema("default", before.with_fields({"colour": "keyword"}), since=before)
        assert one.schema.synonyms and one.schema.fields["colour"] == "keyword"
        assert two.schema == one.schema


def test_a_connection_beside_a_busy_writer_is_whole(tmp_path: Path) -> None:
    store = Store(tmp_path / "index.sqlite", create=Schema(None))
    with store.database.transaction():
        other = Store(tmp_path / "index.sqlite")
        (synchronous,) = other.database.rows("PRAGMA synchronous")
        assert synchronous == (2,)  # FULL
        assert not other.read_only
    other.write([entry("a", "text")], {})
    store.version()
    assert store.count() == (1, 1)
    other.close()
    store.close()


@pytest.fixture
def mounted(filled: Path) -> Callable[[], Path]:
    """Mount the folder read-only: permissions alone don't stop root."""

    def mount() -> Path:
        bound = subprocess.run(["mount", "--bind", str(filled), str(filled)], capture_output=True)
        if bound.returncode:
            pytest.skip("mounting read-only needs root")
        subprocess.run(["mount", "-o", "remount,ro,bind", str(filled)], check=True)
        return filled

    yield mount  # type: ignore[misc]
    subprocess.run(["umount", "-l", str(filled)], capture_output=True)


def test_a_read_only_folder_answers_by_words_and_vectors(mounted: Callable[[], Path]) -> None:
    with Index.open(mounted()) as index:
        assert [hit.id for hit in index.search("word7", mode="lexical")] == ["d7"]
        assert index.search("word7", mode="vector")[0].id == "d7"
        assert all(leg.reason is None for leg in index.search("word7").legs.values())


def test_what_a_killed_process_left_in_the_log_is_read_in_a_read_only_folder(
    filled: Path, mounted: Callable[[], Path]
) -> None:
    code = f"""
import os
from searchctl import Index
index = Index.open({str(filled)!r})
index.ingest([{{"id": "late", "text": "wordlate of a text", "number": 1}}])
os._exit(0)"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert part(filled, "index.sqlite-wal").stat().st_size
    part(filled, "index.sqlite-shm").unlink()
    with Index.open(mounted()) as index:
        assert index.count() == DOCUMENTS + 1 and index.get("late") is not None


def test_others_may_read_what_they_may_read_of_the_store(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Index.open(tmp_path / "engine", encoder=ENCODER) as index:
            index.ingest(rows(0, 5))
            index.delete(["d1"])
    finally:
        os.umask(before)
    closed = [path for path in (tmp_path / "engine").rglob("*") if path.is_file() and not path.stat().st_mode & 0o004]
    assert not closed


def test_compacting_keeps_everything_and_gives_space_back(filled: Path, many_segments: None) -> None:
    with Index.open(filled) as index:
        index.ingest(rows(40, 400))
        index.delete([f"d{n}" for n in range(0, 400, 2)])
        report = compact(index)
        assert report.after < report.before
        statistics = index.engine.search("default", [LexicalQuery("", 0)])[0].statistics
        assert statistics is not None and (statistics.documents, statistics.deleted) == (200, 0)
    assert_whole(filled, {f"d{n}" for n in range(1, 400, 2)})


def test_space_comes_back_by_itself(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("searchctl.engines.embedded.database._LEAST_GARBAGE", 10_000)
    monkeypatch.setattr("searchctl.engines.embedded.lexical._LEAST_GARBAGE", 10)
    with Index.open(filled) as index:
        index.ingest(rows(40, 1000))
        before = index.info().size
        index.delete([f"d{n}" for n in range(100, 1000)])
        assert index.info().size < before / 2
    assert_whole(filled, {f"d{n}" for n in range(100)})


def test_an_index_of_the_first_format_is_read_and_made_smaller(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "index.sqlite"
    vectors = rng.normal(size=(4, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = Store(path, create=Schema(EncoderStamp("test", "0" * 12, DIM)))
    store.write([entry(f"d{n}", "text", vector) for n, vector in enumerate(vectors)], {})
    with store.database.transaction():
        store.database.execute("PRAGMA user_version = 1")
        for number, vector in enumerate(vectors[:2], 1):
            store.database.execute("UPDATE passages SET vector = ? WHERE passage = ?", (vector.tobytes(), number))
    store.close()
    store = Store(path)
    for _ in range(2):
        held = [one.vectors for one in store.get([f"d{n}" for n in range(4)], vectors=True) if one]
        np.testing.assert_allclose(np.concatenate(held), vectors, atol=5e-4)  # type: ignore[arg-type]
        store.shrink_vectors()
        assert store.database.rows("SELECT DISTINCT length(vector) FROM passages") == [(2 * DIM,)]
    store.close()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def test_segments_answer_as_comparing_all_does(
    tmp_path: Path, many_segments: None, schema: Schema, rng: np.random.Generator
) -> None:
    vectors = rng.normal(size=(300, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    entries: list[Entry] = [entry(f"d{n}", "text", vector, year=n % 10) for n, vector in enumerate(vectors)]
    with Index.open(tmp_path / "engine", encoder=f"hashing:{DIM}") as index:
        engine = index.engine
        engine.create("books", schema)
        engine.write("books", entries)
        queries = [VectorQuery(vector, 10) for vector in vectors[::30]]
        for query, ranking in zip(queries, engine.search("books", queries), strict=True):
            expected = np.argsort(-(vectors @ query.vector))[:10]
            assert set(ranking.ids) == {f"d{n}" for n in expected}
        engine.delete("books", [ranking.ids[0] for ranking in engine.search("books", queries)])
        assert not {f"d{n}" for n in range(0, 300, 30)} & set(engine.search("books", queries)[0].ids)


def test_searches_go_on_while_the_index_is_compacted(filled: Path, many_segments: None) -> None:
    with Index.open(filled) as index, Index.open(filled) as reader:
        index.ingest(rows(40, 100))
        stop, failures = threading.Event(), []

        def search() -> None:
            while not stop.is_set():
                try:
                    found = reader.search("word50", 3)
                    if found[0].id != "d50":
                        failures.append([hit.id for hit in found])
                except Exception as error:
                    failures.append(error)

        thread = threading.Thread(target=search)
        thread.start()
        for _ in range(10):
            index.delete(["d1"])
            index.ingest(rows(1, 2))
            compact(index)
        stop.set()
        thread.join()
    assert not failures
    assert json.loads(part(filled, "vectors/state.json").read_text())["format"] == 2
