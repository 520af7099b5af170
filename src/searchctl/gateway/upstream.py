"""The servers behind the gateway: nothing else is ever reached. One connection pool, several hosts, TLS."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, Sequence
from typing import Any

import aiohttp
from yarl import URL

from searchctl.engines import server_access
from searchctl.errors import UsageError
from searchctl.settings.connection import Connection

_CONNECT_SECONDS = 5.0
_DEAD_SECONDS = 10.0  # a host that failed is asked last for so long
_CONNECTIONS = 1000
_SKIPPED = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class UpstreamDownError(Exception):
    """No server can be connected to."""


class Upstream:
    """One cluster. Open it inside the event loop with `start`."""

    def __init__(self, connection: Connection) -> None:
        self.hosts = connection.addresses()
        if not self.hosts:
            raise UsageError("the gateway has no server; type --engine opensearch://HOST:9200")
        if connection.aws_service:
            raise UsageError(
                "the gateway can't sign requests for AWS yet; let the app reach the server itself, or wrap its client: hybrid(client)"
            )
        self.own, self._context = server_access(connection)
        self._turn = 0
        self._dead: dict[str, float] = {}
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Open the connection pool."""
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=self._context, keepalive_timeout=50.0)
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            skip_auto_headers=_SKIPPED,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            trust_env=False,
        )

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes | AsyncIterable[bytes] | None
    ) -> aiohttp.ClientResponse:
        """Ask the hosts in turn until one can be connected to; the answer's body isn't read yet. Raises UpstreamDownError."""
        assert self._session is not None
        failure: Exception | None = None
        for host in self._order():
            sent = _Watched(body) if body is not None and not isinstance(body, bytes) else None
            data: Any = sent if sent is not None else body
            try:
                answer = await self._session.request(
                    method, URL(host + target, encoded=True), headers=headers, data=data, allow_redirects=False
                )
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                self._dead[host] = time.monotonic() + _DEAD_SECONDS
                failure = error
                if sent is not None and sent.begun:
                    break
                continue
            except aiohttp.ServerDisconnectedError as error:
                raise UpstreamDownError(str(error)) from error
            self._dead.pop(host, None)
            return answer
        raise UpstreamDownError(str(failure)) from failure

    def _order(self) -> list[str]:
        self._turn += 1
        turned = [self.hosts[(self._turn + place) % len(self.hosts)] for place in range(len(self.hosts))]
        now = time.monotonic()
        return sorted(turned, key=lambda host: self._dead.get(host, 0.0) > now)


class _Watched:
    """A body that is sent as it comes, and knows whether any of it was."""

    def __init__(self, body: AsyncIterable[bytes]) -> None:
        self._body = body
        self.begun = False

    async def __aiter__(self) -> Any:
        self.begun = True
        async for piece in self._body:
            yield piece
