"""A server that speaks `/v1/chat/completions` over real sockets, and answers as a script says; and with faults when told.

Run as a program it answers as a good model would about the demo: `python -m tests.generation.chat_server 8099`.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DEMO = Path(__file__).parents[2] / "ingest" / "demo"
Messages = list[dict[str, str]]
Model = Callable[[Messages], str]


@dataclass(frozen=True)
class Fault:
    """What a server does instead of answering: `status` 0 drops the connection, `content` replaces what the model wrote."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    content: str | None = None
    finish: str = "stop"
    refusal: str = ""
    seconds: float = 0.0


class ChatServerScript(ThreadingHTTPServer):
    """Answers with `model`, but for the next requests, each of which takes one of `faults`; `paid` counts requests by body.

    `refused_settings` are settings of a request that this server doesn't know; `counts` says whether it tells tokens.
    """

    daemon_threads = True

    def __init__(
        self, model: Model, port: int = 0, *, refused_settings: Sequence[str] = (), counts: bool = True
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.model = model
        self.refused_settings = refused_settings
        self.counts = counts
        self.faults: list[Fault] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.paid: Counter[str] = Counter()
        self.seconds = 0.0
        self.mutex = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that were killed."""


class _Handler(BaseHTTPRequestHandler):
    server: ChatServerScript

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with server.mutex:
            server.requests.append(body)
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            server.times.append(time.monotonic())
            for name in server.refused_settings:
                if name in json.dumps({**body, "messages": []}):
                    error = {
                        "error": {"message": f"Unsupported parameter: '{name}' is not supported. {HINTS.get(name, '')}"}
                    }
                    return self._send(400, {}, json.dumps(error).encode())
            fault = server.faults.pop(0) if server.faults else Fault()
        time.sleep(fault.seconds or server.seconds)
        if fault.status == 0:
            return self.connection.close()
        if fault.status != 200 or fault.body:
            return self._send(fault.status, fault.headers, fault.body)
        with server.mutex:
            server.paid[json.dumps(body, sort_keys=True)] += 1
        return self._send(200, {}, json.dumps(self._completion(body, fault)).encode())

    def _completion(self, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
        text = self.server.model(body["messages"]) if fault.content is None else fault.content
        finish = fault.finish
        room = 3 * int(body.get("max_tokens") or body.get("max_completion_tokens") or 1 << 20)
        if len(text) > room:
            text, finish = text[:room], "length"
        message = {"role": "assistant", "content": text, "refusal": fault.refusal or None}
        sent = sum(len(message["content"]) for message in body["messages"])
        usage = {"prompt_tokens": sent // 3, "completion_tokens": len(text) // 3 + 1}
        counted = {"usage": usage} if self.server.counts else {}
        return {"model": body["model"], "choices": [{"message": message, "finish_reason": finish}], **counted}

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


HINTS = {"max_tokens": "Use 'max_completion_tokens' instead."}


@contextmanager
def chatting(model: Model, **settings: Any) -> Iterator[ChatServerScript]:
    """Run a server in a thread."""
    server = ChatServerScript(model, **settings)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class GoodModel:
    """Answers about the demo as a good language model would: with queries, grades and labels that a person wrote.

    Queries are those of `demo_queries.jsonl`; grades those of the demo's judgements, but for one in eight, since no model agrees
    with people always; labels those of the tickets, one in ten of them another.
    """

    def __init__(self) -> None:
        documents = _lines(DEMO / "corpus.jsonl")
        self._texts = {one["_id"]: " ".join(one["text"].split()) for one in documents}
        self._queries = {
            one["document"]: one["queries"] for one in _lines(Path(__file__).parent / "demo_queries.jsonl")
        }
        texts = {one["text"]: one["_id"] for one in _lines(DEMO / "queries.jsonl")}
        rows = [line.split("\t") for line in (DEMO / "qrels" / "test.tsv").read_text().splitlines()[1:]]
        grades = {(query, document): int(grade) for query, document, grade in rows}
        self._grade = lambda query, document: grades.get((texts.get(query, ""), document), 0)
        tickets = _lines(DEMO / "tickets" / "test.jsonl") + _lines(DEMO / "tickets" / "train.jsonl")
        self._label = {one["text"]: one["label"] for one in tickets}

    def __call__(self, messages: Messages) -> str:
        asked = messages[-1]["content"]
        system = messages[0]["content"]
        if '"queries"' in system:
            return json.dumps(
                {"queries": self._queries.get(self._document(asked), ["nothing is known of this"])}, ensure_ascii=False
            )
        if '"grade"' in system:
            query = re.match(r"(?:Query|Запрос): (.*)", asked)
            assert query is not None
            grade = self._grade(query[1], self._document(asked))
            wrong = hash_of(asked) % 8 == 0
            return json.dumps({"reason": "As people judged.", "grade": (0 if grade else 1) if wrong else grade})
        if '"label"' in system:
            message = asked.split("Message: " if "Message: " in asked else "Сообщение: ")[1]
            labels = re.findall(r"^- ([^:\n]+)", asked, re.MULTILINE)
            right = self._label.get(message, "none")
            return json.dumps({"label": labels[0] if hash_of(message) % 10 == 0 else right})
        if '"paraphrases"' in system:
            text = asked.split(": ", 1)[1].splitlines()[0]
            first, *rest = re.split(r"(?<=[.?!,]) ", text)
            turned = " ".join([*rest, first]) if rest else f"{text[:1].lower()}{text[1:]}"
            return json.dumps({"paraphrases": [turned, text]}, ensure_ascii=False)
        seeds = re.findall(r"^- (.*)", asked, re.MULTILINE)
        return json.dumps(
            {"texts": [f"{seed} ({number} times now)" for number, seed in enumerate(seeds, 2)]}, ensure_ascii=False
        )

    def _document(self, asked: str) -> str:
        shown = " ".join(re.split(r"(?:Passage|Отрывок): ", asked)[-1].split())[:100]  # of a long one, a part
        return next((id for id, text in self._texts.items() if shown in text), "")


def hash_of(text: str) -> int:
    """Return a number that is the same in every run."""
    return sum(number * ord(sign) for number, sign in enumerate(text, 1))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    with chatting(GoodModel(), port=int(sys.argv[1])) as running:
        print(running.url, flush=True)
        threading.Event().wait()
