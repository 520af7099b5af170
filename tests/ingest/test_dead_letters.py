"""A dead letter is the whole document or row, and comes back as the same."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.ingest.model import IngestSettings
from searchctl.sources import FieldMapping, discover

from .conftest import Load, ids, letters, lines


def correct(path: Path, letter: dict[str, Any]) -> Path:
    return lines(path, letter)


def test_a_row_is_kept_whole_and_mapped_as_it_was_meant(tmp_path: Path, index: Index, load: Load) -> None:
    row = {"sku": "S-2", "id": 9002, "body": "", "text": "internal note"}
    mapping = FieldMapping(id="sku", text=("body",))
    (letter,) = letters(load(lines(tmp_path / "rows.jsonl", row), mapping=mapping))
    assert letter["record"] == row
    letter["record"]["body"] = "Toaster that browns"
    assert load(correct(tmp_path / "fixed.jsonl", letter)).written == 1
    document = index.get("S-2")
    assert document is not None
    assert (document.text, document.fields["text"], document.fields["id"]) == (
        "Toaster that browns",
        "internal note",
        9002,
    )


def test_a_document_is_kept_whole_whatever_its_fields_are_called(tmp_path: Path, index: Index, load: Load) -> None:
    fields = {"document": "d", "record": "r", "_error": "e", "id ": 1, "text.": "t"}
    lines(tmp_path / "rows.jsonl", {"id": "x" * 600, "text": "words", **fields})
    (letter,) = letters(load(tmp_path / "rows.jsonl"))
    letter["document"]["id"] = "short"
    assert load(correct(tmp_path / "fixed.jsonl", letter)).written == 1
    document = index.get("short")
    assert document is not None and document.fields == {
        name: value for name, value in fields.items() if name != "_error"
    }


def test_a_corrected_letter_belongs_to_its_first_source(tmp_path: Path, index: Index, load: Load) -> None:
    rows = lines(tmp_path / "rows.jsonl", {"id": "a", "text": ""})
    (letter,) = letters(load(rows))
    letter["record"]["text"] = "now it has words"
    load(correct(tmp_path / "fixed.jsonl", letter))
    lines(rows, {"id": "a", "text": "corrected at its source"})
    assert load(rows).replaced == {}
    rows.unlink()
    (tmp_path / "fixed.jsonl").unlink()
    lines(tmp_path / "others.jsonl", {"id": "b", "text": "another"})
    assert load(tmp_path, prune=True, include=("*.jsonl",)).pruned_ids == ("a",)


@pytest.mark.parametrize(
    "content",
    [
        '{"id": "a", "text": \n',
        '{"id": "a", "text": "' + "x" * 500 + "\n",
        "[1, 2]\n",
        '{"id": "\\ud83d", "text": "t"}\n',
    ],
    ids=["broken", "long", "array", "half"],
)
def test_a_letter_that_is_not_corrected_comes_back_as_it_is(content: str, tmp_path: Path, load: Load) -> None:
    (tmp_path / "rows.jsonl").write_text(content)
    first = load(tmp_path / "rows.jsonl")
    (letter,) = letters(first)
    assert content.rstrip("\n") in (letter.get("line"), json.dumps(letter.get("record")))
    assert first.dead_letters is not None
    assert letters(load(first.dead_letters)) == [letter]


def test_letters_of_the_first_format_are_read(tmp_path: Path, index: Index, load: Load) -> None:
    lines(
        tmp_path / "old.jsonl",
        {"id": "a", "title": "t", "text": "words", "price": 3, "_error": {"reason": "was broken"}},
    )
    assert load(tmp_path / "old.jsonl").written == 1
    document = index.get("a")
    assert document is not None and document.fields == {"price": 3}


def test_an_output_among_the_inputs_is_refused(tmp_path: Path, load: Load) -> None:
    letters_file = lines(tmp_path / "dead.jsonl", {"text": ""})
    os.link(letters_file, tmp_path / "same.jsonl")
    (tmp_path / "link.jsonl").symlink_to(letters_file)
    for target in ("dead.jsonl", "same.jsonl", "link.jsonl"):
        with pytest.raises(UsageError, match="which is read itself"):
            load(letters_file, dead_letters=tmp_path / target)
    assert letters_file.read_text() == '{"text": ""}\n'


def test_in_a_folder_the_output_is_passed_over(tmp_path: Path, load: Load) -> None:
    lines(tmp_path / "docs/rows.jsonl", {"id": "a", "n": 1}, {"id": "b", "text": "words"})
    for _ in range(2):
        report = load(tmp_path / "docs", dead_letters=tmp_path / "docs/dead.jsonl")
        assert (report.read, report.dead) == (2, 1)


def test_letters_of_two_loads_in_one_second_have_files_of_their_own(tmp_path: Path, load: Load) -> None:
    rows = lines(tmp_path / "rows.jsonl", {"id": "a", "text": ""})
    assert len({load(rows).dead_letters for _ in range(3)}) == 3


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(codec=None, categories=None), max_size=20)
    | st.sampled_from(["2024-01-01", "05.03.2026", "N/A", "1,5", "\ud800", "\0", "x" * 600, "true", "nan"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "id",
        "_id",
        "title",
        "text",
        "body",
        "name",
        "n",
        "x.y",
        "",
        " ",
        "_error",
        "document",
        "record",
        "metadata",
        "_source",
    ]
) | st.text(st.characters(codec=None, categories=None), max_size=4)


@given(record=st.dictionaries(names, json_values, max_size=6))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_record_is_stored_or_becomes_one_letter_that_comes_back(
    record: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = tmp_path_factory.mktemp("record")
    (here / "rows.jsonl").write_text(json.dumps(record) + "\n")
    with Index.open(here / "engine", encoder="hashing:16") as index:
        report = index.ingest_files(discover([str(here / "rows.jsonl")]).files, IngestSettings())
        said_empty = any("neither text nor title" in remark for remark in report.remarks)
        assert (report.written, report.dead, said_empty) in ((1, 0, False), (0, 1, False), (0, 0, True))
        assert len(ids(index)) == report.written
        if report.dead_letters is not None:
            again = index.ingest_files(discover([str(report.dead_letters)]).files, IngestSettings())
            assert (again.written, again.dead) == (0, 1)
            assert letters(again) == letters(report)
