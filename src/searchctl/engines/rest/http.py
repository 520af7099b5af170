"""One client for both servers: addresses, credentials, TLS, and retries where asking twice does no harm.

`urllib3` does the transport. opensearch-py stands on it too, but hides response headers, can't use a proxy, and takes three times
as long to import.
"""

from __future__ import annotations

import gzip
import json
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from searchctl.engines.rest.credentials import Signer, authorization, tls_context
from searchctl.errors import AccessDenied, EngineUnreachable, MissingExtra, ServerRefusal, StorageError, UsageError
from searchctl.settings.connection import Connection
from searchctl.settings.secrets import mask
from searchctl.types import Json

if TYPE_CHECKING:
    import urllib3

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 5.0
_DEAD_SECONDS = 30.0  # a host that failed is asked last for so long
_COMPRESS_BYTES = 1400  # what fits a packet isn't worth compressing
_TRANSIENT = frozenset({429, 502, 503, 504})
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


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
    """What a server answered: status, headers in lower case, and the JSON value of the body (None for an empty one)."""

    status: int
    headers: Mapping[str, str]
    body: Any


class _Failed(Exception):
    """A request without an answer. `sent` is False when it can't have reached the server."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class Client:
    """HTTP to one cluster. Thread-safe. `pause` waits between attempts; it is given by tests."""

    def __init__(self, connection: Connection, *, pause: Callable[[float], None] = time.sleep) -> None:
        self.hosts = connection.addresses()
        if not self.hosts:
            raise UsageError("the server has no address; type --engine opensearch://HOST:9200")
        self._secrets = tuple(filter(None, (connection.password, connection.api_key, connection.bearer_token)))
        self._pause = pause
        self.patience = QUICK  # for requests that name none
        self._random = random.Random()  # noqa: S311 - spreads retries, hides nothing
        self._signer = Signer(connection) if connection.aws_service else None
        self._headers = {"accept": "application/json", **authorization(connection)}
        self._context = tls_context(connection) if any(host.startswith("https:") for host in self.hosts) else None
        self._pools: dict[str, urllib3.PoolManager] = {host: self._pool(host) for host in self.hosts}
        self._turn = 0
        self._dead: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The addresses, without secrets."""
        return ",".join(self.hosts)

    def _pool(self, host: str) -> urllib3.PoolManager:
        try:
            import urllib3
        except ImportError as error:
            raise MissingExtra("a server engine", "server") from error
        from urllib.request import getproxies_environment, proxy_bypass

        if self._context is not None and self._context.verify_mode == ssl.CERT_NONE:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user has said --insecure
        parts = urlsplit(host)
        options: dict[str, Any] = {"maxsize": 8, "ssl_context": self._context}
        proxy = getproxies_environment().get(parts.scheme)
        if proxy and not _is_local(host) and not proxy_bypass(parts.netloc):
            return urllib3.ProxyManager(proxy, **options)
        return urllib3.PoolManager(**options)

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
        credentials are refused, ServerRefusal for any other status of 400 and above, StorageError when its disk is full.
        """
        target = path if not params else f"{path}?{urlencode({key: _word(value) for key, value in params.items()})}"
        payload = _payload(body)
        patience = patience or self.patience
        for attempt in range(patience.attempts):
            last = attempt + 1 == patience.attempts
            try:
                reply = self._send(method, target, payload, isinstance(body, bytes), timeout)
            except _Failed as failure:
                wait = repeatable if failure.sent else patience.restarts
                if last or not wait:
                    raise EngineUnreachable(self._public(str(failure))) from failure.__cause__
                reason, after = str(failure), None
            else:
                retry = reply.status in _TRANSIENT and (repeatable or reply.status == 429)
                if reply.status < 400:
                    return reply
                if last or not retry or _kind(reply.body) == "cluster_block_exception":
                    raise self._refusal(reply, path)
                reason, after = f"HTTP {reply.status}", reply.headers.get("retry-after")
            _log.info("%s %s: %s; trying again", method, path, self._public(reason))
            self.wait(attempt, patience, after)
        raise AssertionError("unreachable")

    def search_many(self, path: str, lines: Sequence[Json]) -> list[Json]:
        """Ask `_msearch` and return its answers; those that a busy server refused are asked again. Raises as `request`."""
        patience = self.patience
        found: dict[int, Json] = {}
        waiting = list(range(len(lines) // 2))
        for attempt in range(patience.attempts):
            body = b"".join(_line(line) for place in waiting for line in lines[2 * place : 2 * place + 2])
            answers = self.request("POST", path, body, patience=patience).body["responses"]
            found.update(zip(waiting, answers, strict=True))
            waiting = [place for place in waiting if found[place].get("status", 200) in _TRANSIENT]
            if not waiting or attempt + 1 == patience.attempts:
                break
            self.wait(attempt, patience)
        for answer in found.values():
            if "error" in answer:
                raise self._refusal(Reply(answer.get("status", 500), {}, answer), path)
        return [found[place] for place in range(len(found))]

    def wait(self, attempt: int, patience: Patience, after: str | None = None) -> None:
        """Pause before the next attempt: as long as the server says, else twice as long each time, with jitter."""
        seconds = min(patience.first * 2**attempt, patience.longest) * self._random.uniform(0.5, 1.0)
        if after and after.isdigit():
            seconds = min(float(after), patience.longest)
        self._pause(seconds)

    def close(self) -> None:
        """Let go of the connections."""
        for pool in self._pools.values():
            pool.clear()

    def _order(self) -> list[str]:
        """Return the hosts in turn, those that failed lately last."""
        with self._lock:
            self._turn += 1
            turned = [self.hosts[(self._turn + place) % len(self.hosts)] for place in range(len(self.hosts))]
            now = time.monotonic()
            return sorted(turned, key=lambda host: self._dead.get(host, 0.0) > now)

    def _send(self, method: str, target: str, payload: bytes | None, lines: bool, timeout: float) -> Reply:
        """Ask one host after the other until one answers; a request that may have arrived isn't sent to the next one."""
        failure: _Failed | None = None
        for host in self._order():
            try:
                reply = self._send_to(host, method, target, payload, lines, timeout)
            except _Failed as error:
                with self._lock:
                    self._dead[host] = time.monotonic() + _DEAD_SECONDS
                failure = error
                if error.sent:
                    break
                continue
            with self._lock:
                self._dead.pop(host, None)
            return reply
        assert failure is not None
        raise failure

    def _send_to(
        self, host: str, method: str, target: str, payload: bytes | None, lines: bool, timeout: float
    ) -> Reply:
        import urllib3
        from urllib3 import exceptions

        headers = dict(self._headers)
        if payload is not None:
            headers["content-type"] = "application/x-ndjson" if lines else "application/json"
            if len(payload) > _COMPRESS_BYTES and not _is_local(host):
                payload = gzip.compress(payload, 1)
                headers["content-encoding"] = "gzip"
        if not _is_local(host):
            headers["accept-encoding"] = "gzip"
        if self._signer is not None:
            headers = self._signer.sign(method, host + target, payload, headers)
        limits = urllib3.Timeout(connect=_CONNECT_SECONDS, read=timeout)
        try:
            answer = self._pools[host].request(
                method, host + target, body=payload, headers=headers, timeout=limits, retries=False, redirect=False
            )
        except exceptions.SSLError as error:
            raise EngineUnreachable(self._public(_tls_message(host, error))) from error
        except (exceptions.NewConnectionError, exceptions.ConnectTimeoutError, exceptions.ProxyError) as error:
            message = f"no server answers at {host} ({_cause(error)}); start it, or correct the address in --engine"
            raise _Failed(message, sent=False) from error
        except exceptions.ReadTimeoutError as error:
            message = f"{host} hasn't answered within {timeout:.0f} s; see whether it is overloaded, then try again"
            raise _Failed(message, sent=True) from error
        except exceptions.HTTPError as error:
            advice = f"{_perhaps_tls(host, error)}see the server's log, then try again"
            message = f"the connection to {host} broke off ({_cause(error)}); {advice}"
            raise _Failed(message, sent=True) from error
        return Reply(answer.status, {key.lower(): value for key, value in answer.headers.items()}, self._json(answer))

    def _json(self, answer: Any) -> Any:
        if not answer.data:
            return None
        try:
            return json.loads(answer.data)
        except ValueError:
            if answer.status < 400:
                found = str(answer.headers.get("content-type", "something else"))
                message = (
                    f"{self.url} answers with {found} instead of JSON; give the address of OpenSearch or Elasticsearch"
                )
                raise ServerRefusal(message, answer.status, "not JSON") from None
            return answer.data[:200].decode("utf-8", "replace")

    def _refusal(self, reply: Reply, path: str) -> Exception:
        reason = self._public(reason_of(reply.body))
        if reply.status in (401, 403) and _kind(reply.body) != "cluster_block_exception":
            hint = "check user name and password, API key or token, and what they may do"
            return AccessDenied(
                f"{self.url} refuses the credentials (HTTP {reply.status}: {reason or 'no reason given'}); {hint}"
            )
        if is_full(_kind(reply.body), reason):
            return StorageError(full_message(self.url, reason))
        said = f"{self.url} answers HTTP {reply.status} to {path}: {reason or 'no reason given'}"
        if _kind(reply.body) == "index_closed_exception":  # by somebody, or by a tuning that was killed just then
            said += f"; open the index: curl -X POST {self.url}/{path.split('/')[1]}/_open"
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


def _is_local(host: str) -> bool:
    return urlsplit(host).hostname in _LOOPBACK


def _cause(error: Exception) -> str:
    """Return what the system said, without urllib3's own words."""
    inner = _root(error)
    return " ".join(str(getattr(inner, "strerror", None) or inner).split()) or type(inner).__name__


def _root(error: BaseException) -> BaseException:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return error


def _perhaps_tls(host: str, error: Exception) -> str:
    """Return what to try where a server hung up on plain HTTP without a word, as those do that speak TLS."""
    from http.client import RemoteDisconnected

    if not (host.startswith("http:") and isinstance(_root(error), RemoteDisconnected)):
        return ""
    return "if it speaks TLS, write https:// (or opensearchs://, elasticsearchs://) in --engine; if not, "


def _tls_message(host: str, error: Exception) -> str:
    text = _cause(error)
    if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER_FAILURE" in str(error):
        return f"{host} doesn't speak TLS; write http:// (or opensearch://, elasticsearch://) in --engine"
    hint = "give the authority that signed it with --ca-certs FILE, or --insecure to trust any"
    return f"the certificate of {host} can't be trusted ({text}); {hint}"
