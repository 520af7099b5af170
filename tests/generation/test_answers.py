"""What servers send: completions, JSON in all sorts of wrapping, and what is no answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from searchctl.generation.answers import looks_refused, read_answer, read_completion
from searchctl.generation.judgements import GivenGrade, grade_reader
from searchctl.generation.labels import label_reader
from searchctl.generation.model import Attempt, ChatRequest, UnusableAnswer
from searchctl.generation.tasks import texts_reader, texts_schema

REQUEST = ChatRequest(
    "d", [{"role": "user", "content": "x" * 400}], texts_schema("queries", 2), texts_reader("queries", 2), 60, 0.7
)
ATTEMPT = Attempt(REQUEST, "m", 0, 60, 0.7)


def body(text: str | None, finish: str = "stop", **message: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text, **message}, "finish_reason": finish}]}).encode()


def answer(text: str | None, finish: str = "stop", **message: Any) -> Any:
    return read_answer(ATTEMPT, read_completion(body(text, finish, **message), ATTEMPT))


@pytest.mark.parametrize(
    "text",
    [
        '{"queries": ["one", " two\\n words "]}',
        'Sure, here you are:\n```json\n{"queries": ["one", "two words"]}\n```\nGood luck!',
        '<think>{"queries": ["no"]} perhaps</think> {"queries": ["one", "two words", "three"]}',
        '["one", "", "two words"]',
    ],
    ids=["plain", "fenced", "thought before", "a bare list"],
)
def test_json_is_found_in_its_wrapping(text: str) -> None:
    assert answer(text) == ["one", "two words"]


@pytest.mark.parametrize(
    ("text", "finish", "message", "misfit"),
    [
        ('{"queries": ["one", "tw', "length", {}, "truncated"),
        ('{"queries": ["one", "tw', "stop", {}, "not JSON"),
        ('{"questions": 3}', "stop", {}, "wrong shape"),
        ('{"queries": [""]}', "stop", {}, "wrong shape"),
        ('{"queries": [1, 2]}', "stop", {}, "wrong shape"),
        ("<think>so long a thought", "length", {}, "truncated"),
        ("I'm sorry, but I can't help with that.", "stop", {}, "refused"),
        ("Извините, я не могу помочь с этим.", "stop", {}, "refused"),
        ('{"queries": ["I cannot write queries for this passage."]}', "stop", {}, "refused"),
        (None, "stop", {"refusal": "no"}, "refused"),
        ("", "content_filter", {}, "refused"),
        ("", "stop", {}, "not JSON"),
    ],
)
def test_what_is_no_answer_is_told_by_kind(text: str | None, finish: str, message: dict[str, str], misfit: str) -> None:
    with pytest.raises(UnusableAnswer) as caught:
        answer(text, finish, **message)
    assert caught.value.misfit == misfit


def test_tokens_are_estimated_where_the_server_does_not_count() -> None:
    completion = read_completion(body("abcdefgh"), ATTEMPT)
    assert not completion.counted and completion.answer_tokens == 2 and completion.prompt_tokens > 100
    counted = json.loads(body("a")) | {"usage": {"prompt_tokens": 11, "completion_tokens": 3}, "model": "m-2"}
    completion = read_completion(json.dumps(counted).encode(), ATTEMPT)
    assert (completion.prompt_tokens, completion.answer_tokens, completion.model, completion.counted) == (
        11,
        3,
        "m-2",
        True,
    )


@pytest.mark.parametrize(
    "content", [b"<html>", b"{}", b'{"choices": []}', b'{"choices": [{"message": null}]}', b"[" * 100_000]
)
def test_what_is_no_completion_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="isn't a chat completion"):
        read_completion(content, ATTEMPT)


def test_labels_are_read_in_any_case_and_others_refused() -> None:
    read = label_reader(["billing/refund", "Delivery"])
    assert [read({"label": text}) for text in ("Billing/Refund ", "delivery", "NONE")] == [
        "billing/refund",
        "Delivery",
        None,
    ]
    for data in ({"label": "billing"}, {"label": 3}, "billing/refund"):
        with pytest.raises(ValueError, match="label"):
            read(data)


def test_grades_are_whole_numbers_of_the_scale() -> None:
    read = grade_reader(2)
    assert read({"reason": " a\nb ", "grade": 2}) == GivenGrade(2, "a b") and read({"grade": "1"}) == GivenGrade(1, "")
    for data in ({"grade": 3}, {"grade": -1}, {"grade": True}, {"grade": 1.5}, {"reason": "none"}, 2):
        with pytest.raises(ValueError, match="grade"):
            read(data)


def test_ordinary_queries_are_no_refusals() -> None:
    for text in (
        "I can borrow a drill?",
        "sorry tale of returns",
        "не могу войти в кабинет",
        "can't log in",
        "извещение о доставке",
    ):
        assert not looks_refused(text), text
