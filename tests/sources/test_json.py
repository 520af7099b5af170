"""JSON in every layout that programs export, and what is not flat in it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from searchctl.sources import FieldMapping, Record, Remarks, discover, read
from searchctl.sources.nested import along, unwrapped
from searchctl.sources.rich_text import rich_text
from tests.sources.kit import documents, failures, items, pairs, remarks, written

A, B = {"id": "1", "text": "one"}, {"id": "2", "text": "two"}
BOTH = [("1", "one"), ("2", "two")]


@pytest.mark.parametrize("name", ["f.json", "f.jsonl"])
@pytest.mark.parametrize(
    "content",
    [
        f"{json.dumps(A)}\n{json.dumps(B)}\n",
        f"{json.dumps(A, indent=1)}\n{json.dumps(B, indent=1)}\n",
        json.dumps([A, B]),
        json.dumps([A, B], indent=2),
        f"[\n{json.dumps(A)},\n{json.dumps(B)}\n]",
        f"[{json.dumps(A)}]\n[{json.dumps(B)}]",
        f"\ufeff{json.dumps(A)}\n\ufeff{json.dumps(B)}",
        f"{json.dumps(A)},\n{json.dumps(B)},\n",
    ],
)
def test_a_file_is_read_as_it_is_laid_out(tmp_path: Path, name: str, content: str) -> None:
    assert pairs(written(tmp_path / name, content)) == BOTH


@pytest.mark.parametrize(
    "content", [json.dumps([A, B]), json.dumps([A, B], indent=1), f"{json.dumps(A)}\n{json.dumps(B)}"]
)
def test_a_pipe_too(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    found = [item for item in read(discover(["-"])[0], FieldMapping()) if isinstance(item, Record)]
    assert [(one.document.id, one.document.text) for one in found] == BOTH


@pytest.mark.parametrize(
    ("content", "expected"),
    [("<html><p>Hi</p></html>", "Hi"), ("id,text\n1,a\n2,b\n3,c\n", "a"), ("[x] a list", "[x] a list")],
)
def test_what_comes_by_a_pipe_is_known_by_its_beginning(
    monkeypatch: pytest.MonkeyPatch, content: str, expected: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    first = next(read(discover(["-"])[0], FieldMapping()))
    assert isinstance(first, Record) and first.document.text == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"hits": {"hits": [{"_id": "1", "_source": {"body": "one"}}]}, "took": 3}, [("1", "one")]),
        (
            {
                "name": "Board",
                "desc": "All of it",
                "cards": [{"id": "c", "name": "Card", "desc": "very many words are on it"}],
                "lists": [{"id": "l", "name": "Done"}],
            },
            [("c", "very many words are on it")],
        ),
        (
            {"issues": [{"id": "1", "fields": {"summary": "S", "description": "words here"}}], "total": 1},
            [("1", "words here")],
        ),
        ({"data": [{"id": "1", "attributes": {"title": "T", "body": "words here"}}]}, [("1", "words here")]),
        ({"-K1": {"text": "one"}, "-K2": {"text": "two"}}, [("-K1", "one"), ("-K2", "two")]),
        ({"id": "t", "description": "a ticket", "comments": [{"body": "more and more words"}]}, [("t", "a ticket")]),
        (
            {"chats": {"list": [{"id": 7, "name": "Ann", "messages": [{"id": 1, "text": "hello there you"}]}]}},
            [("7/1", "hello there you")],
        ),
        ({"hits": {"hits": []}}, []),
        ({"id": {"0": 1, "1": 2}, "text": {"0": "one", "1": "two"}}, [("1", "one"), ("2", "two")]),
        ({"columns": ["id", "text"], "index": [0, 1], "data": [[1, "one"], [2, "two"]]}, [("1", "one"), ("2", "two")]),
        (
            {"id": "d", "title": {"en": "one", "ru": "раз"}, "text": {"en": "two", "ru": "два"}},
            [("d", "раз\n\ntwo\n\nдва")],
        ),
        (
            {
                "posts": {"-K1": {"body": "some words"}, "-K2": {"body": "more"}},
                "users": {"u": {"mail": "a@example.org"}},
            },
            [("-K1", "some words"), ("-K2", "more")],
        ),
    ],
)
def test_where_exports_keep_their_records(tmp_path: Path, value: Any, expected: list[tuple[str, str]]) -> None:
    assert pairs(written(tmp_path / "f.json", json.dumps(value))) == expected


def test_several_lists_are_asked_about_and_can_be_named(tmp_path: Path) -> None:
    lists = {"posts": [{"id": "p", "text": "some words"}], "pages": [{"id": "q", "text": "other words"}]}
    path = written(tmp_path / "f.json", json.dumps({"data": lists}))
    assert "name one with: --records data." in failures(path)[0].reason
    assert pairs(path, FieldMapping(records="data.pages")) == [("q", "other words")]
    assert "lists of objects are at: data.posts, data.pages" in failures(path, FieldMapping(records="pages"))[0].reason


def test_lists_left_out_are_told(tmp_path: Path) -> None:
    board = {"cards": [{"id": "c", "text": "many words are here"}], "labels": [{"id": "l", "name": "x"}]}
    assert "left out: labels" in remarks(written(tmp_path / "f.json", json.dumps(board)))


def test_comments_are_told_and_can_be_searched(tmp_path: Path) -> None:
    row = {
        "id": 1,
        "subject": "S",
        "description": "main",
        "comments": [{"by": {"n": "A"}, "body": "first"}, {"body": "second"}],
    }
    path = written(tmp_path / "f.jsonl", json.dumps(row))
    assert "'comments' left out" in remarks(path) and "comments.body" in remarks(path)
    mapping = FieldMapping(text=("description", "comments.body"), keep=("comments.by.n",))
    (found,) = documents(path, mapping)
    assert found.text == "main\n\nfirst\n\nsecond" and found.fields == {"comments.by.n": ["A"]}
    assert remarks(path, mapping) == ""


def test_collections_by_key_are_asked_about_and_those_left_out_told(tmp_path: Path) -> None:
    posts = {"a": {"text": "some words"}, "b": {"text": "some more"}}
    value = {"posts": posts, "users": {"u": {"name": "Ann"}, "v": {"name": "Bob"}}}
    assert "left out: users" in remarks(written(tmp_path / "f.json", json.dumps(value)))
    both = written(tmp_path / "g.json", json.dumps({"posts": posts, "pages": posts}))
    assert "several lists could be the records" in failures(both)[0].reason
    assert pairs(both, FieldMapping(records="pages")) == [("a", "some words"), ("b", "some more")]


def test_a_bulk_file_gives_its_documents(tmp_path: Path) -> None:
    lines = [
        '{"index":{"_id":"1"}}',
        '{"text":"one"}',
        '{"delete":{"_id":"9"}}',
        '{"update":{"_id":"2"}}',
        '{"doc":{"text":"two"}}',
    ]
    path = written(tmp_path / "f.ndjson", "\n".join(lines))
    assert pairs(path) == BOTH and "delete action" in remarks(path)
    assert "cut off" in failures(written(tmp_path / "g.ndjson", "\n".join([*lines, '{"index":{}}'])))[0].reason


def test_messages_without_text_are_passed_over_and_stay_known(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "text": ""},
        {"id": 2, "text": ["See ", {"type": "link", "text": "x.org"}, ", soon"]},
        {"id": 3, "text": None},
    ]
    path = written(tmp_path / "f.json", json.dumps({"messages": rows}))
    counted = Remarks()
    assert [one.document.text for one in items(path, remarks=counted) if isinstance(one, Record)] == ["See x.org, soon"]
    assert counted.ids == {"1", "3"} and "passed over" in counted.lines()[0]


def test_texts_in_several_languages(tmp_path: Path) -> None:
    row = {"title": {"ru": "Чайник", "en": "Kettle"}, "description": {"ru": "Кипятит", "en": "Boils"}}
    (found,) = documents(written(tmp_path / "f.jsonl", json.dumps(row)))
    assert found.title == "Чайник" and found.text.split() == ["Kettle", "Кипятит", "Boils"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["a", {"type": "bold", "text": "b"}], "ab"),
        (["a", "b"], "a\n\nb"),
        ([{"plain_text": "a"}], "a"),
        (
            {
                "type": "doc",
                "content": [
                    {"type": "paragraph", "content": [{"type": "text", "text": "a"}]},
                    {"type": "paragraph", "content": [{"text": "b"}]},
                ],
            },
            "a\nb",
        ),
        ([{"body": "x"}], None),
        ({"a": 1}, None),
    ],
)
def test_texts_in_pieces(value: Any, text: str | None) -> None:
    assert rich_text(value) == text


def test_paths_and_mongo() -> None:
    value = {"a": {"b": [{"c": 1}, {"c": [2, 3]}]}, "x.y": 4}
    assert along(value, "a.b.c") == [1, 2, 3] and along(value, "x.y") == 4 and along(value, "a.z") is None
    assert unwrapped({"$oid": "5f"}) == "5f" and unwrapped({"$numberLong": "7"}) == 7
    assert unwrapped({"$date": {"$numberLong": "0"}}) == "1970-01-01T00:00:00+00:00" and unwrapped({"$x": 1}) == {
        "$x": 1
    }


def test_a_cut_off_array_gives_what_stands_before(tmp_path: Path) -> None:
    first, failure = items(written(tmp_path / "f.json", '[{"id": 1, "text": "a"}, {"id": 2, "te'))
    assert isinstance(first, Record) and "broken JSON" in getattr(failure, "reason", "")


def test_small_records_do_not_become_large(tmp_path: Path) -> None:
    name = "n" * 40_000
    inner = {str(number): 0 for number in range(5000)}
    (found,) = documents(written(tmp_path / "f.json", json.dumps({"text": "x", name: inner})))
    assert found.fields == {}
    wide = documents(
        written(tmp_path / "g.json", json.dumps({f"k{number}": 1 for number in range(5000)} | {"text": "x"}))
    )
    assert wide[0].text == "x" and len(wide[0].fields) <= 1000


def test_a_source_in_which_nothing_can_be_read_is_given_up(tmp_path: Path) -> None:
    found = failures(written(tmp_path / "f.json", json.dumps([1] * 5000)))
    assert len(found) == 1001 and "aren't tried" in found[-1].reason
