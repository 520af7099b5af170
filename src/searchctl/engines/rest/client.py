"""One client for both servers: addresses, credentials, TLS, and retries where asking twice does no harm.

opensearch-py carries the requests to both (see `transport`); what is asked twice, after what pause, and what is said of a fault is
decided here: its own defaults repeat a POST that may have arrived, and wait for nobody.
"""

from __future__ import annotations

import gzip
import json
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from searchctl.engines.rest.credentials import Signer, authorization, tls_context
from searchctl.engines.rest.transport import (
    HostTransport,
    RawReply,
    RequestFailed,
    Transport,
    is_local,
    require_extra,
    transport_of,
)
from searchctl.errors import AccessDenied, EngineUnreachable, ServerRefusal, StorageError, UsageError
from searchctl.settings.connection import Connection, Family
from searchctl.settings.secrets import mask
from searchctl.translation import _
from searchctl.types import Json

_log = logging.getLogger(__name__)
_DEAD_SECONDS = 30.0  # a host that failed is asked last for so long
_COMPRESS_BYTES = 1400  # what fits a packet isn't worth compressing
_TRANSIENT = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on: at most `attempts`, with pauses of `first` seconds doubling up to `longest`.

    `restarts` says whether a server that isn't there at all is waited for.
    """

    attempts: int
    first: float
    longest: float
    restarts: bool = False


QUICK = Patience(3, 0.1, 1.0)
STEADY = Patience(10, 0.5, 15.0, restarts=True)  # about a minute: a node that restarts is back by then


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: status, headers in lower case, and the JSON value of the body (None for an empty one).

    `attempts` is how often it was asked.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    attempts: int = 1


class Client:
    """HTTP to one cluster. Thread-safe. `pause` waits between attempts; it is given by tests."""

    def __init__(self, connection: Connection, *, pause: Callable[[float], None] = time.sleep) -> None:
        hosts = connection.addresses()
        if not hosts:
            raise UsageError(_("the server has no address; type --engine opensearch://HOST:9200"))
        require_extra()
        context = tls_context(connection) if any(host.startswith("https:") for host in hosts) else None
        self._transports: Sequence[Transport] = _Lazy(hosts, context)
        self.hosts = hosts
        self._secrets = tuple(filter(None, (connection.password, connection.api_key, connection.bearer_token)))
        self._pause = pause
        self.patience = QUICK  # for requests that name none
        self._random = random.Random()  # noqa: S311 - spreads retries, hides nothing
        self._signer = Signer(connection) if connection.aws_service else None
        self._headers = {"accept": "application/json", **authorization(connection)}
        self.family_named: Family | None = None  # by the headers of any answer, refusals among them
        self._turn = 0
        self._dead: dict[str, float] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, client: Any) -> Client:
        """Return a client that asks by the connections of a team's own, with its credentials, proxies and pool."""
        way = transport_of(client)
        made = cls(Connection(hosts=tuple(way.host.split(","))))
        made.hosts = (way.host,)
        made._transports = [way]
        return made

    @property
    def url(self) -> str:
        """The addresses, without secrets."""
        return ",".join(self.hosts)

    def request(
        self,
        method: str,
        path: str,
        body: Json | bytes | None = None,
        *,
        params: Mapping[str, str | int | bool] | None = None,
        patience: Patience | None = None,
        timeout: float = 60.0,
        repeatable: bool = True,
    ) -> Reply:
        """Ask and return the answer, trying again what is transient; bytes are sent as NDJSON, a mapping as JSON.

        Set `repeatable` to False where the server mustn't be asked twice. Raises EngineUnreachable when nothing answers or the
        credentials are refused, ServerRefusal for any other status of 300 and above (credentials aren't taken to where a server
        sends on to), StorageError when its disk is full.
        """
        target = path if not params else f"{path}?{urlencode({key: _word(value) for key, value in params.items()})}"
        payload = _payload(body)
        patience = patience or self.patience
        for attempt in range(patience.attempts):
            last = attempt + 1 == patience.attempts
            try:
                reply = self._send(method, target, payload, isinstance(body, bytes), timeout)
            except RequestFailed as failure:
                wait = repeatable if failure.sent else patience.restarts
                if last or not wait:
                    raise EngineUnreachable(self._public(str(failure))) from failure.__cause__
                reason, after = str(failure), None
            else:
                retry = reply.status in _TRANSIENT and (repeatable or reply.status == 429)
                if reply.status < 300:
                    return replace(reply, attempts=attempt + 1)
                if last or not retry or _kind(reply.body) == "cluster_block_exception":
                    raise self._refusal(reply, path)
                reason, after = f"HTTP {reply.status}", reply.headers.get("retry-after")
            _log.info("%s %s: %s; trying again", method, path, self._public(reason))
            self.wait(attempt, patience, after)
        raise AssertionError("unreachable")

    def search_many(self, path: str, lines: Sequence[Json]) -> list[Json]:
        """Ask `_msearch` and return its answers; those that a busy server refused are asked again. Raises as `request`."""
        patience = self.patience
        by_number: dict[int, Json] = {}
        waiting = list(range(len(lines) // 2))
        for attempt in range(patience.attempts):
            body = b"".join(_line(line) for place in waiting for line in lines[2 * place : 2 * place + 2])
            answers = self.request("POST", path, body, patience=patience).body["responses"]
            by_number.update(zip(waiting, answers, strict=True))
            waiting = [place for place in waiting if by_number[place].get("status", 200) in _TRANSIENT]
            if not waiting or attempt + 1 == patience.attempts:
                break
            self.wait(attempt, patience)
        for answer in by_number.values():
            if "error" in answer:
                raise self._refusal(Reply(answer.get("status", 500), {}, answer), path)
        return [by_number[place] for place in range(len(by_number))]

    def wait(self, attempt: int, patience: Patience, after: str | None = None) -> None:
        """Pause before the next attempt: as long as the server says, else twice as long each time, with jitter."""
        seconds = min(patience.first * 2**attempt, patience.longest) * self._random.uniform(0.5, 1.0)
        if after and after.isdigit():
            seconds = min(float(after), patience.longest)
        self._pause(seconds)

    def close(self) -> None:
        """Let go of the connections."""
        for transport in self._transports:
            transport.close()

    def _order(self) -> list[Transport]:
        """Return the ways to the hosts in turn, those that failed lately last."""
        with self._lock:
            self._turn += 1
            count = len(self._transports)
            turned = [self._transports[(self._turn + place) % count] for place in range(count)]
            now = time.monotonic()
            return sorted(turned, key=lambda way: self._dead.get(way.host, 0.0) > now)

    def _send(self, method: str, target: str, payload: bytes | None, lines: bool, timeout: float) -> Reply:
        """Ask one host after the other until one answers; a request that may have arrived isn't sent to the next one."""
        failure: RequestFailed | None = None
        for way in self._order():
            try:
                reply = self._send_by(way, method, target, payload, lines, timeout)
            except RequestFailed as error:
                with self._lock:
                    self._dead[way.host] = time.monotonic() + _DEAD_SECONDS
                failure = error
                if error.sent:
                    break
                continue
            with self._lock:
                self._dead.pop(way.host, None)
            return reply
        assert failure is not None
        raise failure

    def _send_by(
        self, way: Transport, method: str, target: str, payload: bytes | None, lines: bool, timeout: float
    ) -> Reply:
        near = is_local(way.host)
        headers = dict(self._headers)
        if payload is not None:
            headers["content-type"] = "application/x-ndjson" if lines else "application/json"
            if len(payload) > _COMPRESS_BYTES and not near:
                payload = gzip.compress(payload, 1)
                headers["content-encoding"] = "gzip"
        if not near:
            headers["accept-encoding"] = "gzip"
        if self._signer is not None:
            headers = self._signer.sign(method, way.host + target, payload, headers)
        try:
            answer = way.send(method, target, payload, headers, timeout)
        except EngineUnreachable as error:
            raise EngineUnreachable(self._public(str(error))) from error.__cause__
        if "x-elastic-product" in answer.headers:
            self.family_named = "elasticsearch"
        elif "x-opensearch-version" in answer.headers:
            self.family_named = "opensearch"
        return Reply(answer.status, answer.headers, self._json(answer))

    def _json(self, answer: RawReply) -> Any:
        if not answer.data:
            return None
        try:
            return json.loads(answer.data)
        except ValueError:
            if answer.status < 400:
                media_type = str(answer.headers.get("content-type", "something else"))
                message = _(
                    "{url} answers with {media_type} instead of JSON; give the address of OpenSearch or Elasticsearch"
                ).format(url=self.url, media_type=media_type)
                raise ServerRefusal(message, answer.status, "not JSON") from None
            said = answer.data if isinstance(answer.data, str) else answer.data.decode("utf-8", "replace")
            return said[:200]

    def _refusal(self, reply: Reply, path: str) -> Exception:
        reason = self._public(reason_of(reply.body))
        if reply.status in (401, 403) and _kind(reply.body) != "cluster_block_exception":
            hint = "check user name and password, API key or token, and what they may do"
            return AccessDenied(
                _("{url} refuses the credentials (HTTP {status}: {value}); {hint}").format(
                    url=self.url, status=reply.status, value=reason or "no reason given", hint=hint
                )
            )
        if is_full(_kind(reply.body), reason):
            return StorageError(full_message(self.url, reason))
        if reply.status < 400:
            return ServerRefusal(f"{self.url} sends on to another address; give that one in --engine", reply.status)
        path = path.partition("?")[0]
        said = f"{self.url} answers HTTP {reply.status} to {path}: {reason or 'no reason given'}"
        if _kind(reply.body) == "index_closed_exception":  # by somebody, or by a tuning that was killed just then
            said += f"; open the index: curl -X POST {self.url}/{path.split('/')[1]}/_open"
        if _kind(reply.body) == "cluster_block_exception":  # set by its owner, or by what keeps its ageing
            said += "; its owner can lift that: index.blocks in the settings of the index"
        return ServerRefusal(said, reply.status, _kind(reply.body))

    def _public(self, text: str) -> str:
        return mask(text, self._secrets)


def reason_of(body: Any) -> str:
    """Return the innermost reason an error's body gives, on one line."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return " ".join(str(error or "").split())
    reasons = []
    while isinstance(error, dict):
        if error.get("reason"):
            reasons.append(str(error["reason"]))
        if error.get("additional_unsuccessful_credentials"):  # where Elasticsearch says that a key has expired
            reasons.append(str(error["additional_unsuccessful_credentials"]))
        causes = error.get("root_cause") or [None]
        error = error.get("caused_by") or (causes[0] if not reasons else None)
    return " ".join(": ".join(dict.fromkeys(reasons)).split())


def is_full(kind: str, reason: str) -> bool:
    """Tell whether an error means that the server's disk is full: it then takes deletions only."""
    return kind == "cluster_block_exception" and ("read-only" in reason or "flood" in reason)


def full_message(url: str, reason: str) -> str:
    """Return the sentence for a full disk."""
    return f"the index on {url} is read-only ({reason}); free some disk space there, then run the command again"


def _kind(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("type", "")) if isinstance(error, dict) else ""


def _line(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _payload(body: Json | bytes | None) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return _line(body)


def _word(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Lazy(Sequence["Transport"]):
    """The ways to some hosts, made when a request first needs them: what makes them takes long to import."""

    def __init__(self, hosts: Sequence[str], context: ssl.SSLContext | None) -> None:
        self._hosts = hosts
        self._context = context
        self._made: list[Transport] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._hosts)

    def __iter__(self) -> Iterator[Transport]:
        return iter(self._made)

    def __getitem__(self, key: Any) -> Any:
        with self._lock:
            if not self._made:
                self._made = [HostTransport(host, self._context) for host in self._hosts]
        return self._made[key]
