"""A gateway that runs in this process, on a free port, while a test asks it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import urllib3

from searchctl.gateway.encoding import QueryEncoder
from searchctl.gateway.serve import run_gateway
from searchctl.gateway.settings import GatewaySettings
from searchctl.settings.connection import Connection, Family, server_connection
from tests.servers.proxy import Fault, Give, Request

Json = dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """An answer: status, headers by lower-case name, and the body as it came and as JSON (None where it isn't)."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    @property
    def mode(self) -> str | None:
        return self.headers.get("x-searchctl-mode")

    @property
    def reason(self) -> str | None:
        return self.headers.get("x-searchctl-reason")

    @property
    def ids(self) -> list[str]:
        return [hit["_id"] for hit in self.json["hits"]["hits"]]


def ask(
    base: str,
    method: str,
    path: str,
    body: Any = None,
    parameters: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Send a request: a list is sent as lines, bytes as they are."""
    given = dict(headers or {})
    data: bytes | None = None
    if isinstance(body, bytes):
        data = body
    elif isinstance(body, list):
        data = "".join(json.dumps(line) + "\n" for line in body).encode()
        given.setdefault("content-type", "application/x-ndjson")
    elif body is not None:
        data = json.dumps(body).encode()
    if data is not None:
        given.setdefault("content-type", "application/json")
    target = f"{base}{path}{'?' + urlencode(parameters) if parameters else ''}"
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request(method, target, body=data, headers=given, timeout=60.0, redirect=False)
    return Answered(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)


def says_what_it_is(request: Request) -> Fault:
    """Answer `GET /` as Elasticsearch does: the nodes assembled for tests haven't that one module, and some libraries ask."""
    info = {"name": "walk", "version": {"number": "8.19.0"}, "tagline": "You Know, for Search"}
    return Give(200, {"X-Elastic-Product": "Elasticsearch"}, json.dumps(info)) if request.path == "/" else None


class Running:
    """A gateway before `upstream`; use as a context."""

    def __init__(
        self,
        upstream: str,
        settings: GatewaySettings | None = None,
        *,
        family: Family | None = None,
        connection: Connection | None = None,
        encoder: QueryEncoder | None = None,
    ) -> None:
        self._encoder = encoder
        self.settings = replace(settings or GatewaySettings(), port=0)
        self._connection = server_connection(upstream, connection)
        self._family = family
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self.url = ""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._ready.wait(30)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join(40)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        """Ask it to end."""
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        return ask(self.url, method, path, body, parameters, headers)

    def _run(self) -> None:
        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            await run_gateway(
                self.settings,
                self._connection,
                self._family,
                ready=self._told,
                stop=self._stop,
                encoder=self._encoder,
            )

        try:
            asyncio.run(main())
        except BaseException as error:  # the test has to hear of it
            self._failure = error
            self._ready.set()

    def _told(self, address: str) -> None:
        self.url = address
        self._ready.set()
