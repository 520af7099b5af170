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
from searchctl.ingest.copying import Monitor
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
    in_place: bool = False

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
    *,
    in_place: bool = False,
    **options: Any,
) -> Shop:
    """Make the shop's index anew and give its documents vectors."""
    shop = Shop(url, family, index, in_place)
    shop.ask("DELETE", f"/{index},searchctl-vectors-{index}?ignore_unavailable=true")

    def send(method: str, path: str, body: Any) -> Any:
        answer = shop.ask(method, path, body)
        assert answer.status < 300, answer.raw
        return answer.json

    fill(send, index, knn=family == "opensearch", **options)
    engine = open_engine(url)
    try:
        opened = open_encoder(encoder)
        reading = Reading("name", texts)
        ForeignIndex(engine, index, encoder_stamp(encoder, opened), opened, reading, in_place=in_place).run(Monitor())
    finally:
        engine.close()
    return shop


@pytest.fixture(scope="session")
def _shops() -> dict[str, Shop]:
    return {}


def _in_place(name: str) -> Any:
    return pytest.param(f"{name} in place", marks=server_param(name).marks, id=f"{name}-in-place")


@pytest.fixture(params=[*map(server_param, SERVERS), _in_place("opensearch-2"), _in_place("elasticsearch-9")])
def shop(request: pytest.FixtureRequest, _shops: dict[str, Shop]) -> Shop:
    """Each server in turn, with the index; its vectors lie beside it or in it."""
    if request.param not in _shops:
        name, _, where = request.param.partition(" ")
        family: Family = "opensearch" if name.startswith("opensearch") else "elasticsearch"
        index = f"{INDEX}-in-place" if where else INDEX
        _shops[request.param] = make(server_url(request, name), family, index, in_place=bool(where))
    return _shops[request.param]


@pytest.fixture
def gateway(shop: Shop) -> Iterator[Callable[..., Running]]:
    """A function that starts a gateway before the shop's server."""
    with ExitStack() as stack:

        def start(settings: GatewaySettings | None = None, upstream: str | None = None, **options: Any) -> Running:
            options.setdefault("family", shop.family)
            return stack.enter_context(Running(upstream or shop.url, settings, **options))

        yield start
