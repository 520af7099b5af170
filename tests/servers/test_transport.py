"""What stands between a client and a server: proxies, certificate authorities of the system's choice, client certificates."""

from __future__ import annotations

import http.server
import socket
import socketserver
import ssl
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from elasticsearch import Elasticsearch
from opensearchpy import OpenSearch

from searchctl.engines.rest.client import Client
from searchctl.errors import ConfigError, EngineUnreachable, ServerRefusal, UsageError
from searchctl.settings.connection import Connection

AUTHORITY = trustme.CA()


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers everything with an empty object, and writes down what it was asked."""

    asked: list[str]
    received: list[dict[str, str]]

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.asked.append(f"{self.command} {self.path}")
        self.received.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET

    def do_CONNECT(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_error(502, "the tunnel ends here")

    def log_message(self, *arguments: object) -> None:
        pass


class Quiet(http.server.ThreadingHTTPServer):
    """A failed handshake is the client's to report."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def headers() -> list[dict[str, str]]:
    return []


def serve(
    asked: list[str], context: ssl.SSLContext | None = None, headers: list[dict[str, str]] | None = None
) -> Iterator[int]:
    received = [] if headers is None else headers
    server = Quiet(("127.0.0.1", 0), type("Handler", (Answers,), {"asked": asked, "received": received}))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def port(asked: list[str], headers: list[dict[str, str]]) -> Iterator[int]:
    """A plain server, or a proxy."""
    yield from serve(asked, headers=headers)


