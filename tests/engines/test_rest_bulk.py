"""Bulk requests under way at once: how many, which of them wait for others, and what a busy server does to them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from searchctl.engines.rest.bulk import Bulk, BulkPace, delete_action, index_action
from searchctl.engines.rest.client import Client
from searchctl.errors import ServerRefusal
from searchctl.settings.connection import Connection

Items = list[tuple[str, str]]  # what is done, and to which document
Answer = Callable[[Items], int]


class Server(ThreadingHTTPServer):
    """Takes bulk requests as a server does; `answer` says by which status each item, and 400 and above refuses all."""

    daemon_threads = True
    answer: Answer
    requests: list[Items]
    under_way = most_under_way = 0
    lock: threading.Lock


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        lines = self.rfile.read(int(self.headers["content-length"])).splitlines()
        actions = [line for line in map(json.loads, lines) if {"index", "delete"} & line.keys()]
        items = [(kind, where["_id"]) for action in actions for kind, where in action.items()]
        with self.server.lock:
            self.server.requests.append(items)
            self.server.under_way += 1
            self.server.most_under_way = max(self.server.most_under_way, self.server.under_way)
        status = self.server.answer(items)
        with self.server.lock:
            self.server.under_way -= 1
        if status >= 400:
            self.reply(status, {"error": {"type": "made_up", "reason": "refused"}})
            return
        outcomes = {"index": "created", "delete": "deleted"}
        answers = [{kind: {"_id": id, "status": status, "result": outcomes[kind]}} for kind, id in items]
        self.reply(200, {"items": answers})

    def reply(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[Server, Client]]:
    """Yield a server on this machine and a client that notes pauses in place of pausing."""
    server = Server(("127.0.0.1", 0), Handler)
    server.answer, server.requests, server.lock = answer, [], threading.Lock()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    client = Client(Connection(hosts=(f"http://127.0.0.1:{server.server_address[1]}",)), pause=lambda seconds: None)
    try:
        yield server, client
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join()


def test_two_requests_are_under_way_at_first() -> None:
    both = threading.Barrier(2, timeout=60)  # each waits until the other has come as well

    def answer(items: Items) -> int:
        both.wait()
        return 200

    with serving(answer) as (server, client):
        outcomes = Bulk(client, max_actions=5).run("shop", (index_action(f"{n}", {}) for n in range(10)))
    assert [outcome.id for outcome in outcomes] == [f"{n}" for n in range(10)]
    assert server.most_under_way == 2


def test_one_request_at_a_time_where_that_is_asked_for() -> None:
    with serving(lambda items: 200) as (server, client):
        Bulk(client, max_actions=5, in_flight=1).run("shop", (index_action(f"{n}", {}) for n in range(40)))
    assert (len(server.requests), server.most_under_way) == (8, 1)


def test_what_is_done_with_a_document_is_done_in_order() -> None:
    actions = [
        action
        for n in range(30)
        for action in (index_action(f"{n % 7}", {"n": n}), delete_action(f"{n % 3}"), index_action(f"{n}", {"n": n}))
    ]
    order: dict[str, list[str]] = {}
    lock = threading.Lock()

    def answer(items: Items) -> int:
        assert len({id for _, id in items}) == len(items), "an item that is repeated could pass another one by"
        with lock:
            for kind, id in items:
                order.setdefault(id, []).append(kind)
        return 200

    with serving(answer) as (_, client):
        outcomes = Bulk(client, max_actions=4).run("shop", actions)
    assert [outcome.id for outcome in outcomes] == [action.id for action in actions]
    wanted: dict[str, list[str]] = {}
    for action in actions:
        wanted.setdefault(action.id, []).append(next(iter(json.loads(action.lines.splitlines()[0]))))
    assert order == wanted


def test_after_a_fault_nothing_more_is_sent_and_what_is_under_way_is_waited_for() -> None:
    failed = threading.Event()

    def answer(items: Items) -> int:
        if items[0][1] == "0":
            failed.set()
            return 403
        failed.wait(60)
        return 200

    with serving(answer) as (server, client):
        with pytest.raises(Exception, match="refuses the credentials"):
            Bulk(client, max_actions=1).run("shop", (index_action(f"{n}", {}) for n in range(1000)))
        assert server.under_way == 0
    assert len(server.requests) < 1000


def test_a_busy_server_gets_fewer_at_once_and_more_again_when_it_isnt() -> None:
    pace = BulkPace(4)
    assert pace.requests == 2
    for _ in range(20):
        pace.note(busy=False)
    assert pace.requests == 4
    pace.note(busy=True)
    assert pace.requests == 2
    for _ in range(5):
        pace.note(busy=True)
    assert pace.requests == 1
    pace.note(busy=False)
    assert pace.requests == 2


def test_a_request_that_was_refused_as_too_many_counts_as_busy() -> None:
    refusals = iter([429, 429])
    with serving(lambda items: next(refusals, 200)) as (server, client):
        bulk = Bulk(client, max_actions=10)
        bulk.run("shop", [index_action("1", {})])
        assert bulk.pace.requests == 1
    assert len(server.requests) == 3


def test_a_server_that_stays_busy_ends_it() -> None:
    with serving(lambda items: 429) as (_, client), pytest.raises(ServerRefusal, match="HTTP 429"):
        Bulk(client, max_actions=1).run("shop", [index_action("1", {}), index_action("2", {})])


def test_pace_may_be_asked_by_many_threads() -> None:
    pace = BulkPace(4)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: pace.note(busy=number % 5 == 0), range(2000)))
    assert 1 <= pace.requests <= 4
