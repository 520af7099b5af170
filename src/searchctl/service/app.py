"""The HTTP service: every request is checked, answered by an operation in a thread of its own, and counted."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from searchctl.across import names_of
from searchctl.engines.base import Revisions
from searchctl.errors import SearchctlError
from searchctl.service import bodies
from searchctl.service.access import Gatekeeper, Grant, foreign_origin, strange_host
from searchctl.service.indexes import Offer, OpenIndexes
from searchctl.service.limits import RateLimiter, RequestLimits, read_body, read_lines
from searchctl.service.metrics import MEDIA_TYPE as METRICS_TYPE
from searchctl.service.metrics import Metrics
from searchctl.service.openapi import description
from searchctl.service.operations import OPERATIONS, Call, Operation, joined, write_documents
from searchctl.service.problems import Refusal, problem_of

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
_LOG = logging.getLogger("searchctl.service")
_PAGE = Path(__file__).with_name("page")
_ASSETS = frozenset({"page.css", "page.js", "finding.js", "map.js", "words.js", "icon.svg"})
_THREADS = 16  # requests that are answered at the same time
_BULK_LINES = 256
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": _POLICY,
}


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What is offered, to whom, and how much of it. `host` is the address it listens on; `origins` may ask from browsers."""

    offer: Offer
    gatekeeper: Gatekeeper
    host: str = "127.0.0.1"
    origins: tuple[str, ...] = ()
    limits: RequestLimits = field(default_factory=RequestLimits)


def make_app(settings: ServiceSettings) -> Starlette:
    """Return the service as an ASGI application."""
    service = _Service(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        service.close()

    routes = [
        Route("/", service.page),
        Route("/openapi.json", service.openapi),
        Route("/health", service.guarded("health", service.health)),
        Route("/metrics", service.guarded("metrics", service.metrics_text)),
        Route("/static/{name}", service.asset),
        Route("/v1/indexes/{index}/documents", service.guarded("write_documents", service.bulk), methods=["POST"]),
        *(service.route(operation) for operation in OPERATIONS),
    ]
    handlers: Any = {HTTPException: service.http_error, Exception: service.failed}
    shared = [
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "If-None-Match", "X-Request-ID"],
            expose_headers=["ETag", "X-Request-ID"],
        )
    ]
    middleware = shared if settings.origins else []
    return Starlette(routes=_merged(routes), lifespan=lifespan, exception_handlers=handlers, middleware=middleware)


def _merged(routes: list[Any]) -> list[Any]:
    """Return the routes, those of one path made one, so that a wrong method is told from a wrong address."""
    by_path: dict[str, list[Route]] = {}
    merged: list[Any] = []
    for route in routes:
        if isinstance(route, Route) and route.path.startswith("/v1"):
            by_path.setdefault(route.path, []).append(route)
        else:
            merged.append(route)
    return merged + [_one_route(path, own) for path, own in by_path.items()]


def _one_route(path: str, own: list[Route]) -> Route:
    endpoints = {method: route.endpoint for route in own for method in route.methods or ()}

    async def choose(request: Request) -> Response:
        response: Response = await endpoints[request.method](request)
        return response

    return Route(path, choose, methods=sorted(endpoints))


