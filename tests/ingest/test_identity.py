"""Two sources never share a name unsaid, and one source keeps its name however it is reached."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from searchctl.index import Index
from searchctl.ingest.journal import journal_path

from .conftest import Load, foretold, ids, letters, lines


def folder(path: Path, **texts: str) -> Path:
    path.mkdir(parents=True)
    for name, text in texts.items():
        (path / f"{name}.md").write_text(f"# {name}\n\n{text}\n")
    return path


def text_of(index: Index, id: str) -> str:
    document = index.get(id)
    assert document is not None
    return document.text


def test_files_of_one_name_in_two_folders_are_two_documents(tmp_path: Path, index: Index, load: Load) -> None:
    first = folder(tmp_path / "first", readme="Alpha")
    second = folder(tmp_path / "second", readme="Beta")
    load(first)
    load(second)
    assert ids(index) == {"readme.md", "second/readme.md"}
    assert (load(first).unchanged, load(second).unchanged) == (1, 1)
    assert (text_of(index, "readme.md"), text_of(index, "second/readme.md")) == ("Alpha", "Beta")


def test_rows_without_ids_too(tmp_path: Path, index: Index, load: Load) -> None:
    for name in ("first", "second"):
        lines(tmp_path / name / "rows.jsonl", {"text": f"row of {name}"}, {"text": f"other row of {name}"})
        load(tmp_path / name)
    assert ids(index) == {"rows.jsonl#1", "rows.jsonl#2", "second/rows.jsonl#1", "second/rows.jsonl#2"}
    assert load(tmp_path / "second").unchanged == 2


def test_a_file_alone_is_the_document_it_was_in_its_folder(tmp_path: Path, index: Index, load: Load) -> None:
    docs = folder(tmp_path / "docs/deep", page="deep page").parent
    folder(tmp_path / "docs/other", page="other page")
    load(docs)
    report = load(docs / "deep/page.md")
    assert (report.unchanged, ids(index)) == (1, {"deep/page.md", "other/page.md"})
    journal_path(index.engine, index.name).unlink()  # the index itself knows it, too
    (docs / "deep/page.md").write_text("# page\n\nchanged\n")
    assert load(docs / "deep/page.md").written == 1
    assert (text_of(index, "deep/page.md"), len(ids(index))) == ("changed", 2)


def test_a_folder_after_one_of_its_files(tmp_path: Path, index: Index, load: Load) -> None:
    docs = folder(tmp_path / "docs", page="page at the top")
    folder(docs / "deep", page="deep page")
    load(docs / "deep/page.md")
    load(docs)
    assert ids(index) == {"page.md", "docs/page.md"}
    assert (text_of(index, "page.md"), text_of(index, "docs/page.md")) == ("deep page", "page at the top")


def test_a_moved_folder_keeps_its_documents(tmp_path: Path, index: Index, load: Load) -> None:
    docs = folder(tmp_path / "docs", same="stays as it is", edited="before")
    load(docs)
    papers = tmp_path / "papers"
    shutil.move(docs, papers)
    (papers / "edited.md").write_text("# edited\n\nafter\n")
    report = load(papers)
    assert ids(index) == {"same.md", "edited.md"}
    assert report.replaced == {"edited.md": str(docs / "edited.md")}
    (papers / "same.md").unlink()
    assert load(papers, prune=True).pruned_ids == ("same.md",)  # it belongs to its new folder now


def test_documents_that_the_index_lost_are_read_again(tmp_path: Path, index: Index, load: Load) -> None:
    docs = folder(tmp_path / "docs", page="one")
    load(docs)
    index.delete("page.md")
    assert load(docs).written == 1
    index.ingest({"id": "page.md", "text": "put over it by a program"})
    assert load(docs).replaced == {"page.md": ""}
    assert text_of(index, "page.md") == "one"


def test_equal_ids_of_two_tables_are_counted_and_told(tmp_path: Path, index: Index, load: Load) -> None:
    goods = lines(tmp_path / "goods.jsonl", {"id": 1, "text": "kettle"}, {"id": 2, "text": "toaster"})
    tickets = lines(tmp_path / "tickets.jsonl", {"id": 1, "text": "refund"}, {"id": 3, "text": "parcel"})
    load(goods)
    assert foretold(index, tickets).replaced == {"1": str(goods)}
    assert load(tickets).replaced == {"1": str(goods)}
    assert load(tickets).replaced == {}
    copy = lines(tmp_path / "copy.jsonl", {"id": 3, "text": "parcel"})
    assert (load(copy).replaced, load(copy).unchanged) == ({}, 1)


def test_of_equal_ids_in_one_load_the_last_file_is_kept(tmp_path: Path, index: Index, load: Load) -> None:
    lines(tmp_path / "exports/2026-01.jsonl", {"id": 7, "text": "open"}, {"id": 8, "text": "only here"})
    lines(tmp_path / "exports/2026-02.jsonl", {"id": 7, "text": "closed"})
    report = load(tmp_path / "exports")
    assert (report.written, report.dead, text_of(index, "7")) == (2, 1, "closed")
    (letter,) = letters(report)
    assert letter["document"]["text"] == "open" and "2026-02.jsonl" in letter["_error"]["reason"]
    report = load(tmp_path / "exports", same_id="last")
    assert (report.unchanged, report.dead, report.superseded) == (2, 0, 1)


def piped(monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    return Path("-")


def test_two_pipes_never_take_each_others_names(index: Index, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    first = '{"text": "alpha"}\n{"text": "alpha"}\n{"text": "beta"}\n'
    assert load(piped(monkeypatch, first)).written == 3
    assert load(piped(monkeypatch, '{"text": "gamma"}\n')).written == 1
    assert load(piped(monkeypatch, first)).unchanged == 3
    assert len(ids(index)) == 4
    assert load(piped(monkeypatch, "just a text")).written == 1
    assert load(piped(monkeypatch, "another text")).written == 1
    assert len(ids(index)) == 6


def test_another_encoding_is_another_reading(tmp_path: Path, index: Index, load: Load) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes("Größe".encode("cp1252"))
    load(note, encoding="cp1251")
    assert load(note, encoding="cp1252").written == 1
    assert text_of(index, "note.txt") == "Größe"


def test_json_files_of_one_object_too(tmp_path: Path, index: Index, load: Load) -> None:
    for name in ("first", "second"):
        lines(tmp_path / name / "page.json", {"text": f"page of {name}"})
        load(tmp_path / name)
    assert ids(index) == {"page.json", "second/page.json"}
    assert (load(tmp_path / "first").unchanged, load(tmp_path / "second").unchanged) == (1, 1)


def test_a_folder_reached_through_a_link_is_the_same_folder(tmp_path: Path, index: Index, load: Load) -> None:
    docs = folder(tmp_path / "docs", page="one")
    lines(docs / "rows.jsonl", {"id": "r", "text": "row"})
    load(docs)
    (tmp_path / "link").symlink_to(docs)
    assert load(tmp_path / "link").unchanged == 2
    (docs / "page.md").write_text("# page\n\ntwo\n")
    lines(docs / "rows.jsonl", {"id": "r", "text": "other row"})
    report = load(tmp_path / "link")
    assert (report.written, report.replaced, ids(index)) == (2, {}, {"page.md", "r"})
