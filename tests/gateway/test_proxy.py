"""What goes through the gateway, byte for byte and whatever its size, and what doesn't: before a small server of its own."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
import urllib3

from searchctl.errors import UsageError
from searchctl.gateway.settings import GatewaySettings
from searchctl.settings.connection import Connection
from tests.gateway.running import Running, ask

PIECE = bytes(range(256)) * 256


class Echo(BaseHTTPRequestHandler):
    """Says what it was asked; some paths misbehave."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]] = []

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self) -> None:
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        Echo.seen.append((self.command, self.path, headers, body[:1000]))
        path = urlsplit(self.path).path
        if path == "/half":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 500)
            self.close_connection = True
            return
        if path == "/slow":
            time.sleep(1.5)
        if path == "/big":
            self._chunked(400)
            return
        text = json.dumps({"method": self.command, "path": self.path, "bytes": len(body)}).encode()
        if headers.get("accept-encoding") == "gzip":
            text = gzip.compress(text)
        self.send_response_only(418 if path == "/teapot" else 200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Warning", '299 - "one"')
        self.send_header("Warning", '299 - "two"')
        if headers.get("accept-encoding") == "gzip":
            self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") == "chunked":
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _chunked(self, pieces: int) -> None:
        self.send_response_only(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(pieces):
            self.wfile.write(f"{len(PIECE):x}\r\n".encode() + PIECE + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = answer


@contextmanager
def echoing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    with echoing() as url:
        yield url


@pytest.fixture(scope="module")
def running(echo: str) -> Iterator[Running]:
    with Running(echo, family="opensearch") as gateway:
        yield gateway


def test_requests_and_answers_go_through_as_they_are(running: Running, echo: str) -> None:
    for method, path in (
        ("GET", "/"), ("GET", "/_cat/indices?v&h=index"), ("PUT", "/a%2Fb/_doc/%D0%B6?refresh"), ("DELETE", "/x"),
        ("POST", "/x/_count"), ("OPTIONS", "/x"), ("GET", "/teapot"), ("GET", "/a//c?x=%20+y&x=1"),
    ):  # fmt: skip
        direct, through = ask(echo, method, path, b"{}"), running.ask(method, path, b"{}")
        assert (through.status, through.raw) == (direct.status, direct.raw)
        assert through.headers == direct.headers, path
    raw(running.url, b"GET /a//b/../%2e%2E/c?x=%20+y&x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert Echo.seen[-1][1] == "/a//b/../%2e%2E/c?x=%20+y&x=1"


def test_head_has_headers_and_no_body(running: Running, echo: str) -> None:
    direct, through = ask(echo, "HEAD", "/x"), running.ask("HEAD", "/x")
    assert through.raw == b"" and through.headers == direct.headers


def test_who_asks_and_compression_go_through(running: Running) -> None:
    given = {"authorization": "ApiKey abc", "x-opaque-id": "7", "cookie": "a=b", "accept-encoding": "gzip"}
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request(
            "POST", f"{running.url}/x/_doc", body=gzip.compress(b"{}"), decode_content=False,
            headers={**given, "content-encoding": "gzip", "content-type": "application/json"},
        )  # fmt: skip
    assert gzip.decompress(answer.data).startswith(b'{"method"')
    method, path, headers, body = Echo.seen[-1]
    assert (method, path, gzip.decompress(body)) == ("POST", "/x/_doc", b"{}")
    assert {name: headers[name] for name in given} == given and headers["content-encoding"] == "gzip"


def test_large_bodies_are_streamed_both_ways(running: Running) -> None:
    with urllib3.PoolManager(retries=False) as pool:
        sent = pool.request("POST", f"{running.url}/x/_bulk", body=(PIECE for _ in range(400)))
        assert json.loads(sent.data)["bytes"] == 400 * len(PIECE)
        got = pool.request("GET", f"{running.url}/big", preload_content=False)
        total = sum(len(piece) for piece in got.stream(2**16))
    assert total == 400 * len(PIECE)


def test_a_search_too_large_to_be_read_goes_through(running: Running) -> None:
    body = b'{"query": {"match": {"a": "' + b"x" * (9 * 2**20) + b'"}}}'
    answer = running.ask("POST", "/x/_search", body)
    assert answer.json["bytes"] == len(body) and answer.reason == "query_too_long"


def test_half_an_answer_is_not_made_whole(running: Running) -> None:
    with urllib3.PoolManager(retries=False) as pool, pytest.raises(urllib3.exceptions.HTTPError):
        pool.request("GET", f"{running.url}/half")


def test_the_gateway_has_addresses_of_its_own(running: Running) -> None:
    running.ask("POST", "/x/_search", {"query": {"term": {"a": 1}}})
    assert running.ask("GET", "/_searchctl/health").json == {"status": "ok", "open_circuits": []}
    report = running.ask("GET", "/_searchctl/report").json
    assert report["reasons"]["no_text"] >= 1 and report["modes"]["lexical"] >= 1
    metrics = running.ask("GET", "/_searchctl/metrics").raw.decode()
    assert 'searchctl_gateway_searches_total{mode="lexical",reason="no_text"}' in metrics
    assert running.ask("GET", "/_searchctl/other").status == 404
    assert running.ask("POST", "/_searchctl/health", {}).status == 405


def raw(url: str, request: bytes) -> bytes:
    """Send bytes and return what comes back."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        connection.settimeout(3)
        found = b""
        try:
            while piece := connection.recv(65536):
                found += piece
        except TimeoutError:
            pass
        return found


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET http://127.0.0.1:1/secret HTTP/1.1",
        b"CONNECT 127.0.0.1:1 HTTP/1.1",
        b"GET secret HTTP/1.1",
        b"GET /a#b HTTP/1.1",
    ],
)
def test_only_the_configured_server_is_reachable(running: Running, request_line: bytes) -> None:
    before = len(Echo.seen)
    answer = raw(running.url, request_line + b"\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.split(b" ", 2)[1] in (b"400", b"404") and len(Echo.seen) == before


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: x, chunked, y\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length : 5\r\n",
        b"X-A: b\x00c\r\n",
    ],
)
def test_requests_that_two_servers_might_read_differently_are_refused(running: Running, headers: bytes) -> None:
    before = len(Echo.seen)
    answer = raw(
        running.url, b"POST /x/_doc HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
    )
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")) or answer == b""
    assert not any(path == "/smuggled" for _, path, _, _ in Echo.seen[before:])


def test_a_dead_server_is_told_and_another_host_is_asked(echo: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Running(dead, family="opensearch") as alone:
            answer = alone.ask("GET", "/")
            assert answer.status == 502 and answer.json["error"]["type"] == "searchctl_upstream_unreachable"
            assert alone.ask("GET", "/_searchctl/health").status == 200
        with Running(f"{dead},{echo}", family="opensearch") as both:
            assert [both.ask("POST", "/x/_doc", {}).status for _ in range(4)] == [200] * 4


def test_what_is_being_answered_is_finished_before_it_ends(echo: str) -> None:
    found: list[int] = []
    with Running(echo, family="opensearch") as gateway:
        asking = threading.Thread(target=lambda: found.append(gateway.ask("GET", "/slow").status))
        asking.start()
        time.sleep(0.5)
        gateway.stop()
        asking.join(10)
    assert found == [200]


def test_tls_towards_apps_and_towards_the_server(tmp_path: Path, echo: str) -> None:
    authority = trustme.CA()
    pair = authority.issue_cert("127.0.0.1")
    files = {name: str(tmp_path / name) for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(files["ca"])
    pair.cert_chain_pems[0].write_to_path(files["cert"])
    pair.private_key_pem.write_to_path(files["key"])
    settings = GatewaySettings(certificate=files["cert"], key=files["key"])
    with Running(echo, settings, family="opensearch") as inner:
        assert inner.url.startswith("https://")
        trusting = Connection(ca_certs=files["ca"])
        with Running(inner.url, family="opensearch", connection=trusting) as outer:
            assert outer.ask("GET", "/x").json["path"] == "/x"
        with Running(inner.url, family="opensearch", connection=Connection(insecure=True)) as lax:
            assert lax.ask("GET", "/x").status == 200
        with Running(inner.url, family="opensearch") as distrustful:
            assert distrustful.ask("GET", "/x").status == 502


def test_a_port_that_is_taken_is_named(echo: str) -> None:
    parts = urlsplit(echo)
    gateway = Running(echo, family="opensearch")
    gateway.settings = GatewaySettings(port=parts.port or 0)
    with pytest.raises(UsageError, match="choose another --listen"), gateway:
        pass


def test_a_share_of_sessions_is_stable(echo: str) -> None:
    with Running(echo, GatewaySettings(share=0.5), family="opensearch") as gateway:
        body = {"query": {"match": {"a": "warm gloves"}}}
        reasons = {}
        for session in range(40):
            asked = {
                gateway.ask("POST", "/x/_search", body, headers={"X-Searchctl-Session": str(session)}).reason
                for _ in range(3)
            }
            assert len(asked) == 1
            reasons[session] = asked.pop()
        chosen = sum(reason != "not_in_share" for reason in reasons.values())
        assert 8 <= chosen <= 32


def test_keys_given_twice_and_other_formats_are_left_to_the_server(running: Running) -> None:
    twice = running.ask("POST", "/x/_search", b'{"query": {}, "query": {"match": {"a": "b"}}}')
    assert twice.reason == "unreadable" and twice.json["bytes"] == 45
    yaml = running.ask("POST", "/x/_search", {"query": {"match": {"a": "b"}}}, headers={"Accept": "application/yaml"})
    assert yaml.reason == "unknown_option"
    double = running.ask("GET", "/x/_search?size=1&size=2")
    assert double.reason == "unknown_option"
