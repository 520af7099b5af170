"""Running the gateway: opened, drained at the end, with what it needs loaded before the first search."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import aiohttp
from aiohttp import web

from searchctl.engines import open_engine
from searchctl.errors import ConfigError, IndexFormatError, UsageError
from searchctl.gateway.encoding import QueryEncoder
from searchctl.gateway.hybrid import Hybrid
from searchctl.gateway.policies import Policies
from searchctl.gateway.proxy import Gateway
from searchctl.gateway.relay import Passed
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.steps import Encode
from searchctl.gateway.target import META
from searchctl.gateway.upstream import Upstream, UpstreamDownError
from searchctl.gateway.writes import EngineOpener, WrittenVectors
from searchctl.schema import EncoderStamp, Schema
from searchctl.settings.connection import Connection, Family

_log = logging.getLogger(__name__)
_DRAIN_SECONDS = 30.0
_HEADER_BYTES = 64 * 1024


async def run_gateway(
    settings: GatewaySettings,
    connection: Connection,
    family: Family | None,
    *,
    ready: Callable[[str], None],
    stop: asyncio.Event | None = None,
    encoder: QueryEncoder | None = None,
) -> None:
    """Serve until `stop` is set or a signal ends it; what is being answered is finished. `ready` is told the address."""
    upstream = Upstream(connection)
    hybrid = Hybrid(settings.policies, family=family, budget_ms=settings.budget_ms, encoder=encoder)
    written = WrittenVectors(_opener(connection, family), hybrid.encoder) if settings.embed_writes else None
    gateway = Gateway(settings, upstream, hybrid, written)
    upstream.start()
    stopped = stop or asyncio.Event()
    runner = web.AppRunner(
        application(gateway),
        access_log=None,
        handle_signals=False,
        auto_decompress=False,
        handler_cancellation=True,
        shutdown_timeout=_DRAIN_SECONDS,
        max_line_size=_HEADER_BYTES,
        max_field_size=_HEADER_BYTES,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, ssl_context=_context(settings), backlog=1024)
        await _start(site, settings)
        _on_signals(stopped)
        gateway.later(_open_encoders(upstream, hybrid))
        port = runner.addresses[0][1]
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        ready(f"{'https' if settings.certificate else 'http'}://{shown}:{port}")
        await stopped.wait()
        gateway.draining = True
        await site.stop()
    finally:
        await runner.cleanup()
        await gateway.close()


def serve(
    settings: GatewaySettings, connection: Connection, family: Family | None, ready: Callable[[str], None]
) -> None:
    """Serve until a signal ends it."""
    asyncio.run(run_gateway(settings, connection, family, ready=ready))


def _opener(connection: Connection, family: Family | None) -> EngineOpener:
    """Return what opens the server for the gateway's own writes of vectors."""
    hosts = connection.addresses()
    url = family or ",".join(hosts)
    return lambda: open_engine(url, replace(connection, hosts=hosts, cloud_id=None))


async def _open_encoders(upstream: Upstream, hybrid: Hybrid) -> None:
    """Open the encoders that are sure to be needed, so that no search waits for that; best effort."""
    headers = [("Authorization", upstream.own)] if upstream.own else []
    try:
        answer = await upstream.send("GET", "/_mapping?filter_path=*.mappings._meta.searchctl", headers, None)
        async with answer:
            described = json.loads(await answer.read()) if answer.status == 200 else {}
    except (UpstreamDownError, aiohttp.ClientError, ValueError) as error:
        _log.warning("no server answers yet: %s", error)
        return
    for stamp in needed_encoders(described if isinstance(described, dict) else {}, hybrid.policies):
        hybrid.encoder.submit(Encode(stamp, "ready"))


def needed_encoders(described: Mapping[str, Any], policies: Policies) -> set[EncoderStamp]:
    """Return the encoders that apps are sure to ask for: of the indexes that the settings name, or the only one of apps' indexes.

    `described` holds the mapping of every index, vectors' companions among them. Others are opened by the first search.
    """
    stamps: dict[str, EncoderStamp] = {}
    for name, index in described.items():
        with suppress(IndexFormatError, KeyError, TypeError):
            schema = Schema.from_json(index["mappings"]["_meta"][META])
            if schema.encoder is not None and schema.layout is not None:
                stamps[name] = schema.encoder
    if policies.patterns:
        asked = [
            f"*{pattern}*" for pattern, policy in policies.patterns if policy.mode != "off"
        ]  # a companion's is longer
        return {stamp for name, stamp in stamps.items() if any(fnmatchcase(name, pattern) for pattern in asked)}
    everything = set(stamps.values())
    return everything if len(everything) == 1 and policies.usual.mode != "off" else set()


def application(gateway: Gateway) -> web.Application:
    """Return the application: one handler for all."""
    server = web.Application(client_max_size=0)
    server.router.add_route("*", "/{path:.*}", gateway.handle)
    server.on_response_prepare.append(_bare)
    return server


async def _bare(request: web.Request, response: web.StreamResponse) -> None:
    """Take away the headers that aiohttp adds of its own to what goes through."""
    if isinstance(response, Passed):
        for name in ("Date", "Server", "Content-Type"):
            if name.lower() not in response.names and name in response.headers:
                del response.headers[name]
    elif response.headers.get("Server", "").startswith("Python/"):
        del response.headers["Server"]


async def _start(site: web.TCPSite, settings: GatewaySettings) -> None:
    try:
        await site.start()
    except OSError as error:
        raise UsageError(
            f"can't listen on {settings.host}:{settings.port} ({error.strerror or error}); choose another --listen"
        ) from error


def _context(settings: GatewaySettings) -> ssl.SSLContext | None:
    if settings.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"can't read the certificate {settings.certificate} and its key: {error}") from error
    return context


def _on_signals(stopped: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stopped.set)
        except (NotImplementedError, RuntimeError, ValueError):  # no main thread, or Windows
            return
