"""Models behind an address: how their servers are asked, where a key may go, and how long to wait before asking again."""

from __future__ import annotations

import importlib
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from searchctl.errors import MissingExtra, SearchctlError
from searchctl.settings.addresses import LOOPBACK
from searchctl.settings.secrets import mask
from searchctl.translation import _

TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # HTTP's answers that mean: not now
_CONNECT_TIMEOUT = 10.0  # seconds
_LARGEST_ANSWER = 256 << 20  # bytes
_SHOWN = 300  # bytes of an answer in a message
_PART = 1 << 16


@dataclass(frozen=True, slots=True)
class KeyVariables:
    """Environment variables: `key` is sent as a bearer token, over TLS or to this machine only, and to `host` alone."""

    key: str
    host: str


@dataclass(frozen=True, slots=True)
class RemoteReply:
    """What one request came to. `status` is HTTP's, 0 where no whole answer came; `reason` says what is wrong, if anything is.

    `wait` is how many seconds the server asks for. A request is `lost` when the server may have worked for it in vain.
    """

    status: int
    content: bytes = b""
    reason: str = ""
    wait: float | None = None
    lost: bool = False


class RemoteModel:
    """A server's API at a URL that ends with the API's version. Safe to use from many threads; redirects aren't followed.

    Raises MissingExtra without the `server` extra, for `what` takes it, and `error` when the key could be read on the way.
    """

    def __init__(
        self, url: str, variables: KeyVariables, *, what: str, error: type[SearchctlError], timeout: float = 300.0
    ) -> None:
        try:
            self._library = importlib.import_module("urllib3")
        except ImportError as missing:
            raise MissingExtra(what, "server") from missing
        self.url = url
        self._secret = os.environ.get(variables.key, "")
        self._headers = headers_for(url, variables, error)
        self._timeout = timeout
        limits = self._library.Timeout(connect=min(_CONNECT_TIMEOUT, timeout), read=timeout)
        self._pool = self._library.PoolManager(timeout=limits, maxsize=32)

    def post(self, path: str, body: bytes) -> RemoteReply:
        """Send one request, once."""
        library = self._library.exceptions
        try:
            response = self._pool.request(
                "POST",
                f"{self.url}/{path}",
                body=body,
                headers=self._headers,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            content = self._read(response)
        except (library.NewConnectionError, library.ConnectTimeoutError, library.LocationValueError) as error:
            return RemoteReply(0, reason=f"{type(error).__name__}: {error}")
        except (library.HTTPError, _TooMuch) as error:
            return RemoteReply(0, reason=f"{type(error).__name__.lstrip('_')}: {error}", lost=True)
        reason = (
            ""
            if response.status == 200
            else _("it answered {status}: {told}").format(status=response.status, told=self._told(content))
        )
        return RemoteReply(response.status, content, reason, _told_wait(response.headers))

    def _read(self, response: Any) -> bytes:
        """Return a body within the limits of time and size: the library's time-out is for each piece of it."""
        until = time.monotonic() + self._timeout
        parts: list[bytes] = []
        size = 0
        for part in response.stream(_PART):
            parts.append(part)
            size += len(part)
            if size > _LARGEST_ANSWER or time.monotonic() > until:
                response.close()
                raise _TooMuch(f"{size:,} bytes and no end after {self._timeout:g} s or more")
        response.release_conn()
        return b"".join(parts)

    def _told(self, content: bytes) -> str:
        return mask(content[:_SHOWN].decode("utf-8", "replace"), [self._secret]).replace("\n", " ")


class _TooMuch(Exception):
    """An answer is larger, or takes longer, than one can be."""


def headers_for(url: str, variables: KeyVariables, error: type[SearchctlError]) -> dict[str, str]:
    """Return what goes with each request; raises `error` when the key could be read on the way, or isn't for that host."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    if key := os.environ.get(variables.key):
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise error(f"{variables.key} is set and {url} isn't encrypted; use https://, or unset the key")
        if parts.hostname not in (*LOOPBACK, os.environ.get(variables.host)):
            raise error(
                f"{variables.key} is set, and nothing says that it is for {parts.hostname}; "
                f"set {variables.host}={parts.hostname}, or unset the key"
            )
        headers["authorization"] = f"Bearer {key}"
    return headers


def pause(attempt: int, told: float | None, longest: float) -> float:
    """Return the seconds to wait: as the server says, else twice as long each time, with jitter."""
    if told is not None:
        return min(told, longest)
    return min(0.5 * 2.0**attempt, longest) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _told_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks for, as a number or a date; None where it asks for none."""
    told = (headers.get("retry-after") or "").strip()
    try:
        return float(told) if told[:1].isdigit() else max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