class _Service:
    """The state that all requests share."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._metrics = Metrics()
        self._indexes = OpenIndexes(settings.offer)
        self._rate = RateLimiter(settings.limits.rate)
        self._threads: anyio.CapacityLimiter | None = None
        self._writing = anyio.Lock()
        self._version = version("searchctl")
        self._openapi = bodies.encode(description(self._version))

    def close(self) -> None:
        """Release the indexes."""
        self._indexes.close()

    def route(self, operation: Operation) -> Route:
        """Return the route of an operation."""
        path = operation.path.replace("{id}", "{id:path}")
        return Route(path, self.guarded(operation.name, partial(self._operate, operation)), methods=[operation.method])

    def guarded(self, name: str, handler: Callable[[Request, Grant], Awaitable[Response]]) -> Handler:
        """Return the handler behind the checks that are the same for all, with errors told and requests counted."""

        async def handle(request: Request) -> Response:
            request_id = _request_id(request)
            began = time.perf_counter()
            self._metrics.begin()
            try:
                response = await handler(request, self._admitted(request))
            except Exception as error:
                response = problem_of(error, request_id)
                if response.status_code >= 500:
                    _LOG.error("%s %s: %s", request_id, name, error, exc_info=not isinstance(error, SearchctlError))
            self._metrics.end(name, response.status_code, time.perf_counter() - began)
            return self._finished(response, request_id)

        return handle

    def _admitted(self, request: Request) -> Grant:
        """Return what the caller may do; raises Refusal."""
        host = request.headers.get("host", "")
        if strange_host(host, self._settings.host):
            raise Refusal(403, "forbidden", f"this service answers to localhost, not to '{host[:100]}'")
        if foreign_origin(request.headers.get("origin"), host, self._settings.origins):
            raise Refusal(403, "forbidden", "pages of this origin may not ask; allow it with --origin")
        grant = self._settings.gatekeeper.grant(request.headers.get("authorization"))
        if grant is None:
            raise Refusal(
                401, "unauthorised", "send a token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
            )
        caller = grant.name if self._settings.gatekeeper.needs_token else _address(request)
        self._rate.check(caller)
        return grant

    def _finished(self, response: Response, request_id: str) -> Response:
        response.headers["X-Request-ID"] = request_id
        response.headers.setdefault("Cache-Control", "no-store")
        for name, value in _HEADERS.items():
            response.headers[name] = value
        return response

    async def _operate(self, operation: Operation, request: Request, grant: Grant) -> Response:
        path = {name: str(value) for name, value in request.path_params.items()}
        self._check_right(operation.right, path.get("index"), grant)
        asked = await self._asked(operation, request)
        call = Call(self._indexes, self._metrics, grant, path, asked)
        tag = await self._tag(request, path.get("index")) if operation.follows_index else None
        if tag is not None and tag == request.headers.get("if-none-match"):
            return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})
        run = self._in_turn if operation.right == "write" else self._in_thread
        body = await run(operation.handle, call)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"} if tag else None
        return Response(bodies.encode(body), media_type="application/json", headers=headers)

    def _check_right(self, right: Any, index: str | None, grant: Grant) -> None:
        if right is None or index is None:
            return
        if not grant.allows(index, "read"):  # not told from an index that isn't there
            raise Refusal(403, "forbidden", f"the token doesn't allow reading index '{index[:100]}'")
        if not grant.allows(index, right):
            cure = "start it with --writable" if not self._settings.gatekeeper.needs_token else "ask for another token"
            raise Refusal(403, "forbidden", f"index '{index[:100]}' can't be changed here; {cure}")

    async def _asked(self, operation: Operation, request: Request) -> Any:
        """Return the request's question in the operation's type; raises Refusal, ValidationError."""
        if operation.asked is None:
            return None
        if operation.method == "GET":
            items = request.query_params.multi_items()
            if len({name for name, _ in items}) < len(items):
                raise Refusal(400, "wrong-request", "a parameter is given twice")
            return msgspec.convert(dict(items), operation.asked, strict=False)
        _check_type(request, "application/json")
        raw = await read_body(request, self._settings.limits.body)
        if operation.asked is not bodies.DocumentBody:
            return msgspec.json.decode(raw, type=operation.asked)
        document = _json_object(raw)
        msgspec.convert(document, bodies.DocumentBody)
        return document

    async def _tag(self, request: Request, index: str | None) -> str | None:
        """Return an ETag for a reading request: another one after each change of the index. None where that isn't known."""
        engine = self._indexes.engine
        if request.method != "GET" or index is None or not isinstance(engine, Revisions):
            return None
        revision = [await self._in_thread(engine.revision, name) for name in names_of(index)]
        text = f"{revision!r} {request.url.path}?{request.url.query}"
        return f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(_THREADS)
        return await anyio.to_thread.run_sync(partial(function, *arguments), limiter=self._threads)

    async def _in_turn(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run what changes an index, one change after another."""
        async with self._writing:
            return await self._in_thread(function, *arguments)

    async def bulk(self, request: Request, grant: Grant) -> Response:
        """Store the documents of a JSON Lines body, as they come."""
        name = str(request.path_params["index"])
        self._check_right("write", name, grant)
        _check_type(request, "application/x-ndjson")
        index = await self._in_thread(self._indexes.index, name)
        limits, reports = self._settings.limits, [bodies.WriteReport(0, 0, [])]
        batch: list[tuple[int, dict[str, Any]]] = []
        number = 0
        async for line in read_lines(request, limits.bulk, limits.line):
            number += 1
            if not line.strip():
                continue
            try:
                batch.append((number, _json_object(line)))
            except msgspec.DecodeError as error:
                reports.append(bodies.WriteReport(0, 0, [bodies.FailureBody(number, None, f"{error}")]))
            if len(batch) >= _BULK_LINES:
                reports.append(await self._write(index, batch))
                batch = []
        reports.append(await self._write(index, batch))
        return Response(bodies.encode(joined(reports)), media_type="application/json")

    async def _write(self, index: Any, batch: list[tuple[int, dict[str, Any]]]) -> bodies.WriteReport:
        if not batch:
            return bodies.WriteReport(0, 0, [])
        report: bodies.WriteReport = await self._in_turn(write_documents, index, batch)
        return report

    async def health(self, request: Request, grant: Grant) -> Response:
        """Ask the engine for its indexes: what fails there fails here."""
        await self._in_thread(self._indexes.names)
        body = bodies.HealthBody("ok", self._indexes.engine.name, self._version)
        return Response(bodies.encode(body), media_type="application/json")

    async def metrics_text(self, request: Request, grant: Grant) -> Response:
        """Return the counters for Prometheus."""
        return Response(self._metrics.text(), media_type=METRICS_TYPE)

    async def page(self, request: Request) -> Response:
        """Return the page."""
        return self._finished(FileResponse(_PAGE / "index.html"), _request_id(request))

    async def asset(self, request: Request) -> Response:
        """Return one of the page's files."""
        name = str(request.path_params["name"])
        if name not in _ASSETS:
            raise HTTPException(404)
        response = FileResponse(_PAGE / name, headers={"Cache-Control": "no-cache"})
        return self._finished(response, _request_id(request))

    async def openapi(self, request: Request) -> Response:
        """Return the description of the API."""
        response = Response(self._openapi, media_type="application/json")
        return self._finished(response, _request_id(request))

    async def http_error(self, request: Request, error: Exception) -> Response:
        """Tell of an address or method that isn't there."""
        assert isinstance(error, HTTPException)
        kind = {404: "no-such-path", 405: "method"}.get(error.status_code, "wrong-request")
        told = Refusal(error.status_code, kind, f"{request.method} {request.url.path[:200]}", dict(error.headers or {}))
        return self._finished(problem_of(told, _request_id(request)), _request_id(request))

    async def failed(self, request: Request, error: Exception) -> Response:
        """Tell of an error that no handler expected."""
        return self._finished(problem_of(error, _request_id(request)), _request_id(request))


def _request_id(request: Request) -> str:
    """Return the caller's id of the request, if it is harmless, or a new one."""
    given = request.headers.get("x-request-id", "")
    return given if re.fullmatch(r"[\w.-]{1,64}", given, re.ASCII) else secrets.token_hex(8)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _check_type(request: Request, wanted: str) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != wanted:
        raise Refusal(415, "wrong-request", f"the body has to be {wanted}, found '{given[:100]}'")


def _json_object(raw: bytes) -> dict[str, Any]:
    """Return a JSON object; raises DecodeError for anything else, also for numbers that JSON doesn't have."""
    value = msgspec.json.decode(raw)
    if not isinstance(value, dict):
        raise msgspec.ValidationError(f"expected an object, found {json.dumps(value)[:60]}")
    return value
