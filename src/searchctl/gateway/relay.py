"""What goes through the gateway as it came: a request streamed to the server and its answer back, byte for byte."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from searchctl.gateway import wire
from searchctl.gateway.tally import Tally
from searchctl.gateway.upstream import Upstream, UpstreamDownError
from searchctl.gateway.writes import MOST_ANSWER, VectorsOfWrites, WrittenVectors, read_written, wants_refresh

PIECE = 64 * 1024  # bytes that are read at once


class Passed(web.StreamResponse):
    """An answer of the server on its way to the app, with the headers it came with; `names` are these in lower case."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        super().__init__(status=answer.status, reason=answer.reason)
        for name, value in header_pairs(answer.raw_headers):
            if wire.goes_through(name):
                self.headers.add(name, value)
        self.names = frozenset(name.lower() for name in self.headers)


class Relay:
    """Streams requests to the server, whatever their size, and counts them. Writes wait up to `seconds` for their vectors."""

    def __init__(self, upstream: Upstream, tally: Tally, seconds: float) -> None:
        self._upstream, self._tally, self._seconds = upstream, tally, seconds

    async def through(
        self,
        request: web.Request,
        body: AsyncIterator[bytes] | bytes | None,
        began: float,
        shown: Sequence[tuple[str, str]] = (),
    ) -> web.StreamResponse:
        """Stream a request to the server and its answer back, byte for byte."""
        try:
            answer = await self._sent(request, body)
        except (UpstreamDownError, aiohttp.ClientError) as error:
            return self._unreachable(error, began)
        async with answer:
            response = await self._streamed(request, answer, shown)
        self._tally.passed(answer.status, time.monotonic() - began)
        return response

    async def _sent(self, request: web.Request, body: AsyncIterator[bytes] | bytes | None) -> aiohttp.ClientResponse:
        """Send a request on as it came."""
        headers = wire.request_headers(header_pairs(request.raw_headers))
        sends = request.can_read_body or (isinstance(body, bytes) and bool(body))
        if sends and "content-length" in request.headers and not isinstance(body, bytes):
            headers.append(("Content-Length", request.headers["content-length"]))
        return await self._upstream.send(request.method, request.raw_path, headers, body if sends else None)

    def _unreachable(self, error: Exception, began: float) -> web.StreamResponse:
        self._tally.passed(502, time.monotonic() - began)
        return error_response(502, "searchctl_upstream_unreachable", f"no server answers behind the gateway: {error}")

    async def write(
        self, request: web.Request, route: wire.RequestRoute, written: WrittenVectors, began: float
    ) -> web.StreamResponse:
        """Send a write on as it came; what the server acknowledges is encoded before the app hears of it, as far as time allows."""
        try:
            answer = await self._sent(request, request.content.iter_chunked(PIECE))
            async with answer:
                first, whole = await read_up_to(answer.content, MOST_ANSWER)
                shown: list[tuple[str, str]] = []
                if answer.status < 300:
                    text = first if whole else b""
                    shown = await self._encoded(written, route, text, answer.headers.get("content-encoding", ""))
                response = await self._streamed(request, answer, shown, first)
        except (UpstreamDownError, aiohttp.ClientError) as error:
            if request.transport is None or request.transport.is_closing():
                raise
            return self._unreachable(error, began)
        self._tally.passed(answer.status, time.monotonic() - began)
        return response

    async def refresh(self, request: web.Request, written: WrittenVectors, began: float) -> web.StreamResponse:
        """Send on that what was written is to be searchable, once the vectors of it are, as far as time allows."""
        with suppress(asyncio.TimeoutError, TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(written.show())), self._seconds)
        return await self.through(request, request.content.iter_chunked(PIECE), began)

    async def _encoded(
        self, written: WrittenVectors, route: wire.RequestRoute, text: bytes, encoding: str
    ) -> list[tuple[str, str]]:
        """Have the documents of a server's answer encoded; return the headers that say what became of it."""
        documents, unnamed = read_written(_as_json(text, encoding))
        if not documents and not unnamed:
            return []
        future = written.submit(documents, show=wants_refresh(route.parameters)) if documents else None
        if future is None:
            left = VectorsOfWrites(left=unnamed + sum(len(group.ids) for group in documents))
            self._tally.wrote(left)
            return left.headers()
        future.add_done_callback(lambda done: self._tally.wrote(_became(done)))
        try:
            done = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), self._seconds)
        except (asyncio.TimeoutError, TimeoutError):
            return [("X-Searchctl-Vectors", "behind")]
        return (done + VectorsOfWrites(left=unnamed)).headers()

    async def _streamed(
        self,
        request: web.Request,
        answer: aiohttp.ClientResponse,
        shown: Sequence[tuple[str, str]],
        first: bytes = b"",
    ) -> web.StreamResponse:
        response = Passed(answer)
        response.headers.extend(shown)
        await response.prepare(request)
        try:
            if first:
                await response.write(first)
            async for piece in answer.content.iter_any():
                await response.write(piece)
        except (aiohttp.ClientError, asyncio.IncompleteReadError):
            if request.transport is not None:
                request.transport.abort()  # half an answer must not look like a whole one
            raise
        await response.write_eof()
        return response


async def read_up_to(content: aiohttp.StreamReader, most: int) -> tuple[bytes, bool]:
    """Return all of a body and True, or its beginning and False where it has more than `most` bytes."""
    pieces: list[bytes] = []
    size = 0
    while size <= most:
        piece = await content.readany()
        if not piece:
            return b"".join(pieces), True
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), False


def _as_json(text: bytes, encoding: str) -> Any:
    """Return the JSON value of an answer; None where it is in another format."""
    try:
        return json.loads(unpacked(text) if encoding == "gzip" else text)
    except (ValueError, OSError, EOFError):
        return None


def _became(done: Future[VectorsOfWrites]) -> VectorsOfWrites:
    return VectorsOfWrites() if done.cancelled() or done.exception() is not None else done.result()


async def rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what was read of a body, then the rest of it."""
    yield first
    async for piece in rest:
        yield piece


def header_pairs(raw: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return headers as text; bytes that are none come back as they were."""
    return [(name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in raw]


def unpacked(raw: bytes) -> bytes:
    """Return what gzip has packed; raises OSError or EOFError for what it hasn't."""
    return gzip.decompress(raw)


def error_response(status: int, kind: str, reason: str, shown: Sequence[tuple[str, str]] = ()) -> web.StreamResponse:
    """Return an error in the form of the servers', with the headers `shown`."""
    cause = {"type": kind, "reason": reason}
    response = web.json_response({"error": {"root_cause": [cause], **cause}, "status": status}, status=status)
    response.headers.extend(shown)
    return response