@pytest.fixture
def tls_port(asked: list[str]) -> Iterator[int]:
    """A server with a certificate of ours that wants one of ours, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    AUTHORITY.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    yield from serve(asked, context)


@pytest.fixture
def certificate(tmp_path: Path) -> Connection:
    """A client certificate and its key, on disk."""
    made = AUTHORITY.issue_cert("ann@example.org")
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "ann.pem"))
    made.private_key_pem.write_to_path(str(tmp_path / "ann.key"))
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return Connection(client_cert=str(tmp_path / "ann.pem"), client_key=str(tmp_path / "ann.key"))


def client(*hosts: str, **settings: str | None) -> Client:
    return Client(Connection(hosts=hosts, **settings), pause=lambda seconds: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
def test_a_proxy_is_asked_for_hosts_elsewhere(
    port: int, asked: list[str], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{port}")
    with closing(client("opensearch://search.invalid:9200")) as far:
        assert far.request("GET", "/_cat").body == {}
    assert asked == ["GET http://search.invalid:9200/_cat"]


def test_a_proxy_tunnels_tls(port: int, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    with closing(client("opensearchs://search.invalid:9200")) as far, pytest.raises(EngineUnreachable):
        far.request("GET", "/_cat")
    assert asked == ["CONNECT search.invalid:9200"]


@pytest.mark.parametrize("excepted", ["search.invalid", ".invalid", "*"])
def test_no_proxy_is_asked_for_its_exceptions(
    port: int, asked: list[str], excepted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", excepted)
    with closing(client("opensearch://search.invalid:9200")) as far, pytest.raises(EngineUnreachable):
        far.request("GET", "/_cat")
    assert asked == []


def test_this_machine_needs_no_proxy(port: int, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with closing(client(f"opensearch://127.0.0.1:{port}")) as near:
        assert near.request("GET", "/_cat").body == {}
    assert asked == ["GET /_cat"]


def test_a_client_certificate_opens_the_door(tls_port: int, certificate: Connection, tmp_path: Path) -> None:
    authority = str(tmp_path / "authority.pem")
    host = f"opensearchs://localhost:{tls_port}"
    given = {"client_cert": certificate.client_cert, "client_key": certificate.client_key}
    with closing(client(host, ca_certs=authority, **given)) as known:
        assert known.request("GET", "/_cat").body == {}
    with closing(client(host, ca_certs=authority)) as unknown, pytest.raises(EngineUnreachable) as refused:
        unknown.request("GET", "/_cat")
    assert "\n" not in str(refused.value)


def test_the_systems_authorities_may_be_named_by_variable(
    tls_port: int, certificate: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"opensearchs://localhost:{tls_port}"
    given = {"client_cert": certificate.client_cert, "client_key": certificate.client_key}
    with closing(client(host, **given)) as doubting, pytest.raises(EngineUnreachable, match="can't be trusted"):
        doubting.request("GET", "/_cat")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with closing(client(host, **given)) as trusting:
        assert trusting.request("GET", "/_cat").body == {}


def test_a_proxy_may_want_credentials_and_stand_for_all(
    port: int, asked: list[str], headers: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://ann:p%40ss@127.0.0.1:{port}")
    with closing(client("opensearch://search.invalid:9200")) as far:
        assert far.request("GET", "/_cat").body == {}
    assert asked == ["GET http://search.invalid:9200/_cat"]
    assert headers[0]["proxy-authorization"] == "Basic " + b64encode(b"ann:p@ss").decode()


def test_a_socks_proxy_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "urllib3.contrib.socks", None)
    with (
        closing(client("opensearch://search.invalid:9200")) as far,
        pytest.raises(ConfigError, match="pip install pysocks"),
    ):
        far.request("GET", "/_cat")


def socks(target: tuple[str, int], met: list[str]) -> Iterator[int]:
    """Serve SOCKS 5 with a user and a password on this machine; every connection is led to `target`, what was wanted is noted."""

    class Tunnel(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            _, methods = self.rfile.read(2)
            assert 2 in self.rfile.read(methods), "a user and a password are offered"
            self.wfile.write(b"\x05\x02")
            self.rfile.read(1)
            user, password = (self.rfile.read(self.rfile.read(1)[0]).decode() for _ in "up")
            self.wfile.write(b"\x01\x00" if (user, password) == ("ann", "p@ss") else b"\x01\x01")
            if (user, password) != ("ann", "p@ss"):
                return
            kind = self.rfile.read(4)[3]
            host = (
                self.rfile.read(self.rfile.read(1)[0]).decode() if kind == 3 else ".".join(map(str, self.rfile.read(4)))
            )
            met.append(f"{host}:{int.from_bytes(self.rfile.read(2), 'big')}")
            self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))
            with socket.create_connection(target) as far:
                far.sendall(self.connection.recv(65536))
                while data := far.recv(65536):
                    self.wfile.write(data)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def met() -> list[str]:
    return []


@pytest.fixture
def socks_port(port: int, met: list[str]) -> Iterator[int]:
    """A SOCKS proxy before the plain server."""
    yield from socks(("127.0.0.1", port), met)


def test_a_socks_proxy_is_gone_through_with_its_credentials(
    socks_port: int,
    met: list[str],
    asked: list[str],
    headers: list[dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"socks5h://ann:p%40ss@127.0.0.1:{socks_port}")
    with closing(client("opensearch://search.invalid:9200", username="bob", password="word")) as far:
        assert far.request("GET", "/_cat").body == {}
    assert met == ["search.invalid:9200"], "the proxy finds the name's address"
    assert asked == ["GET /_cat"]
    assert headers[0]["authorization"] == "Basic " + b64encode(b"bob:word").decode()
    assert "proxy-authorization" not in headers[0]


def test_a_proxy_that_refuses_is_named_without_its_password(socks_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"socks5h://ann:wrong-word@127.0.0.1:{socks_port}")
    with closing(client("opensearch://search.invalid:9200")) as far, pytest.raises(EngineUnreachable) as refused:
        far.request("GET", "/_cat")
    assert f"it is asked by the proxy socks5h://127.0.0.1:{socks_port}, as the environment says" in str(refused.value)
    assert "wrong-word" not in str(refused.value)


def test_credentials_dont_follow_to_another_address(port: int, asked: list[str]) -> None:
    """A server, or who stands in its place, may send elsewhere; nobody goes there."""

    class Elsewhere(Answers):
        asked = list[str]()
        received = list[dict[str, str]]()

        def do_GET(self) -> None:
            self.send_response(307)
            self.send_header("location", f"http://127.0.0.1:{port}/_cat")
            self.send_header("content-length", "0")
            self.end_headers()

    server = Quiet(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    host = f"http://127.0.0.1:{server.server_address[1]}"
    with (
        closing(client(host, username="ann", password="word")) as near,
        pytest.raises(ServerRefusal, match="sends on to another address"),
    ):
        near.request("GET", "/_cat")
    server.shutdown()
    server.server_close()
    thread.join()
    assert asked == []


def test_a_teams_own_client_brings_its_credentials(port: int, asked: list[str], headers: list[dict[str, str]]) -> None:
    url = f"http://127.0.0.1:{port}"
    pair = ("ann", "secret")
    for theirs in (OpenSearch(url, http_auth=pair), Elasticsearch(url, basic_auth=pair)):
        with closing(Client.of(theirs)) as ours:
            assert ours.request("POST", "/_msearch", b"{}\n").body == {} and ours.url == url
        assert headers[-1]["authorization"] == "Basic " + b64encode(b"ann:secret").decode()
        assert headers[-1]["content-type"] == "application/x-ndjson"
    assert asked == ["POST /_msearch"] * 2


def test_nobody_there_is_said_by_a_teams_own_client_as_by_ours() -> None:
    for theirs in (OpenSearch("http://127.0.0.1:9"), Elasticsearch("http://127.0.0.1:9")):
        with (
            closing(Client.of(theirs)) as ours,
            pytest.raises(EngineUnreachable, match="no server answers at http://127.0.0.1:9"),
        ):
            ours.request("GET", "/")
    with pytest.raises(UsageError, match="no client of OpenSearch"):
        Client.of(object())
    with pytest.raises(UsageError, match="AsyncOpenSearch can't be used"):
        Client.of(type("AsyncOpenSearch", (), {})())
