"""A server that speaks `/v1/embeddings`, over real sockets, with the hashing encoder's vectors; and with faults when told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from searchctl.encoders.hashing import HashingEncoder
from searchctl.types import Vectors

Answer = tuple[int, dict[str, str], bytes]
Fault = Callable[[list[str], bytes], "Answer | None"]  # texts and the right answer; None drops the connection


class EmbeddingServer(ThreadingHTTPServer):
    """Answers as it should, but for the next requests, each of which takes one of `faults`."""

    daemon_threads = True

    def __init__(self, dim: int = 64, *, most: int = 1000) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.encode: Callable[[list[str]], Vectors] = HashingEncoder(dim).encode_documents
        self.most = most  # texts in one request
        self.faults: list[Fault] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: EmbeddingServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append(body)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        texts = body["input"]
        rows = [
            {"object": "embedding", "index": index, "embedding": (3 * vector).tolist()}
            for index, vector in enumerate(self.server.encode(texts))
        ]
        right = json.dumps({"object": "list", "data": rows[::-1]}).encode()  # the order is told by `index`
        answer: Answer | None = (200, {}, right)
        if len(texts) > self.server.most:
            answer = (413, {}, b"too many")
        elif self.server.faults:
            answer = self.server.faults.pop(0)(texts, right)
        if answer is None:
            self.connection.close()
            return
        status, headers, content = answer
        self.send_response(status)
        for name, value in {"content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving(**settings: Any) -> Iterator[EmbeddingServer]:
    """Run a server in a thread."""
    server = EmbeddingServer(**settings)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
