"""Pruning deletes what is known to be gone, and nothing that merely wasn't seen."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from searchctl.errors import SourceError
from searchctl.index import Index
from searchctl.ingest import prune
from searchctl.ingest.model import Gone
from searchctl.ingest.prune import is_gone
from searchctl.sources.model import storable

from .conftest import Load, foretold, ids, lines


@pytest.fixture
def shelf(tmp_path: Path, load: Load) -> Path:
    """A loaded folder: a table of three rows, and two texts."""
    folder = tmp_path / "shelf"
    lines(folder / "rows.jsonl", *({"id": f"r{n}", "text": f"row {n}"} for n in range(3)))
    (folder / "sub").mkdir()
    (folder / "sub/tea.txt").write_text("green tea")
    (folder / "milk.txt").write_text("milk")
    load(folder)
    return folder


def test_what_is_gone_goes_and_is_named(shelf: Path, index: Index, load: Load) -> None:
    (shelf / "milk.txt").unlink()
    lines(shelf / "rows.jsonl", {"id": "r1", "text": "row 1"})
    shown = foretold(index, shelf, prune=True)
    assert (sorted(shown.gone.ids), shown.gone.held) == (["milk.txt", "r0", "r2"], 5)
    report = load(shelf, prune=True)
    assert (report.pruned, sorted(report.pruned_ids)) == (3, ["milk.txt", "r0", "r2"])
    assert ids(index) == {"r1", "sub/tea.txt"}


def break_line(file: Path) -> None:
    file.write_text('{"id": "r0", "text": "row 0"}\n{"id": "r1", "te\n')


def cut_off(file: Path) -> None:
    file.write_text('{"id": "r0", "text": "row 0"}\n{"id": "r')


def test_a_record_whose_text_is_empty_now_is_there_still(shelf: Path, index: Index, load: Load) -> None:
    lines(shelf / "rows.jsonl", {"id": "r0", "text": "row 0"}, {"id": "r1", "text": ""})
    report = load(shelf, prune=True)
    assert report.pruned_ids == ("r2",) and report.remarks
    assert {"r0", "r1"} <= ids(index)


@pytest.mark.parametrize("damage", [break_line, cut_off], ids=lambda damage: damage.__name__)
def test_a_table_that_was_not_read_whole_deletes_nothing(damage: object, shelf: Path, index: Index, load: Load) -> None:
    damage(shelf / "rows.jsonl")  # type: ignore[operator]
    report = load(shelf, prune=True)
    assert report.pruned == 0 and report.kept > 0
    assert {"r0", "r1", "r2"} <= ids(index)


def test_a_cut_off_archive_deletes_nothing(tmp_path: Path, index: Index, load: Load) -> None:
    table = tmp_path / "docs/rows.jsonl.gz"
    table.parent.mkdir()
    whole = gzip.compress("".join(f'{{"id": "{n}", "text": "{os.urandom(9).hex()}"}}\n' for n in range(200)).encode())
    table.write_bytes(whole)
    load(tmp_path / "docs")
    table.write_bytes(whole[: len(whole) // 2])
    assert load(tmp_path / "docs", prune=True).pruned == 0
    assert len(ids(index)) == 200


def test_what_was_not_asked_for_stays(shelf: Path, index: Index, load: Load) -> None:
    assert load(shelf, include=("*.jsonl",), prune=True).pruned == 0
    assert len(ids(index)) == 5


def test_a_folder_that_cannot_be_looked_into_proves_nothing(
    shelf: Path, index: Index, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    lstat = os.lstat

    def refused(path: bytes | str, **settings: object) -> os.stat_result:
        if b"sub" in os.fsencode(path):
            raise PermissionError(13, "Permission denied")
        return lstat(path)

    hidden = shelf.parent / "hidden"
    (shelf / "sub").rename(hidden)
    monkeypatch.setattr(prune.os, "lstat", refused)
    assert load(shelf, prune=True).pruned == 0
    assert "sub/tea.txt" in ids(index)


def test_documents_of_pipes_and_programs_stay(shelf: Path, index: Index, load: Load) -> None:
    index.ingest({"id": "mine", "text": "from a program"})
    assert load(shelf, prune=True).pruned == 0
    assert "mine" in ids(index)


def test_a_question_decides(shelf: Path, index: Index, load: Load) -> None:
    (shelf / "milk.txt").unlink()
    asked: list[Gone] = []

    def no(gone: Gone) -> bool:
        asked.append(gone)
        return False

    report = load(shelf, prune=True, confirm_prune=no)
    assert (report.pruned, report.spared, report.pruned_ids) == (0, 1, ())
    assert [(gone.ids, gone.share) for gone in asked] == [(("milk.txt",), 0.2)]
    assert "milk.txt" in ids(index)


def test_names_that_are_no_utf8_are_not_taken_for_gone(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    Path(os.fsdecode(path)).write_text("odd")
    assert not is_gone(storable(os.fsdecode(path)))
    os.unlink(path)
    assert is_gone(storable(os.fsdecode(path)))
    assert not is_gone("-") and not is_gone("")


def test_a_pipe_alone_cannot_be_pruned(tmp_path: Path, load: Load) -> None:
    with pytest.raises(SourceError, match="nothing is pruned"):
        load(Path("-"), prune=True)


def test_what_lay_behind_a_link_that_leads_nowhere_stays(shelf: Path, index: Index, load: Load, tmp_path: Path) -> None:
    (tmp_path / "drive/deep").mkdir(parents=True)
    (tmp_path / "drive/deep/note.txt").write_text("on another drive")
    (shelf / "link").symlink_to(tmp_path / "drive")
    load(shelf)
    (tmp_path / "drive").rename(tmp_path / "elsewhere")
    report = load(shelf, prune=True)
    assert (report.pruned, report.kept) == (0, 1) and "link/deep/note.txt" in ids(index)
    (shelf / "link").unlink()
    assert load(shelf, prune=True).pruned_ids == ("link/deep/note.txt",)
