"""Files with a document a row: CSV, TSV, JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from searchctl.sources import Failure, FieldMapping, Record, discover, read
from searchctl.types import Document
from tests.sources.kit import documents, failures, items, written


def test_csv_with_quotes_lines_in_cells_and_types(tmp_path: Path) -> None:
    content = (
        'id,title,text,price,ok,zip,note\n1,"A, b","line one\nline ""two""",10,true,01234,\n2,C,d,2.5,FALSE,01235,x\n\n'
    )
    assert documents(written(tmp_path / "f.csv", content)) == [
        Document("1", 'line one\nline "two"', "A, b", {"price": 10, "ok": True, "zip": "01234"}),
        Document("2", "d", "C", {"price": 2.5, "ok": False, "zip": "01235", "note": "x"}),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.csv", "id;text\n1;a, b\n"),
        ("f.csv", "sep=;\nid;text\n1;a, b\n"),
        ("f.csv", "\ufeffid\ttext\r\n1\ta, b\r\n"),
        ("f.csv", "id|text\n1|a, b\n"),
        ("f.tsv", "id\ttext\n1\ta, b\n"),
        ("f.csv", 'id,text\n1,"a, b"'),
    ],
)
def test_delimiters(tmp_path: Path, name: str, content: str) -> None:
    assert documents(written(tmp_path / name, content)) == [Document("1", "a, b")]


def test_rows_without_an_id_are_named_by_their_number_in_a_spreadsheet(tmp_path: Path) -> None:
    found = items(written(tmp_path / "f.csv", 'text\n"a\nb"\nc\n'))
    assert [(one.document.id, one.position) for one in found if isinstance(one, Record)] == [
        ("f.csv#2", 2),
        ("f.csv#3", 3),
    ]


def test_a_wrong_row_costs_that_row(tmp_path: Path) -> None:
    content = 'id,text\n1,a\n2\n3,b,c\n4,d,,\n5,"not closed\n6,e\n7,"x"y"\n8,"f, g" h\n,,\n9,"a\nb\nc'
    found = items(written(tmp_path / "f.csv", content))
    assert [(one.document.id, one.document.text) for one in found if isinstance(one, Record)] == [
        ("1", "a"),
        ("4", "d"),
        ("5", '"not closed'),
        ("6", "e"),
        ("7", '"x"y"'),
    ]
    assert [(one.position, one.reason.split(":")[0]) for one in found if isinstance(one, Failure)] == [
        (4, "the row has 3 cells, the first row has 2"),
        (9, "broken row"),
        (11, "broken row"),
    ]


def test_quotes_mean_nothing_in_tabs_without_quoting(tmp_path: Path) -> None:
    content = 'id\ttext\n1\t"Never closed\n2\t5" disk\n3\t"closed\ttab"\n'
    assert [(one.id, one.text) for one in documents(written(tmp_path / "f.tsv", content))] == [
        ("1", '"Never closed'),
        ("2", '5" disk'),
        ("3", "closed\ttab"),
    ]


def test_columns_that_were_asked_for_must_be_there(tmp_path: Path) -> None:
    (failure,) = failures(
        written(tmp_path / "f.csv", "id,body\n1,a\n2,b\n"), FieldMapping(text=("body",), title="subject")
    )
    assert failure.reason == "no column 'subject'; the first row has: 'id', 'body'"


def test_a_column_that_stops_being_numbers_keeps_its_strings(tmp_path: Path) -> None:
    rows = "".join(f"{n},word,{n}\n" for n in range(10_000)) + "x,word,12А\n"
    found = documents(written(tmp_path / "f.csv", "id,text,n\n" + rows))
    assert found[9999].fields == {"n": 9999} and found[10_000].fields == {"n": "12А"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([{"id": 1, "text": "a"}, {"text": "b"}], [("1", "a"), ("f.json#2", "b")]),
        ({"version": 2, "items": [{"id": 1, "text": "a"}]}, [("1", "a")]),
        ({"text": "a", "tags": ["x"]}, [("f.json", "a")]),
        ({"id": "one", "text": "a", "parts": [{"n": 1}], "more": [{"n": 2}]}, [("one", "a")]),
    ],
)
def test_json(tmp_path: Path, content: Any, expected: list[tuple[str, str]]) -> None:
    assert [(one.id, one.text) for one in documents(written(tmp_path / "f.json", json.dumps(content)))] == expected


def test_json_failures(tmp_path: Path) -> None:
    found = items(written(tmp_path / "f.json", '[{"id": 1, "text": "a"}, 5, {"id": [3], "text": "b"}]'))
    assert [type(one).__name__ for one in found] == ["Record", "Failure", "Failure"]
    assert "broken JSON" in failures(written(tmp_path / "g.json", '[{"id": 1'))[0].reason
    assert "found a number" in failures(written(tmp_path / "h.json", "5"))[0].reason


def test_a_row_is_kept_as_it_stood(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text,note\n007,hello,\n8,,x\n")
    (tmp_path / "a.jsonl").write_text('{"id": 7, "text": "hello", "note": null}\n{"id": 8, "text": ""}\n')
    table = list(read(discover([str(tmp_path / "a.csv")])[0], FieldMapping()))
    lines = list(read(discover([str(tmp_path / "a.jsonl")])[0], FieldMapping()))
    assert [one.raw for one in table] == [
        {"id": "007", "text": "hello", "note": ""},
    ]
    assert [one.raw for one in lines] == [{"id": 7, "text": "hello", "note": None}]
