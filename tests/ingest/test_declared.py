"""Types that are declared when an index is there already."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.index import Index
from searchctl.ingest.journal import Journal, journal_path
from searchctl.types import Range

from .conftest import Load, lines


@pytest.fixture
def manuals(tmp_path: Path, load: Load) -> Path:
    versions: list[object] = [2, "2.1-beta", "3", "05/03/2026"]  # the last is in the American order
    rows = lines(
        tmp_path / "rows.jsonl", *({"id": n, "text": f"manual {n}", "version": v} for n, v in enumerate(versions))
    )
    load(rows)
    return rows


def test_a_field_gets_another_type(manuals: Path, index: Index, load: Load) -> None:
    assert index.count({"version": Range(gte=2)}) == 2
    assert index.declare_types({"version": "keyword"}) == 4
    assert [index.count({"version": value}) for value in ("2", "2.1-beta", "3")] == [1, 1, 1]
    assert index.search("manual", where={"version": "2.1-beta"})[0].id == "1"
    assert index.declare_types({"version": "keyword"}) == 0


def test_a_field_becomes_a_date_in_a_format_of_its_own(manuals: Path, index: Index) -> None:
    index.declare_types({"version": "date"}, {"version": "%m/%d/%Y"})
    assert index.count({"version": "2026-05-03"}) == 1


def test_declaring_is_gone_on_with(manuals: Path, index: Index) -> None:
    index.declare_types({"version": "keyword"})
    journal = Journal(journal_path(index.engine, index.name))
    journal.set_pending_types(["version"])  # as a kill in the middle leaves it
    journal.close()
    assert index.has_pending_types
    assert index.declare_types({}) == 4
    assert not index.has_pending_types


def test_unchanged_documents_are_not_encoded_again(manuals: Path, index: Index, load: Load) -> None:
    index.declare_types({"version": "keyword"})
    report = load(manuals)
    assert report.written == 1  # "3" had become a number
    assert load(manuals).unchanged == 4
