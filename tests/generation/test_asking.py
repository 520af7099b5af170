"""Asking a server that is busy, slow, breaks off, refuses, cuts and babbles; and what it all costs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from searchctl.errors import ModelServerUnavailable, UsageError
from searchctl.generation import asking
from searchctl.generation.asking import Answers, AskSettings, ask_all, estimate
from searchctl.generation.chat import KEY, ChatServer
from searchctl.generation.journal import RequestJournal
from searchctl.generation.model import Bill, ChatRequest, Prices
from searchctl.generation.tasks import texts_reader, texts_schema
from tests.generation.chat_server import ChatServerScript, Fault, Messages, chatting

PRICES = Prices(1.0, 10.0)


def echo(messages: Messages) -> str:
    """A model that says what it was asked."""
    return json.dumps({"queries": [messages[-1]["content"]]})


@pytest.fixture
def server() -> Iterator[ChatServerScript]:
    with chatting(echo) as running:
        yield running


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_LONGEST_PAUSE", 0.02)


def request(name: str, room: int = 100) -> ChatRequest:
    messages = [{"role": "user", "content": name}]
    return ChatRequest(name, messages, texts_schema("queries", 2), texts_reader("queries", 2), room, 0.5)


def ask(
    server: ChatServerScript | str,
    folder: Path,
    *requests: ChatRequest,
    timeout: float = 20.0,
    stop: threading.Event | None = None,
    **settings: Any,
) -> Answers:
    url = server if isinstance(server, str) else server.url
    with RequestJournal(folder / "journal") as journal:
        return ask_all(requests, ChatServer(url, "m", timeout=timeout), journal, AskSettings(**settings), stop=stop)


def values(answers: Answers) -> dict[str, Any]:
    return {id: answered.value for id, answered in answers.by_id.items()}


def test_requests_say_what_is_wanted(server: ChatServerScript, tmp_path: Path) -> None:
    answers = ask(server, tmp_path, request("tea", 77), prices=PRICES)
    assert values(answers) == {"tea": ["tea"]} and not answers.unanswered and answers.error is None
    (sent,) = server.requests
    assert sent["model"] == "m" and sent["max_tokens"] == 77 and sent["temperature"] == 0.5 and sent["seed"] == 0
    assert sent["response_format"]["json_schema"]["schema"]["required"] == ["queries"]
    bill = answers.bill
    assert (bill.sent, bill.answers, bill.prompt_tokens) == (1, 1, 1)
    assert bill.cost == pytest.approx((bill.prompt_tokens + 10 * bill.answer_tokens) / 1e6)


def test_the_same_request_is_not_sent_again(server: ChatServerScript, tmp_path: Path) -> None:
    twin = request("tea")
    other = ChatRequest("twin", twin.messages, twin.schema, twin.read, twin.answer_tokens, twin.temperature)
    assert values(ask(server, tmp_path, twin, other)) == {"tea": ["tea"], "twin": ["tea"]}
    answers = ask(server, tmp_path, request("tea"), request("milk"))
    assert values(answers) == {"tea": ["tea"], "milk": ["milk"]} and answers.bill.known == 1
    assert [sent["messages"][0]["content"] for sent in server.requests] == ["tea", "milk"]


def test_a_busy_server_is_left_alone_by_all_as_long_as_it_says(
    server: ChatServerScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_LONGEST_PAUSE", 5.0)
    server.faults = [Fault(429, {"retry-after": "0.4"}, b"busy"), Fault(503, {}, b"loading")]
    began = time.monotonic()
    answers = ask(server, tmp_path, *(request(f"t{number}") for number in range(4)), concurrency=1)
    assert len(answers.by_id) == 4 and answers.bill.again == 2 and answers.bill.sent == 6
    assert server.times[1] - began >= 0.4 and max(server.paid.values()) == 1


def test_requests_a_minute_are_kept_to(server: ChatServerScript, tmp_path: Path) -> None:
    ask(server, tmp_path, *(request(f"t{number}") for number in range(4)), concurrency=4, rate=600.0)
    assert server.times[-1] - server.times[0] >= 0.25  # three gaps of a tenth of a second


def test_broken_connections_and_time_outs_are_counted_as_perhaps_paid(server: ChatServerScript, tmp_path: Path) -> None:
    server.faults = [Fault(0)]
    answers = ask(server, tmp_path, request("tea"), prices=PRICES)
    assert values(answers) == {"tea": ["tea"]} and answers.bill.late == 1
    assert answers.bill.cost > 100 * 10 / 1e6  # all the room that the lost answer could have taken
    server.faults = [Fault(seconds=1.0)] * 2
    answers = ask(server, tmp_path, request("ok"), request("slow"), timeout=0.3, concurrency=1)
    assert answers.bill.late == 2 and isinstance(answers.error, ModelServerUnavailable)
    server.faults = [Fault(), *[Fault(seconds=1.0)] * 2]
    answers = ask(server, tmp_path, request("first"), request("slow"), request("last"), timeout=0.3, concurrency=1)
    assert set(answers.by_id) == {"first", "last"} and answers.error is None
    assert "ReadTimeout" in answers.unanswered["slow"]


def test_a_cut_answer_is_asked_for_again_with_more_room(server: ChatServerScript, tmp_path: Path) -> None:
    answers = ask(server, tmp_path, request("a long text " * 10, room=20))
    assert [sent["max_tokens"] for sent in server.requests] == [20, 40, 80]
    assert len(answers.by_id) == 1 and answers.bill.misfits == {"truncated": 2}
    again = ask(server, tmp_path, request("a long text " * 10, room=20))
    assert len(server.requests) == 3 and again.bill.known == 3 and values(again) == values(answers)


def test_broken_json_is_asked_for_otherwise_and_then_given_up(server: ChatServerScript, tmp_path: Path) -> None:
    server.faults = [Fault(content='{"queries": ["te'), Fault(content="no")]
    assert values(ask(server, tmp_path, request("tea"))) == {"tea": ["tea"]}
    assert [(sent["seed"], sent["temperature"]) for sent in server.requests] == [(0, 0.5), (1, 0.8), (2, 0.8)]
    server.faults = [Fault(content='{"queries": 3}')] * 3
    answers = ask(server, tmp_path, request("milk"))
    assert answers.unanswered == {"milk": "wrong shape"} and answers.bill.misfits == {"wrong shape": 3}


def test_a_refusal_is_counted_and_not_argued_with(server: ChatServerScript, tmp_path: Path) -> None:
    server.faults = [Fault(refusal="I won't"), Fault(content="Извините, не могу."), Fault(finish="content_filter")]
    answers = ask(server, tmp_path, *(request(name) for name in "abcd"), concurrency=1)
    assert answers.unanswered == dict.fromkeys("abc", "refused") and values(answers) == {"d": ["d"]}
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_server_that_does_not_know_us_ends_it_at_once(server: ChatServerScript, tmp_path: Path, status: int) -> None:
    server.faults = [Fault(status, {}, b'{"error": "no such model"}')] * 9
    answers = ask(server, tmp_path, *(request(name) for name in "abcdefgh"), concurrency=1)
    assert len(server.requests) == 1 and not answers.by_id
    assert f"it answered {status}" in str(answers.error) and "what was answered is kept" in str(answers.error)


def test_one_bad_request_does_not_end_it_and_many_do(server: ChatServerScript, tmp_path: Path) -> None:
    server.faults = [Fault(), Fault(400, {}, b"context length exceeded")]
    answers = ask(server, tmp_path, *(request(name) for name in "abc"), concurrency=1)
    assert set(answers.by_id) == {"a", "c"} and "context length" in answers.unanswered["b"]
    server.faults = [Fault(400, {}, b"context length exceeded")] * 50
    answers = ask(server, tmp_path, *(request(f"n{number}") for number in range(20)), concurrency=1)
    assert isinstance(answers.error, ModelServerUnavailable) and len(answers.unanswered) == 4


def test_a_server_that_is_not_there_is_told_with_its_address(tmp_path: Path) -> None:
    with chatting(echo) as gone:
        url = gone.url
    answers = ask(url, tmp_path, request("tea"))
    assert f"can't ask 'm' at {url}: NewConnectionError" in str(answers.error) and answers.bill.sent == 2


def test_what_is_no_completion_ends_it(server: ChatServerScript, tmp_path: Path) -> None:
    server.faults = [Fault(200, {}, b"<html>")] * 2
    assert "isn't a chat completion" in str(ask(server, tmp_path, request("tea")).error)


@pytest.mark.parametrize(
    ("refused", "check"),
    [
        (["json_schema"], lambda sent: sent["response_format"] == {"type": "json_object"}),
        (["response_format"], lambda sent: "response_format" not in sent),
        (["max_tokens"], lambda sent: sent["max_completion_tokens"] == 100 and "max_tokens" not in sent),
        (["temperature", "seed"], lambda sent: "temperature" not in sent and "seed" not in sent),
    ],
    ids=["no schema", "no format", "another name for room", "no temperature and no seed"],
)
def test_a_server_of_another_dialect_is_understood(tmp_path: Path, refused: list[str], check: Any) -> None:
    with chatting(echo, refused_settings=refused) as server:
        answers = ask(server, tmp_path, *(request(name) for name in "abcd"), concurrency=1)
        assert len(answers.by_id) == 4 and check(server.requests[-1]) and answers.bill.sent == 4
        assert len(server.requests) <= 4 + 2  # what was learnt is remembered


def test_the_limit_of_cost_is_never_passed(server: ChatServerScript, tmp_path: Path) -> None:
    requests = [request(f"request {number}") for number in range(20)]
    most = 0.002
    answers = ask(server, tmp_path, *requests, prices=PRICES, max_cost=most, concurrency=4)
    assert answers.ended == "cost" and 0 < len(answers.by_id) < 20 and not answers.unanswered
    assert answers.bill.cost <= most
    assert ask(server, tmp_path, *requests, prices=PRICES, max_cost=0.0).bill.sent == 0
    rest = ask(server, tmp_path, *requests, prices=PRICES, max_cost=1.0)
    assert len(rest.by_id) == 20 and not rest.ended and max(server.paid.values()) == 1


def test_a_number_of_requests_is_kept_to(server: ChatServerScript, tmp_path: Path) -> None:
    server.faults = [Fault(429, {}, b"")]
    answers = ask(server, tmp_path, *(request(f"t{number}") for number in range(9)), max_requests=4)
    assert answers.ended == "requests" and len(answers.by_id) == 4 and sum(server.paid.values()) == 4


def test_the_estimate_counts_what_is_new_and_its_upper_bound_holds(server: ChatServerScript, tmp_path: Path) -> None:
    requests = [request(f"как вернуть товар номер {number}") for number in range(6)]
    ask(server, tmp_path, *requests[:2])
    known = RequestJournal.peek(tmp_path / "journal").answers
    found = estimate(requests, "m", known, AskSettings(prices=PRICES))
    assert found.requests == 6 and found.new == 4 and found.cost and found.most and found.cost < found.most
    answers = ask(server, tmp_path, *requests, prices=PRICES)
    assert answers.bill.cost <= found.most
    assert estimate(requests, "m", known, AskSettings()).cost is None


def test_stopping_ends_waiting_at_once_and_keeps_what_was_answered(
    server: ChatServerScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_LONGEST_PAUSE", 600.0)
    server.faults = [Fault(), Fault(429, {"retry-after": "500"}, b"")]
    stop = threading.Event()

    def end_when_busy() -> None:
        while len(server.requests) < 2:
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=end_when_busy).start()
    answers = ask(server, tmp_path, *(request(name) for name in "abc"), concurrency=1, stop=stop)
    assert answers.ended == "stopped" and set(answers.by_id) == {"a"}
    assert set(ask(server, tmp_path, *(request(name) for name in "abc")).by_id) == set("abc")
    assert max(server.paid.values()) == 1


def test_an_answer_that_is_too_slow_to_stop_for_is_not_asked_again(
    server: ChatServerScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_GRACE", 0.1)
    server.seconds = 1.0
    stop = threading.Event()
    threading.Timer(0.4, stop.set).start()
    assert not ask(server, tmp_path, request("slow"), stop=stop).by_id
    server.seconds = 0.0
    answers = ask(server, tmp_path, request("slow"), request("tea"))
    assert answers.unanswered == {"slow": "on its way when the run was killed"} and len(server.requests) == 2
    assert set(ask(server, tmp_path, request("slow"), again=True).by_id) == {"slow"}


def test_progress_is_told(server: ChatServerScript, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int, unanswered: int, bill: Bill) -> None:
        told.append((done, total))

    with RequestJournal(tmp_path / "journal") as journal:
        ask_all(
            [request(name) for name in "abc"], ChatServer(server.url, "m"), journal, AskSettings(), on_progress=tell
        )
    assert told[-1] == (3, 3) and told == sorted(told)


def test_a_key_is_sent_to_its_host_alone_and_never_shown(
    server: ChatServerScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY.key, "sesame-1")
    server.faults = [Fault(401, {}, b"no such key: sesame-1")]
    answers = ask(server, tmp_path, request("tea"))
    assert server.headers[0]["authorization"] == "Bearer sesame-1"
    assert "no such key: ***" in str(answers.error) and "sesame" not in str(answers.error)
    assert "sesame" not in (tmp_path / "journal" / "requests.jsonl").read_text()
    for url, message in (
        ("http://models.example.org/v1", "isn't encrypted"),
        ("https://models.example.org/v1", "set SEARCHCTL_LLM_HOST=models.example.org"),
    ):
        with pytest.raises(ModelServerUnavailable, match=message):
            ChatServer(url, "m")
    monkeypatch.setenv(KEY.host, "models.example.org")
    ChatServer("https://models.example.org/v1", "m")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://host/v1", "http://ann:pw@host/v1", "http://host/v1?key=pw"])
def test_an_address_that_cannot_be_one_says_how_to_write_it(url: str) -> None:
    with pytest.raises(UsageError, match="write --llm http://host:port/v1 --model NAME"):
        ChatServer(url, "m")
