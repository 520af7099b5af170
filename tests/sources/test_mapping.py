"""Which fields of a record become a document's id, title and text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from searchctl.sources import Failure, FieldMapping, Record
from searchctl.types import Document
from tests.sources.kit import documents, failures, items, remarks, written


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
            Document("a", "x", "", {"deep.a.b": 1, "rows.a": [1]}),
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


def test_what_a_list_of_objects_holds_can_be_filtered_by(tmp_path: Path) -> None:
    record = {
        "text": "x",
        "labels": [{"id": 1, "name": "bug"}, {"name": "ui", "by": {"login": "ann"}}],
        "deep": {"labels": [{"name": "q"}]},
    }
    path = written(tmp_path / "f.jsonl", json.dumps(record))
    (found,) = documents(path)
    assert found.fields == {
        "labels.id": [1],
        "labels.name": ["bug", "ui"],
        "labels.by.login": ["ann"],
        "deep.labels.name": ["q"],
    }
    assert remarks(path) == ""


@pytest.mark.parametrize("note", ["short", "long " * 100], ids=["short", "long"])
def test_a_text_within_a_list_of_objects_is_told_not_kept(tmp_path: Path, note: str) -> None:
    record = {"text": "x", "comments": [{"by": "ann", "body": "It helped"}], "history": [{"note": note}]}
    path = written(tmp_path / "f.jsonl", json.dumps(record))
    (found,) = documents(path)
    assert found.fields == {"comments.by": ["ann"], **({"history.note": ["short"]} if note == "short" else {})}
    assert "'comments' left out" in remarks(path) and ("'history' left out" in remarks(path)) == (note != "short")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"title": {"rendered": "Care &amp; repair"}, "content": {"rendered": "<p>Descale it</p>", "protected": False}},
            Document("f.jsonl#1", "Descale it", "Care & repair", {"content.protected": False}),
        ),
        (
            {"title": "Page", "body": {"storage": {"value": "<p>Words</p>", "representation": "storage"}}},
            Document("f.jsonl#1", "Words", "Page", {"body.storage.representation": "storage"}),
        ),
        (
            {
                "properties": {
                    "Name": {"id": "title", "type": "title", "title": [{"plain_text": "Kale", "text": {"content": "Kale"}}]},
                    "Description": {"id": "x", "type": "rich_text", "rich_text": [{"plain_text": "green"}, {"plain_text": " leaf"}]},
                    "Price": {"id": "y", "type": "number", "number": 2.5},
                    "Tags": {"type": "multi_select", "multi_select": [{"name": "a"}, {"name": "b"}]},
                }
            },
            Document("f.jsonl#1", "green leaf", "Kale", {"Price": 2.5, "Tags.name": ["a", "b"]}),
        ),
        (
            {"text": "x", "price": {"$numberDecimal": "9.90"}, "card": {"type": "card", "card": {"last4": "1"}, "amount": 5}},
            Document("f.jsonl#1", "x", "", {"price": 9.9, "card.type": "card", "card.card.last4": "1", "card.amount": 5}),
        ),
    ],
    ids=["WordPress", "Confluence", "Notion", "typed"],
)  # fmt: skip
def test_values_that_stand_beside_what_is_said_of_them(
    tmp_path: Path, record: dict[str, Any], expected: Document
) -> None:
    assert documents(written(tmp_path / "f.jsonl", json.dumps(record))) == [expected]


def test_without_a_text_name_the_words_of_a_record_are_its_text_not_what_is_for_programs(tmp_path: Path) -> None:
    record = {
        "id": "1",
        "type": "conversation",
        "source": {
            "type": "mail",
            "id": "77",
            "body": "<p>Where is my <b>parcel</b>?</p>",
            "url": "https://example.org/1",
        },
        "parts": ["How to descale it?"],
        "tags": ["tea"],
        "updated": {"at": "2026-01-05T10:00:00Z"},
    }
    (found,) = documents(written(tmp_path / "f.jsonl", json.dumps(record)))
    assert found.text == "How to descale it?\nWhere is my parcel?"


SECTION = {"type": "rich_text_section", "elements": [{"type": "text", "text": "Build red"}]}


@pytest.mark.parametrize(
    "parts",
    [
        {"attachments": [{"title": "CI", "text": "Build red"}]},
        {"blocks": [{"type": "rich_text", "elements": [SECTION]}]},
    ],
)
def test_a_message_that_is_in_its_parts_alone(tmp_path: Path, parts: dict[str, Any]) -> None:
    rows = [{"text": "hello", "ts": "1"}, {"text": "", "ts": "2", **parts}]
    found = documents(written(tmp_path / "f.json", json.dumps(rows)))
    assert [one.text for one in found] == ["hello", "Build red"]
