"""What is wrong with one document or file costs that document or file."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from searchctl.encoders.hashing import HashingEncoder
from searchctl.index import Index
from searchctl.ingest import intake
from searchctl.types import Entry, Rejection, Vectors

from .conftest import Load, foretold, ids, letters, lines

POISON = "poisonous"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return lines(tmp_path / "rows.jsonl", *({"id": n, "text": POISON if n == 3 else f"fine {n}"} for n in range(6)))


def test_a_document_that_breaks_the_encoder(
    rows: Path, index: Index, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = HashingEncoder.encode_documents

    def broken(self: HashingEncoder, texts: Sequence[str]) -> Vectors:
        if POISON in texts:
            raise ValueError("can't be encoded")
        return encode(self, texts)

    monkeypatch.setattr(HashingEncoder, "encode_documents", broken)
    report = load(rows)
    assert (report.written, report.dead) == (5, 1)
    (letter,) = letters(report)
    assert letter["document"]["text"] == POISON and "can't be encoded" in letter["_error"]["reason"]


def test_a_document_that_breaks_the_engine(
    rows: Path, index: Index, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = index.engine.write

    def broken(name: str, entries: Sequence[Entry]) -> list[Rejection]:
        if any(entry.document.text == POISON for entry in entries):
            raise OverflowError("too large")
        return write(name, entries)

    monkeypatch.setattr(index.engine, "write", broken)
    report = load(rows)
    assert (report.written, report.dead, len(ids(index))) == (5, 1, 5)


def test_a_file_that_breaks_its_reader(
    tmp_path: Path, index: Index, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(name)
    read = intake.read

    def broken(file: object, *arguments: object, **settings: object) -> object:
        if "b.txt" in str(file):
            raise MemoryError
        return read(file, *arguments, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "read", broken)
    report = load(*(tmp_path / f"{name}.txt" for name in "abc"))
    assert (report.written, report.dead) == (2, 1)


def test_a_dry_run_finds_what_the_run_finds(tmp_path: Path, index: Index, load: Load) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("id,text,n\n1,one,5\n2,,6\n3,three,x\n1,again,7\n" + "y" * 600 + ",long id,8\n")
    (tmp_path / "empty.txt").write_text("")
    paths = (table, tmp_path / "empty.txt")
    shown = foretold(index, *paths)
    report = load(*paths)
    assert (shown.documents, shown.dead, shown.misfits) == (report.written, report.dead, report.misfits) == (2, 3, {})
    again = foretold(index, *paths)
    assert (again.documents, again.unchanged, again.dead) == (0, 2, 3)


def test_misspelt_fields_are_told_with_the_near_name(tmp_path: Path, load: Load, index: Index) -> None:
    from searchctl.sources import FieldMapping

    rows = lines(tmp_path / "rows.jsonl", {"name": "Kettle", "body": "Boils", "price": 10, "author": {"name": "Ann"}})
    mapping = FieldMapping(title="nmae", text=("body", "bodyy"), keep=("prise", "author.name"))
    expected = {"nmae": "name", "bodyy": "body", "prise": "price", "sold": ""}
    assert foretold(index, rows, mapping=mapping, date_formats={"sold": "%d"}).unmet == expected
    assert load(rows, mapping=mapping, date_formats={"sold": "%d"}).unmet == expected


def test_a_stop_need_not_wait_for_a_long_document(tmp_path: Path, index: Index) -> None:
    from searchctl.ingest.model import IngestSettings, Progress
    from searchctl.sources import discover

    (tmp_path / "book.txt").write_text("The kettle has boiled and the courier brings a parcel. " * 4000)
    stop, seen = threading.Event(), []

    def tell(progress: Progress) -> None:
        if progress.in_hand:
            seen.append((progress.passages, progress.share))
            stop.set()

    report = index.ingest_files(discover(tmp_path / "book.txt").files, IngestSettings(), on_progress=tell, stop=stop)
    assert report.interrupted and report.written == 0
    ((passages, share),) = seen
    assert 0 < passages < 100 and share is not None and 0 < share < 0.5
    assert index.ingest_files(discover(tmp_path / "book.txt").files, IngestSettings()).written == 1


def test_more_fields_than_an_index_types_are_stored_and_told(tmp_path: Path, index: Index, load: Load) -> None:
    lines(tmp_path / "rows.jsonl", {"id": "a", "text": "words", **{f"f{n}": n for n in range(950)}})
    report = load(tmp_path / "rows.jsonl")
    assert (report.written, len(index.schema.fields)) == (1, 900)
    assert any("50 fields are stored and can't be filtered by" in remark for remark in report.remarks)
    document = index.get("a")
    assert document is not None and len(document.fields) == 950
