"""How one request travels: by opensearch-py's connection class, or by the connections of a client that a team has made.

Nothing is retried here, and every status is an answer: what to repeat, how long to pause and what to say is decided by `client.Client`.
opensearch-py is imported with the first request's client only; that takes most of a second.
"""

from __future__ import annotations

import re
import ssl
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from searchctl.errors import ConfigError, EngineUnreachable, MissingExtra, UsageError
from searchctl.settings.addresses import LOOPBACK
from searchctl.translation import _

CONNECT_SECONDS = 5.0
_POOL = 8  # connections kept for each host
_EVERY_STATUS = range(300, 600)  # is given back as an answer, not raised


class RawReply(NamedTuple):
    """Status, headers in lower case, and the body as it came."""

    status: int
    headers: Mapping[str, str]
    data: str | bytes


class RequestFailed(Exception):
    """A request without an answer. `sent` is False when it can't have reached the server."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class Transport(Protocol):
    """The way to one host. Thread-safe. `host` is its address without secrets."""

    @property
    def host(self) -> str:
        """The address, as in `https://search.example:9200`."""

    def send(
        self, method: str, target: str, payload: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> RawReply:
        """Send one request and return the answer. Raises RequestFailed, and EngineUnreachable where TLS fails."""

    def close(self) -> None:
        """Let go of the connections."""


class HostTransport:
    """The way to a host of which the address is known, by opensearch-py. Implements `Transport`."""

    def __init__(self, host: str, context: ssl.SSLContext | None) -> None:
        self.host = host
        parts = urlsplit(host)
        connection = _connection_class()
        self._connection = connection(
            host=parts.hostname,
            port=parts.port,
            url_prefix=parts.path,
            use_ssl=parts.scheme == "https",
            ssl_context=context if parts.scheme == "https" else None,
            pool_maxsize=_POOL,
        )
        if context is not None and context.verify_mode == ssl.CERT_NONE:
            _be_silent_about(parts.hostname)  # the user has said --insecure
        self._proxy = ""
        if proxy := _proxy_of(host):
            self._proxy = _without_secret(proxy)
            self._connection.pool = _ProxyPool(proxy, host.removesuffix(parts.path), context)

    def send(
        self, method: str, target: str, payload: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> RawReply:
        """Send one request and return the answer."""
        import urllib3

        limits = urllib3.Timeout(connect=CONNECT_SECONDS, read=timeout)
        try:
            return _through(self._connection, self.host, (method, target, payload, headers), limits, timeout)
        except RequestFailed as failure:
            if not self._proxy:
                raise
            message = f"{failure}; it is asked by the proxy {self._proxy}, as the environment says"
            raise RequestFailed(message, sent=failure.sent) from failure.__cause__

    def close(self) -> None:
        """Let go of the connections."""
        self._connection.close()


class _ProxyPool:
    """What opensearch-py takes for a pool, with a proxy before it."""

    def __init__(self, proxy: str, origin: str, context: ssl.SSLContext | None) -> None:
        import urllib3

        self._origin = origin
        parts = urlsplit(proxy)
        options: dict[str, Any] = {"maxsize": _POOL, "ssl_context": context}
        address = _without_secret(proxy)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        if parts.scheme.startswith("socks"):
            try:
                from urllib3.contrib.socks import SOCKSProxyManager
            except ImportError as error:
                raise ConfigError(
                    _("a SOCKS proxy is set, and its support isn't installed; type: pip install pysocks")
                ) from error
            options |= {"username": user, "password": password} if user else {}
            self._manager: Any = SOCKSProxyManager(address, **options)
            return
        if user:
            options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=f"{user}:{password}")
        self._manager = urllib3.ProxyManager(address, **options)

    def urlopen(self, method: str, url: str, body: bytes | None, **options: Any) -> Any:
        return self._manager.urlopen(method, self._origin + url, body=body, redirect=False, **options)

    def close(self) -> None:
        self._manager.clear()


class OpenSearchPyTransport:
    """The connections of a team's `OpenSearch(...)`, with its signing, proxies and pool. Implements `Transport`."""

    def __init__(self, client: Any) -> None:
        self._transport = client.transport
        addresses = [connection.host for connection in self._transport.connection_pool.connections]
        self.host = ",".join(addresses)

    def send(
        self, method: str, target: str, payload: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> RawReply:
        """Send one request by the connection whose turn it is."""
        connection = self._transport.get_connection()
        try:
            reply = _through(connection, connection.host, (method, target, payload, headers), timeout, timeout)
        except RequestFailed:
            self._transport.mark_dead(connection)
            raise
        self._transport.connection_pool.mark_live(connection)
        return reply

    def close(self) -> None:
        """Leave the client open: it is its owner's."""


class ElasticTransport:
    """The nodes of a team's `Elasticsearch(...)`, with its credentials and pool. Implements `Transport`."""

    def __init__(self, client: Any) -> None:
        self._pool = client.transport.node_pool
        self._headers = {
            name: value for name, value in client._headers.items() if name not in ("accept", "content-type")
        }
        self.host = ",".join(node.base_url for node in self._pool.all())

    def send(
        self, method: str, target: str, payload: bytes | None, headers: Mapping[str, str], timeout: float
    ) -> RawReply:
        """Send one request by the node whose turn it is."""
        from elastic_transport import ConnectionError as NoConnection
        from elastic_transport import ConnectionTimeout, HttpHeaders, TlsError, TransportError

        node = self._pool.get()
        try:
            answer = node.perform_request(
                method,
                target,
                body=payload,
                headers=HttpHeaders({**self._headers, **headers}),
                request_timeout=timeout,
            )
        except TlsError as error:
            raise EngineUnreachable(_tls_message(node.base_url, error)) from error
        except ConnectionTimeout as error:
            self._pool.mark_dead(node)
            raise _timed_out(node.base_url, timeout) from error
        except NoConnection as error:
            self._pool.mark_dead(node)
            cause = error.errors[0] if error.errors else error
            raise _failure(node.base_url, cause, timeout) from error
        except TransportError as error:
            raise RequestFailed(f"{node.base_url} can't be asked ({_cause(error)}); see its log", sent=True) from error
        self._pool.mark_live(node)
        return RawReply(
            answer.meta.status, {name.lower(): value for name, value in answer.meta.headers.items()}, answer.body
        )

    def close(self) -> None:
        """Leave the client open: it is its owner's."""


def transport_of(client: Any) -> Transport:
    """Return the way that a team's client goes; raises UsageError for what is none."""
    package = type(client).__module__.partition(".")[0]
    name = type(client).__name__
    if name.startswith("Async"):
        raise UsageError(
            _("{name} can't be used, since searches here wait for their answer; give {removeprefix}").format(
                name=name, removeprefix=name.removeprefix("Async")
            )
        )
    if package == "opensearchpy" or hasattr(getattr(client, "transport", None), "connection_pool"):
        return OpenSearchPyTransport(client)
    if hasattr(getattr(client, "transport", None), "node_pool"):
        return ElasticTransport(client)
    raise UsageError(
        _("{name} is no client of OpenSearch or Elasticsearch; give OpenSearch(...) or Elasticsearch(...)").format(
            name=name
        )
    )


def is_local(host: str) -> bool:
    """Tell whether an address is of this machine."""
    return urlsplit(host).hostname in LOOPBACK


def _through(
    connection: Any, host: str, request: tuple[str, str, bytes | None, Mapping[str, str]], limits: Any, timeout: float
) -> RawReply:
    """Send a request by a connection of opensearch-py."""
    from opensearchpy import exceptions

    method, target, payload, headers = request
    try:
        status, answered, data = connection.perform_request(
            method, target, body=payload, headers=dict(headers), timeout=limits, ignore=_EVERY_STATUS
        )
    except exceptions.SSLError as error:
        raise EngineUnreachable(_tls_message(host, _as_error(error.info, error))) from error
    except exceptions.ConnectionTimeout as error:
        raise _timed_out(host, timeout) from error
    except exceptions.ConnectionError as error:
        raise _failure(host, _as_error(error.info, error), timeout) from error
    return RawReply(status, {name.lower(): value for name, value in answered.items()}, data)


def _as_error(info: object, error: BaseException) -> BaseException:
    return info if isinstance(info, BaseException) else error


def _timed_out(host: str, timeout: float) -> RequestFailed:
    message = _("{host} hasn't answered within {timeout:.0f} s; see whether it is overloaded, then try again").format(
        host=host, timeout=timeout
    )
    return RequestFailed(message, sent=True)


def _failure(host: str, error: BaseException, timeout: float) -> RequestFailed:
    """Return what an exception of the transport means: whether the request may have arrived."""
    import urllib3.exceptions as kinds

    if isinstance(error, kinds.SSLError):
        raise EngineUnreachable(_tls_message(host, error)) from error
    unsent = (kinds.NewConnectionError, kinds.ConnectTimeoutError, kinds.ProxyError, kinds.NameResolutionError)
    if isinstance(error, unsent) or type(error).__name__ in ("ConnectTimeout", "ProxyError"):
        message = _("no server answers at {host} ({cause}); start it, or correct the address in --engine").format(
            host=host, cause=_cause(error)
        )
        return RequestFailed(message, sent=False)
    if isinstance(error, kinds.ReadTimeoutError):
        return _timed_out(host, timeout)
    advice = f"{_perhaps_tls(host, error)}see the server's log, then try again"
    return RequestFailed(f"the connection to {host} broke off ({_cause(error)}); {advice}", sent=True)


def require_extra() -> None:
    """Raise MissingExtra where opensearch-py isn't installed; it isn't imported yet."""
    if find_spec("opensearchpy") is None:
        raise MissingExtra(_("a server engine"), "server")


def _connection_class() -> Any:
    """Return opensearch-py's connection, silent: it would log bodies and warn of what servers say is deprecated."""
    from opensearchpy.connection.http_urllib3 import Urllib3HttpConnection

    class SilentConnection(Urllib3HttpConnection):  # type: ignore[misc,unused-ignore]
        def _raise_warnings(self, *_ignored: Any, **__: Any) -> None:
            pass

        def log_request_success(self, *_ignored: Any, **__: Any) -> None:
            pass

        def log_request_fail(self, *_ignored: Any, **__: Any) -> None:
            pass

    return SilentConnection


def _be_silent_about(name: str | None) -> None:
    import urllib3

    message = f".*host '{re.escape(name or '')}'"
    warnings.filterwarnings("ignore", message, urllib3.exceptions.InsecureRequestWarning)


def _proxy_of(host: str) -> str | None:
    """Return the proxy that the environment names for a host elsewhere."""
    from urllib.request import getproxies_environment, proxy_bypass

    parts = urlsplit(host)
    named = getproxies_environment()
    proxy = named.get(parts.scheme) or named.get("all")
    if not proxy or is_local(host) or proxy_bypass(parts.netloc):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _without_secret(proxy: str) -> str:
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _cause(error: BaseException) -> str:
    """Return what the system said, without urllib3's own words."""
    inner = _root(error)
    return " ".join(str(getattr(inner, "strerror", None) or inner).split()) or type(inner).__name__


def _root(error: BaseException) -> BaseException:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return error


def _perhaps_tls(host: str, error: BaseException) -> str:
    """Return what to try where a server hung up on plain HTTP without a word, as those do that speak TLS."""
    from http.client import RemoteDisconnected

    if not (host.startswith("http:") and isinstance(_root(error), RemoteDisconnected)):
        return ""
    return "if it speaks TLS, write https:// (or opensearchs://, elasticsearchs://) in --engine; if not, "


def _tls_message(host: str, error: BaseException) -> str:
    text = _cause(error)
    if "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER_FAILURE" in str(error):
        return f"{host} doesn't speak TLS; write http:// (or opensearch://, elasticsearch://) in --engine"
    hint = "give the authority that signed it with --ca-certs FILE, or --insecure to trust any"
    return f"the certificate of {host} can't be trusted ({text}); {hint}"
