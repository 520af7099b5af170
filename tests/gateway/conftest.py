"""A shop's index with vectors on each server, made once, and gateways before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from searchctl.encoders import open_encoder
from searchctl.engines import open_engine
from searchctl.gateway.settings import GatewaySettings
from searchctl.index import encoder_stamp
from searchctl.ingest.copying import Watch
from searchctl.lifecycle.foreign import ForeignIndex, Reading
from searchctl.settings.connection import Family
from tests.gateway.running import Answered, Running, ask
from tests.gateway.shop import fill
from tests.servers.parameters import SERVERS, server_param, server_url

Json = dict[str, Any]
INDEX = "gateway-shop"


@dataclass(frozen=True)
class Shop:
    """A server with the shop's index, whose documents have vectors."""

    url: str
    family: Family
    index: str = INDEX

    def ask(self, method: str, path: str, body: Any = None, **parameters: str) -> Answered:
        return ask(self.url, method, path, body, parameters)

    def search(self, body: Json, **parameters: str) -> Json:
        return dict(self.ask("POST", f"/{self.index}/_search", body, **parameters).json)


def make(
    url: str,
    family: Family,
    index: str,
    encoder: str = "hashing:64",
    texts: tuple[str, ...] = ("description", "bullets"),
    **options: Any,
) -> Shop:
    """Make the shop's index anew and give its documents vectors."""
    shop = Shop(url, family, index)
    shop.ask("DELETE", f"/{index}?ignore_unavailable=true")

    def send(method: str, path: str, body: Any) -> Any:
        answer = shop.ask(method, path, body)
        assert answer.status < 300, answer.raw
        return answer.json

    fill(send, index, knn=family == "opensearch", **options)
    engine = open_engine(url)
    try:
        opened = open_encoder(encoder)
        reading = Reading("name", texts)
        ForeignIndex(engine, index, encoder_stamp(encoder, opened), opened, reading).run(Watch())
    finally:
        engine.close()
    return shop


@pytest.fixture(scope="session")
def _shops() -> dict[str, Shop]:
    return {}


@pytest.fixture(params=[server_param(name) for name in SERVERS])
def shop(request: pytest.FixtureRequest, _shops: dict[str, Shop]) -> Shop:
    """Each server in turn, with the index."""
    name = request.param
    if name not in _shops:
        family: Family = "opensearch" if name.startswith("opensearch") else "elasticsearch"
        _shops[name] = make(server_url(request, name), family, INDEX)
    return _shops[name]


@pytest.fixture
def gateway(shop: Shop) -> Iterator[Callable[..., Running]]:
    """A function that starts a gateway before the shop's server."""
    with ExitStack() as stack:

        def start(settings: GatewaySettings | None = None, upstream: str | None = None, **options: Any) -> Running:
            options.setdefault("family", shop.family)
            return stack.enter_context(Running(upstream or shop.url, settings, **options))

        yield start
