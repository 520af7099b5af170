"""Dump and restore: the same index on the other side, whole or not at all, and readable by others' tools."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from searchctl.engines import open_engine
from searchctl.engines.base import Engine
from searchctl.errors import IndexExists, IndexFormatError, IndexMissing, SourceError, StorageError
from searchctl.index import Index
from searchctl.ingest.copying import Monitor
from searchctl.lifecycle.dump import dump
from searchctl.lifecycle.manifest import read_manifest
from searchctl.lifecycle.restore import restore
from searchctl.lifecycle.versions import roll_back
from searchctl.types import Entry

LONG = "The ferry leaves at nine. " * 200


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "engine", "books", encoder="hashing:32") as opened:
        opened.ingest(
            [
                {"id": "tea", "title": "Green tea", "text": "Brew it at eighty degrees.", "year": 2001, "lang": "en"},
                {"id": "хлеб", "text": "Закваска живёт\nв банке \u2028 и пахнет.", "lang": "ru", "tags": ["a", "b"]},
                {"id": "ferry", "text": LONG, "open": True},
                *({"id": f"d{n}", "text": f"note number {n}", "year": n} for n in range(200)),
            ]
        )
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(tmp_path / "other")
    yield opened
    opened.close()


def contents(engine: Engine, name: str) -> dict[str, Entry]:
    return {entry.document.id: entry for batch in engine.scan(name, vectors=True) for entry in batch}


@pytest.mark.parametrize("compress", [True, False])
def test_what_is_restored_is_what_was_dumped(index: Index, other: Engine, tmp_path: Path, compress: bool) -> None:
    report = dump(index.engine, "books", tmp_path / "dump", Monitor(), compress=compress)
    assert report is not None and report.documents == 203
    found = restore(other, "copy", tmp_path / "dump", Monitor())
    assert (found.documents, found.written) == (203, 203)
    before, after = contents(index.engine, "books"), contents(other, "copy")
    assert before.keys() == after.keys() and len(before["ferry"].passages) > 1
    for id, entry in before.items():
        assert (after[id].document, after[id].passages) == (entry.document, entry.passages)
        assert (after[id].fingerprint, after[id].source) == (entry.fingerprint, entry.source)
        np.testing.assert_array_equal(after[id].vectors, entry.vectors)
    copy = Index(other, "copy")
    assert copy.schema.fields == index.schema.fields and copy.schema.encoder == index.schema.encoder
    for mode in ("lexical", "vector"):
        ours, theirs = (one.search("ferry note 17", 20, mode=mode, where={"year": 17}) for one in (copy, index))
        assert [(hit.id, round(hit.score, 6)) for hit in ours] == [(hit.id, round(hit.score, 6)) for hit in theirs]
    assert copy.ingest(
        [{"id": "tea", "title": "Green tea", "text": "Brew it at eighty degrees.", "year": 2001, "lang": "en"}]
    ).unchanged


def test_other_tools_read_it(index: Index, tmp_path: Path) -> None:
    report = dump(index.engine, "books", tmp_path / "dump", Monitor())
    vectors = load_file(tmp_path / "dump" / "vectors.safetensors")["vectors"]
    with gzip.open(tmp_path / "dump" / "documents.jsonl.gz", "rt", encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines.read().split("\n") if line]
    assert report is not None and vectors.shape == (report.vectors, 32) and vectors.dtype == np.float32
    place = 0
    for document in documents:
        (entry,) = index.engine.get("books", [document["id"]], vectors=True)
        assert entry is not None and entry.document.text == document["text"]
        np.testing.assert_array_equal(vectors[place : place + len(document["passages"])], entry.vectors)
        place += len(document["passages"])
    assert place == len(vectors)


def test_an_index_without_documents_too(other: Engine, tmp_path: Path) -> None:
    with Index.open(tmp_path / "engine", "empty", encoder="hashing:32") as empty:
        dump(empty.engine, "empty", tmp_path / "dump", Monitor())
    assert load_file(tmp_path / "dump" / "vectors.safetensors")["vectors"].shape == (0, 32)
    assert restore(other, "empty", tmp_path / "dump", Monitor()).documents == 0
    assert other.count("empty") == 0


def test_a_folder_that_is_there_is_left_alone(index: Index, tmp_path: Path) -> None:
    (tmp_path / "dump").mkdir()
    with pytest.raises(IndexExists, match="already"):
        dump(index.engine, "books", tmp_path / "dump", Monitor())
    assert not list((tmp_path / "dump").iterdir())


def test_where_nothing_can_be_written_it_says_so(index: Index, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="can't write the dump"):
        dump(index.engine, "books", tmp_path / "file" / "dump", Monitor())


def test_stopped_it_leaves_nothing(index: Index, tmp_path: Path) -> None:
    stop = threading.Event()
    assert dump(index.engine, "books", tmp_path / "dump", Monitor(lambda done, total: stop.set(), stop)) is None
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("dump")]


def test_what_a_killed_dump_left_is_no_dump_and_in_nobodys_way(index: Index, other: Engine, tmp_path: Path) -> None:
    partial = tmp_path / "dump.partial"
    partial.mkdir()
    (partial / "documents.jsonl.gz").write_bytes(b"half")
    with pytest.raises(SourceError, match="interrupted"):
        restore(other, "copy", partial, Monitor())
    assert dump(index.engine, "books", tmp_path / "dump", Monitor()) is not None
    assert (
        partial / "documents.jsonl.gz"
    ).read_bytes() == b"half"  # whoever made it: it isn't this dump's to take away


def test_a_document_written_anew_while_reading_is_dumped_once(index: Index, other: Engine, tmp_path: Path) -> None:
    def rewrite(done: int, total: int) -> None:
        if done < 100:
            index.ingest([{"id": "tea", "text": "Steep it in cold water."}])

    report = dump(index.engine, "books", tmp_path / "dump", Monitor(rewrite))
    assert report is not None and report.documents == 203
    assert restore(other, "copy", tmp_path / "dump", Monitor()).documents == other.count("copy") == 203


def test_a_stopped_restore_shows_nothing_and_goes_on(index: Index, other: Engine, tmp_path: Path) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor())
    stop = threading.Event()
    first = restore(other, "copy", tmp_path / "dump", Monitor(lambda done, total: stop.set(), stop))
    assert first.moved is None and 0 < first.written < 203
    with pytest.raises(IndexMissing):
        other.count("copy")
    second = restore(other, "copy", tmp_path / "dump", Monitor())
    assert (second.version, second.written, other.count("copy")) == (first.version, 203 - first.written, 203)


def test_a_name_in_use_is_taken_over_only_when_told(index: Index, tmp_path: Path) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor())
    index.delete(["tea"])
    with pytest.raises(IndexExists, match="--replace"):
        restore(index.engine, "books", tmp_path / "dump", Monitor())
    restore(index.engine, "books", tmp_path / "dump", Monitor(), replace_index=True)
    assert index.count() == 203
    roll_back(index.engine, "books")
    assert index.count() == 202


def damage(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["documents.jsonl.gz", "vectors.safetensors"])
def test_one_flipped_bit_is_found_before_anything_is_written(
    index: Index, other: Engine, tmp_path: Path, name: str
) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor())
    damage(tmp_path / "dump" / name, -20)
    with pytest.raises(IndexFormatError, match=name):
        restore(other, "copy", tmp_path / "dump", Monitor())
    assert other.indexes() == []


def rewrite_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_newer_format_is_refused(index: Index, other: Engine, tmp_path: Path) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor())
    rewrite_manifest(tmp_path / "dump", format=2)
    with pytest.raises(IndexFormatError, match="upgrade"):
        restore(other, "copy", tmp_path / "dump", Monitor())


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {}},
        {"files": {"documents.jsonl": "0", "../secret": "0"}},
        {"documents": "many"},
        {"schema": {"format": 1}},
    ],
)
def test_a_damaged_manifest_is_refused(index: Index, other: Engine, tmp_path: Path, changes: dict[str, object]) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor())
    rewrite_manifest(tmp_path / "dump", **changes)
    with pytest.raises(IndexFormatError, match="damaged"):
        restore(other, "copy", tmp_path / "dump", Monitor())


def test_a_dump_with_too_few_documents_never_becomes_an_index(index: Index, other: Engine, tmp_path: Path) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor())
    rewrite_manifest(tmp_path / "dump", documents=204)
    with pytest.raises(StorageError, match="204"):
        restore(other, "copy", tmp_path / "dump", Monitor())
    with pytest.raises(IndexMissing):
        other.count("copy")


def test_a_manifest_tells_what_is_inside(index: Index, tmp_path: Path) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor())
    manifest = read_manifest(tmp_path / "dump")
    assert (manifest.index, manifest.documents) == ("books", 203)
    assert manifest.schema.encoder == index.schema.encoder and manifest.schema.lineage is None


def replace_vectors(folder: Path, content: bytes) -> None:
    """Put another file of vectors into a dump, with the checksum that goes with it."""
    (folder / "vectors.safetensors").write_bytes(content)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    rewrite_manifest(folder, files={**files, "vectors.safetensors": hashlib.sha256(content).hexdigest()})


def test_vectors_that_are_not_what_the_manifest_says_are_refused(index: Index, other: Engine, tmp_path: Path) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor())
    whole = (tmp_path / "dump" / "vectors.safetensors").read_bytes()
    rows = load_file(tmp_path / "dump" / "vectors.safetensors")["vectors"]
    for content, message in (
        (whole[:-100], "can't read the vectors"),
        (b"no tensors", "can't read the vectors"),
        (save({"others": rows}), "can't read the vectors"),
        (save({"vectors": rows[:, :8].copy()}), "× 8 F32, the manifest says .* × 32 F32"),
        (save({"vectors": rows[1:].copy()}), "the manifest says"),
    ):
        replace_vectors(tmp_path / "dump", content)
        with pytest.raises(IndexFormatError, match=message):
            restore(other, "copy", tmp_path / "dump", Monitor())
        assert other.indexes() == []
    replace_vectors(tmp_path / "dump", save({"vectors": rows[1:].copy()}))
    rewrite_manifest(tmp_path / "dump", vectors=len(rows) - 1)
    with pytest.raises(IndexFormatError, match="fewer rows than"):
        restore(other, "copy", tmp_path / "dump", Monitor())
    with pytest.raises(IndexMissing):
        other.resolve("copy")


def damaged_line(folder: Path, **changes: object) -> None:
    """Change the first document of a dump, as somebody may who keeps its manifest true."""
    lines = (folder / "documents.jsonl").read_text(encoding="utf-8").split("\n")
    lines[0] = json.dumps({**json.loads(lines[0]), **changes})
    (folder / "documents.jsonl").write_text("\n".join(lines), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["documents.jsonl"] = hashlib.sha256((folder / "documents.jsonl").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 5},
        {"id": ""},
        {"id": "\ud800"},
        {"text": None},
        {"title": ["t"]},
        {"fields": [[1, 2]]},
        {"fields": {"a": {"b": 1}}},
        {"fields": {"a": [None]}},
        {"passages": [[0, 10**9]]},
        {"passages": [[-1, 1]]},
        {"passages": [[0.5, 1]]},
        {"passages": [0]},
        {"source": None},
        {"fingerprint": 1},
    ],
    ids=str,
)
def test_a_document_that_is_none_is_refused(
    changes: dict[str, object], index: Index, other: Engine, tmp_path: Path
) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor(), compress=False)
    damaged_line(tmp_path / "dump", **changes)
    with pytest.raises(IndexFormatError, match="isn't a document of a dump"):
        restore(other, "copy", tmp_path / "dump", Monitor())


@pytest.mark.parametrize(
    ("name", "value"),
    [("documents", "x"), ("vectors", None), ("index", 5), ("files", []), ("schema", []), ("schema", {"format": 1})],
)
def test_a_manifest_that_is_none_is_refused(name: str, value: object, index: Index, tmp_path: Path) -> None:
    dump(index.engine, "books", tmp_path / "dump", Monitor())
    file = tmp_path / "dump/manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))
    with pytest.raises(IndexFormatError, match="damaged"):
        read_manifest(tmp_path / "dump")
