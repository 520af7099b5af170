"""How much one caller may ask: requests a second, and bytes of a request."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from cachetools import LRUCache
from starlette.requests import ClientDisconnect, Request

from searchctl.service.problems import Refusal

_CALLERS = 10_000  # callers whose pace is remembered; the ones idle longest are forgotten


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """`rate` is requests a second and caller, None for no limit; sizes are in bytes."""

    rate: float | None = None
    body: int = 1 << 20
    bulk: int = 256 << 20
    line: int = 4 << 20


class RateLimiter:
    """A token bucket for each caller: short bursts of up to two seconds' worth pass."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._buckets: LRUCache[str, tuple[float, float]] = LRUCache(_CALLERS)
        self._lock = threading.Lock()

    def check(self, caller: str) -> None:
        """Count one request; raises Refusal with 429 where the caller is too fast."""
        if self._rate is None:
            return
        most = max(2.0 * self._rate, 1.0)
        now = time.monotonic()
        with self._lock:
            level, since = self._buckets.get(caller, (most, now))
            level = min(most, level + (now - since) * self._rate)
            allowed = level >= 1.0
            self._buckets[caller] = (level - allowed, now)
        if not allowed:
            wait = max(1, round((1.0 - level) / self._rate))
            raise Refusal(
                429,
                "too-many",
                f"more than {self._rate:g} requests a second; wait {wait} s",
                {"Retry-After": str(wait)},
            )


async def read_body(request: Request, most: int) -> bytes:
    """Return the body; raises Refusal with 413 as soon as it is larger than `most` bytes."""
    chunks, size = [], 0
    async for chunk in _chunks(request):
        size += len(chunk)
        if size > most:
            raise Refusal(413, "too-large", f"the body is larger than {most:,} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def read_lines(request: Request, most: int, longest: int) -> AsyncIterator[bytes]:
    """Yield the body's lines as they come; raises Refusal with 413 for a body or a line that is too large."""
    rest, size = b"", 0
    async for chunk in _chunks(request):
        size += len(chunk)
        if size > most:
            raise Refusal(413, "too-large", f"the body is larger than {most:,} bytes; what came before is stored")
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > longest:
            raise Refusal(413, "too-large", f"a line is longer than {longest:,} bytes; what came before is stored")
    if rest:
        yield rest


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:
        raise Refusal(400, "wrong-request", "the request broke off") from error
