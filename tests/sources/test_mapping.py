"""Which fields of a record become a document's id, title and text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from searchctl.sources import Failure, FieldMapping, Record
from searchctl.types import Document
from tests.sources.kit import documents, failures, items, written


@pytest.mark.parametrize(
    ("record", "document"),
    [
        ({"_id": "a", "title": "T", "text": "x"}, Document("a", "x", "T")),
        (
            {"id": 7, "body": "x", "lang": "ru", "n": 1.5, "ok": True},
            Document("7", "x", "", {"lang": "ru", "n": 1.5, "ok": True}),
        ),
        ({"Id": 1, "Subject": "S", "Description": "x"}, Document("1", "x", "S")),
        ({"id": 1, "заголовок": "З", "текст": "т"}, Document("1", "т", "З")),
        ({"id": 1, "question": "q?", "answer": "a."}, Document("1", "q?\na.", "", {"question": "q?", "answer": "a."})),
        ({"text": "x"}, Document("f.jsonl#1", "x")),
        ({"_id": None, "text": "x"}, Document("f.jsonl#1", "x")),
        ({"id": "a", "text": ["one", "two"]}, Document("a", "one\n\ntwo")),
        ({"id": "a", "title": "T", "text": ""}, Document("a", "", "T")),
        ({"id": "a", "text": "x", "metadata": {"lang": "en", "text": "no"}}, Document("a", "x", "", {"lang": "en"})),
        (
            {"id": "a", "text": "x", "by": {"name": "n", "tags": ["a", 1, None]}},
            Document("a", "x", "", {"by.name": "n", "by.tags": ["a", 1]}),
        ),
        (
            {"_id": "a", "_index": "i", "_score": 1, "_source": {"title": "T", "text": "x", "n": 1}},
            Document("a", "x", "T", {"n": 1}),
        ),
        ({"id": "a", "text": "x", "_error": {"reason": "r"}}, Document("a", "x")),
        (
            {"id": "a", "text": "x", "e": "", "n": None, "l": [], "deep": {"a": {"b": 1}}, "rows": [{"a": 1}]},
            Document("a", "x", "", {"deep.a.b": 1}),
        ),
        (
            {"id": "a", "text": "x", "big": 2**70, "list": [1, 2]},
            Document("a", "x", "", {"big": str(2**70), "list": [1, 2]}),
        ),
        ({"id": "a", "text": 12}, Document("a", "12")),
    ],
)
def test_usual_names_are_understood(tmp_path: Path, record: dict[str, Any], document: Document) -> None:
    assert documents(written(tmp_path / "f.jsonl", json.dumps(record))) == [document]


def test_a_mapping_says_otherwise(tmp_path: Path) -> None:
    path = written(
        tmp_path / "f.jsonl",
        json.dumps({"id": 1, "sku": "s", "name": "N", "a": "one", "b": "two", "price": 3, "text": "t"}),
    )
    mapping = FieldMapping(id="sku", title="name", text=("a", "missing", "b"), keep=("price",))
    assert documents(path, mapping) == [Document("s", "one\n\ntwo", "N", {"price": 3})]
    inner = written(tmp_path / "g.jsonl", json.dumps({"id": 1, "body": {"value": "x"}}))
    assert documents(inner, FieldMapping(text=("body.value",))) == [Document("1", "x")]
    assert documents(path, FieldMapping(keep=()))[0].fields == {}


@pytest.mark.parametrize(
    ("line", "id", "reason"),
    [
        ('{"id": [1], "text": "x"}', None, "id is a list"),
        ('{"id": true, "text": "x"}', None, "id is true or false"),
        ('{"id": {"a": 1}, "text": "x"}', "f.jsonl#2", None),
        ('{"id": "a\\nb", "text": "x"}', None, "id"),
        ('{"id": "\\ud800", "text": "x"}', None, "id"),
        ('{"id": "a", "text": {"a": [1]}, "title": "t"}', "a", None),
        ('{"id": "a", "text": [{"b": 1}]}', "a", "'text' holds a list of objects"),
        ("{bad json", None, "broken JSON"),
        ('{"id": "a", "text": "x"', None, "broken JSON"),
        ('{"id": "a\x00", "text": "x"}', None, "broken JSON"),
        ('["a"]', None, "found a list"),
        ('"a"', None, "found a string"),
        ("[" * 100_000, None, "JSON that can't be read"),
        ('{"id": ' + "9" * 5000 + "}", None, "JSON that can't be read"),
    ],
)
def test_a_broken_line_costs_that_line(tmp_path: Path, line: str, id: str | None, reason: str | None) -> None:
    path = written(tmp_path / "f.jsonl", f'{{"id": 1, "text": "before"}}\n{line}\n\n{{"id": 4, "text": "after"}}\n')
    first, found, last = items(path)
    assert isinstance(first, Record) and first.document.text == "before"
    assert isinstance(last, Record) and (last.document.text, last.position) == ("after", 4)
    assert (found.source, found.position) == (str(path), 2)
    if reason is None:  # objects are flattened, so that nothing is wrong here
        assert isinstance(found, Record) and found.document.id == id
    else:
        assert isinstance(found, Failure) and found.id == id
        assert reason in found.reason
        assert found.excerpt and len(found.excerpt) <= 200


def test_nan_is_a_missing_value(tmp_path: Path) -> None:
    assert documents(written(tmp_path / "f.jsonl", '{"id": 1, "text": "x", "n": NaN, "m": -Infinity, "k": 1e999}')) == [
        Document("1", "x")
    ]


def test_a_named_field_that_cannot_be_kept_is_a_failure(tmp_path: Path) -> None:
    path = written(tmp_path / "f.jsonl", '{"id": 1, "text": "x", "rows": [{"a": 1}]}')
    (found,) = failures(path, FieldMapping(keep=("rows",)))
    assert found.id == "1" and "'rows' holds a list of objects" in found.reason


def test_a_named_id_or_text_that_is_missing_is_a_failure_that_lists_the_fields(tmp_path: Path) -> None:
    path = written(tmp_path / "f.jsonl", '{"sku": null, "body": "x"}')
    assert (
        "'sku' is missing or empty; the record has: 'sku', 'body'" in failures(path, FieldMapping(id="sku"))[0].reason
    )
    assert "no field 'txt'; the record has: 'sku', 'body'" in failures(path, FieldMapping(text=("txt",)))[0].reason
