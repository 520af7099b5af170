"""The gateway as a server: everything goes through as it came, but searches that can be hybrid are answered by both legs."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import time
from typing import Any

from aiohttp import web

from searchctl.gateway import wire
from searchctl.gateway.app_request import AppRequest
from searchctl.gateway.hybrid import Hybrid
from searchctl.gateway.reasons import SENTENCES, WhyLexical
from searchctl.gateway.recording import Recorder
from searchctl.gateway.relay import PIECE, Relay, error_response, read_up_to, rejoined
from searchctl.gateway.settings import GatewaySettings
from searchctl.gateway.tally import Tally
from searchctl.gateway.upstream import Upstream
from searchctl.gateway.writes import WrittenVectors
from searchctl.types import Json

_log = logging.getLogger(__name__)


class Gateway:
    """Handles requests. Everything that isn't a search is streamed both ways, whatever its size."""

    def __init__(
        self, settings: GatewaySettings, upstream: Upstream, hybrid: Hybrid, written: WrittenVectors | None = None
    ) -> None:
        self.settings = settings
        self.upstream = upstream
        self.hybrid = hybrid
        self.written = written
        self.tally = Tally(metrics=True)
        self.relay = Relay(upstream, self.tally, settings.budget_ms / 1000)
        self.draining = False
        self._recorder = Recorder(settings.record, settings.secrets) if settings.record else None
        self._random = random.Random()  # noqa: S311 - chooses a sample, hides nothing
        self._shadows: set[asyncio.Task[None]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        began = time.monotonic()
        target = request.raw_path
        if not target.startswith("/") or "#" in target or request.method == "CONNECT":
            return error_response(
                400, "illegal_argument_exception", "the gateway takes paths only, as in GET /index/_search"
            )
        route = wire.route(request.method, target)
        if route.kind == "own":
            return self._own(request, route)
        if route.kind in ("bulk", "document") and self.written is not None:
            return await self.relay.write(request, route, self.written, began)
        if route.kind == "refresh" and self.written is not None:
            return await self.relay.refresh(request, self.written, began)
        if route.kind not in ("search", "msearch", "template", "msearch_template"):
            return await self.relay.through(request, request.content.iter_chunked(PIECE), began)
        try:
            forced = wire.switch(request.headers)
        except ValueError as error:
            return error_response(400, "illegal_argument_exception", str(error))
        return await self._searches(request, route, forced, began)

    async def _searches(
        self, request: web.Request, route: wire.RequestRoute, forced: str, began: float
    ) -> web.StreamResponse:
        body, whole = await read_up_to(request.content, wire.MOST_BODY)
        if not whole:
            shown = wire.shown_headers("lexical", WhyLexical("query_too_long", "the request"))
            return await self.relay.through(request, rejoined(body, request.content.iter_chunked(PIECE)), began, shown)
        searches = AppRequest(self, request, route, forced, body, began)
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.write, request.method, request.raw_path, searches.text())
        return await searches.answered()

    def hybrid_for(self, request: web.Request) -> bool:
        """Tell whether a session is among those that get hybrid answers: always the same for one session."""
        share = self.settings.share
        if share >= 1.0:
            return True
        digest = hashlib.blake2b(_session(request).encode("utf-8", "surrogateescape"), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64 < share

    def in_shadow(self) -> bool:
        """Tell whether this search is one of those that are computed both ways."""
        return self.settings.shadow is not None and self._random.random() < self.settings.shadow

    def later(self, work: Any) -> None:
        """Do something behind an answer."""
        task = asyncio.get_running_loop().create_task(work)
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    # The gateway's own addresses

    def _own(self, request: web.Request, route: wire.RequestRoute) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return error_response(405, "illegal_argument_exception", "only GET is known here")
        if route.index == "health":
            status = "draining" if self.draining else "ok"
            health: Json = {"status": status, "open_circuits": self.hybrid.breaker.open}
            return web.json_response(health, status=503 if self.draining else 200)
        if route.index == "metrics":
            text = self.tally.metrics(len(self.hybrid.breaker.open))
            return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
        if route.index == "report":
            report = self.tally.report()
            return web.json_response({**report, "sentences": {name: SENTENCES[name] for name in SENTENCES}})
        return error_response(404, "resource_not_found_exception", f"there are: {wire.OWN}health, metrics, report")

    async def close(self) -> None:
        """Wait for what is done behind answers, and let go of everything."""
        if self._shadows:
            await asyncio.wait(self._shadows, timeout=5.0)
        if self.written is not None:
            await asyncio.to_thread(self.written.close)
        self.hybrid.encoder.close()
        await self.upstream.close()
        if self._recorder is not None:
            self._recorder.close()


def _session(request: web.Request) -> str:
    """Return what stays the same for one visitor, as far as the app tells; its own address otherwise."""
    headers = request.headers
    for name in ("x-searchctl-session", "cookie", "x-forwarded-for"):
        if headers.get(name):
            return headers[name]
    return request.query.get("preference") or request.remote or ""
