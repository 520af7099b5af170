"""A running service over small indexes, with and without tokens."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from searchctl import Index, Router
from searchctl.service.access import Gatekeeper, read_tokens
from searchctl.service.app import ServiceSettings, make_app
from searchctl.service.indexes import Offer

DOCUMENTS = [
    {
        "id": "returns",
        "title": "Returning an item",
        "text": "Send it back within 30 days. Keep the receipt.",
        "lang": "en",
    },
    {"id": "faq/gift", "title": "Gift cards", "text": "A gift card never expires.", "lang": "en", "price": 10},
    {"id": "vozvrat", "title": "Возврат", "text": "Верните товар в течение 30 дней. Сохраните чек.", "lang": "ru"},
]
TOKENS = """
[[token]]
name = "reader of the shop"
token = "shop-reader-0123456789"
indexes = ["shop"]

[[token]]
name = "keeper of the routes"
token = "routes-keeper-0123456789"
indexes = ["rout*"]
rights = ["read", "write"]
"""
HOST = "http://127.0.0.1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an engine's folder with the indexes `shop` and `routes`."""
    engine = tmp_path / "engine"
    with Index.open(engine, "shop", encoder="hashing:64") as index:
        index.ingest(DOCUMENTS)
    with Router.open(engine, encoder="hashing:64").index as index:
        router = Router(index)
        router.add("billing", ["I was charged twice", "refund my money"])
        router.add("delivery", ["where is my parcel", "the courier did not come"])
    return engine


def client_of(settings: ServiceSettings) -> Iterator[TestClient]:
    """Yield a client of the service, which is closed afterwards."""
    with TestClient(make_app(settings), base_url=HOST, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    """Yield a client of a writable service without tokens."""
    yield from client_of(ServiceSettings(Offer(str(folder)), Gatekeeper([], writable=True)))


@pytest.fixture
def guarded(folder: Path, tmp_path: Path) -> Iterator[TestClient]:
    """Yield a client of a writable service with the two tokens."""
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(TOKENS, encoding="utf-8")
    yield from client_of(ServiceSettings(Offer(str(folder)), Gatekeeper(read_tokens(tokens), writable=True)))


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """Yield the address of a service that runs as its users start it."""
    listen = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "searchctl", "serve", "--engine", str(folder), "--listen", listen, "--writable"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            _wait(f"http://{listen}/health", process)
            yield f"http://{listen}"
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(url, timeout=2) as response:
                assert json.load(response)["status"] == "ok"
        except URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the service didn't start: {process.poll()}")
