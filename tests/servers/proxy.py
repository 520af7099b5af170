"""A proxy before a server that can refuse, break off, answer late or take only small requests, as a test tells it."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

_HOP = ("connection", "keep-alive", "transfer-encoding", "host", "content-length")


@dataclass(frozen=True, slots=True)
class Request:
    """What a fault is decided by: `size` is the body's length in bytes."""

    method: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this status and error, without asking the server."""

    status: int
    error: str = '{"type":"made_up","reason":"the proxy refuses"}'


@dataclass(frozen=True, slots=True)
class BreakOff:
    """Ask the server, then send half of its answer and reset the connection."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Don't answer until the proxy is closed."""


@dataclass(frozen=True, slots=True)
class Give:
    """Answer this without asking the server, as what the server lacks here."""

    status: int
    headers: Mapping[str, str]
    body: str


Fault = Refuse | BreakOff | Hang | Give | None


class Proxy:
    """Listens on 127.0.0.1 while the context is open. `requests` are all it saw, `done` those it is through with.

    `faults` says what becomes of each.
    """

    def __init__(self, target: str, faults: Callable[[Request], Fault] = lambda request: None) -> None:
        self.faults = faults
        self.requests: list[Request] = []
        self.done: list[Request] = []
        self.closing = threading.Event()
        self._target = urlsplit(target)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def answer(self) -> None:
                proxy.answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        request = Request(handler.command, handler.path, len(body))
        self.requests.append(request)
        try:
            self._answer(handler, body, self.faults(request))
        finally:
            self.done.append(request)

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes, fault: Fault) -> None:
        if isinstance(fault, Hang):
            self.closing.wait(60)
            handler.close_connection = True
        elif isinstance(fault, Refuse):
            text = f'{{"error":{fault.error},"status":{fault.status}}}'.encode()
            self._send(handler, fault.status, {"content-type": "application/json"}, text)
        elif isinstance(fault, Give):
            given = {"content-type": "application/json", **fault.headers}
            self._send(handler, fault.status, given, b"" if handler.command == "HEAD" else fault.body.encode())
        else:
            status, headers, text = self._ask(handler, body)
            self._send(handler, status, headers, text, half=isinstance(fault, BreakOff))

    def _ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        assert self._target.hostname is not None
        connection = http.client.HTTPConnection(self._target.hostname, self._target.port, timeout=120)
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in _HOP}
        try:
            connection.request(handler.command, handler.path, body or None, headers)
            reply = connection.getresponse()
            kept = {name.lower(): value for name, value in reply.getheaders() if name.lower() not in _HOP}
            return reply.status, kept, reply.read()
        finally:
            connection.close()

    def _send(self, handler: Any, status: int, headers: dict[str, str], text: bytes, *, half: bool = False) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text[: len(text) // 2] if half else text)
        if half:
            handler.wfile.flush()
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
