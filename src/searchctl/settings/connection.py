"""How a server is reached: addresses, credentials and TLS, and the environment variables they come from."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

from searchctl.errors import ConfigError
from searchctl.translation import _

Family: TypeAlias = Literal["opensearch", "elasticsearch"]

_VARIABLES: Mapping[Family, Mapping[str, tuple[str, ...]]] = {
    "opensearch": {
        "url": ("OPENSEARCH_URL",),
        "username": ("OPENSEARCH_USERNAME", "OPENSEARCH_USER"),
        "password": ("OPENSEARCH_PASSWORD",),
        "bearer_token": ("OPENSEARCH_BEARER_TOKEN",),
        "ca_certs": ("OPENSEARCH_CA_CERTS",),
        "client_cert": ("OPENSEARCH_CLIENT_CERT",),
        "client_key": ("OPENSEARCH_CLIENT_KEY",),
        "insecure": ("OPENSEARCH_INSECURE",),
        "aws_service": ("OPENSEARCH_AWS_SERVICE",),
        "aws_region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    },
    "elasticsearch": {
        "url": ("ELASTICSEARCH_URL", "ES_URL"),
        "cloud_id": ("CLOUD_ID", "ES_CLOUD_ID"),
        "username": ("ELASTICSEARCH_USERNAME", "ES_USERNAME", "ES_USER"),
        "password": ("ELASTICSEARCH_PASSWORD", "ES_PASSWORD", "ES_PASS"),
        "api_key": ("ELASTICSEARCH_API_KEY", "ES_API_KEY", "ELASTIC_API_KEY"),
        "api_key_id": ("ELASTIC_API_KEY_ID",),
        "bearer_token": ("ELASTICSEARCH_BEARER_TOKEN", "ES_BEARER_TOKEN"),
        "ca_certs": ("ELASTICSEARCH_CA_CERTS", "ES_CA_CERTS"),
        "client_cert": ("ELASTICSEARCH_CLIENT_CERT", "ES_CLIENT_CERT"),
        "client_key": ("ELASTICSEARCH_CLIENT_KEY", "ES_CLIENT_KEY"),
        "insecure": ("ELASTICSEARCH_INSECURE", "ES_INSECURE"),
    },
}
_AMBIENT = ("AWS_",)  # set for other programs as well, so no sign of which server is meant

CONNECTION_KEYS: tuple[str, ...] = (
    "url", "cloud_id", "username", "password", "api_key", "api_key_id", "bearer_token",
    "ca_certs", "client_cert", "client_key", "insecure", "aws_service", "aws_region",
)  # fmt: skip
CREDENTIAL_KEYS = ("username", "password", "api_key", "api_key_id", "bearer_token", "aws_service")
SECRET_KEYS = frozenset({"password", "api_key", "bearer_token"})
PATH_KEYS = frozenset({"ca_certs", "client_cert", "client_key"})


INDEX_KEYS: tuple[str, ...] = ("shards", "replicas", "hnsw_m", "hnsw_ef_construction", "vector_engine", "quantisation")


_LIKE_AN_ADDRESS = re.compile(
    r"(?i)(?:opensearchs?|elasticsearchs?|https?)(?::|//)|[^./~\\][^/\\]*:[^/\\]*@|[\w.-]+:\d{2,5}(?:/|$)"
)
_HOST_AND_COMMA = re.compile(r"[\w.\-\[\]]+(:\d+)?,")
_UNFIT_FOR_HOST = re.compile(r"[\s\x00-\x1f@,'\"<>\\^`{|}]")


@dataclass(frozen=True, slots=True)
class Connection:
    """What a server engine needs beside its kind. `hosts` are URLs without user information; paths are absolute.

    `options` say how the server keeps a new index (see `engines.rest.options`), by the names in INDEX_KEYS.
    `aws_service` ("es" or "aoss") asks for SigV4 signing; AWS's own credentials stay with its client.
    """

    hosts: tuple[str, ...] = ()
    cloud_id: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    api_key_id: str | None = None
    bearer_token: str | None = field(default=None, repr=False)
    ca_certs: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    insecure: bool = False
    aws_service: str | None = None
    aws_region: str | None = None
    options: Mapping[str, str | int] = field(default_factory=dict)

    def addresses(self) -> tuple[str, ...]:
        """Return the hosts as `http(s)://host:port`, those of the cloud id where there are none. Raises ConfigError.

        The scheme of an engine (`opensearchs://`) means port 9200 where none is written, an ordinary one HTTP's own.
        """
        hosts = self.hosts or ((_cloud_host(self.cloud_id),) if self.cloud_id else ())
        return tuple(_address(host, standard_port=self.aws_service is not None) for host in hosts)


def server_connection(engine: str, connection: Connection | None) -> Connection:
    """Return the connection to an engine named by its URL; what the URL says wins. Raises ConfigError."""
    given = connection or Connection()
    if "://" not in engine:
        return given
    hosts, username, password = split_hosts(engine)
    if not username:
        return replace(given, hosts=hosts)
    return replace(
        given,
        hosts=hosts,
        username=username,
        password=password,
        api_key=None,
        api_key_id=None,
        bearer_token=None,
        aws_service=None,
    )


def is_server(engine: str) -> bool:
    """Tell whether an engine is a server, by URL or by bare name, and not a folder."""
    return "://" in engine or engine in ("opensearch", "elasticsearch")


def family_of(engine: str, names: Iterable[str]) -> Family:
    """Return whose variables apply: the engine's own, or for a plain URL or folder those of which some are set."""
    named = named_family(engine)
    if named is not None:
        return named
    telling = {name for group in _VARIABLES["opensearch"].values() for name in group if not name.startswith(_AMBIENT)}
    return "opensearch" if telling.intersection(names) else "elasticsearch"


def named_family(engine: str) -> Family | None:
    """Return the family that an engine's URL or bare name names; None for a plain URL or a folder."""
    return next((family for family in _VARIABLES if engine.startswith(family)), None)


def variables(family: Family) -> Mapping[str, tuple[str, ...]]:
    """Return the environment variables of each connection setting, the first one set wins."""
    return _VARIABLES[family]


def split_hosts(url: str) -> tuple[tuple[str, ...], str | None, str | None]:
    """Split `https://ann:pw@one:9200,two:9200` into clean URLs, user name and password.

    Raises ConfigError when two hosts carry different credentials.
    """
    hosts: list[str] = []
    credentials: set[tuple[str, str]] = set()
    scheme = "https"
    for part in _parts(url):
        start, separator, rest = part.rpartition("://")
        scheme = start if separator else scheme
        userinfo, at, address = rest.rpartition("@")
        if at:
            name, _ignored, word = userinfo.partition(":")
            credentials.add((unquote(name), unquote(word)))
        hosts.append(f"{scheme}://{address}")
    if len(credentials) > 1:
        raise ConfigError(
            _("the hosts of the engine's URL carry different credentials; give one user name and password for all")
        )
    name, word = credentials.pop() if credentials else ("", "")
    return tuple(hosts), name or None, word or None


def _parts(url: str) -> list[str]:
    """Split a list of hosts at its commas, though not at one in a password."""
    start, separator, rest = url.partition("://")
    userinfo, at, hosts = rest.rpartition("@")
    if separator and at and "," in userinfo and "@" not in userinfo and not _HOST_AND_COMMA.match(userinfo):
        first, *others = hosts.split(",")
        return [f"{start}://{userinfo}@{first.strip()}", *filter(None, map(str.strip, others))]
    return list(filter(None, (part.strip() for part in url.split(","))))


def refuse_malformed(engine: str) -> None:
    """Raise ConfigError for what was meant as a server's address and would be taken for a folder; the message hides passwords."""
    if not is_server(engine) and _LIKE_AN_ADDRESS.match(engine):
        raise ConfigError(
            _(
                "the engine is written like an address, but without '://'; write opensearch://HOST:9200 or "
                "elasticsearch://HOST:9200, or for a folder of that name ./NAME"
            )
        )


def _address(host: str, *, standard_port: bool) -> str:
    shown = f"{host.partition('://')[0]}://…"  # what follows may be a password that lacks its @
    try:
        parts = urlsplit(host)
        scheme, port, name = parts.scheme, parts.port, parts.hostname
    except ValueError as error:
        raise ConfigError(
            _(
                "'{shown}' isn't an address: its host or port can't be one; write it like opensearch://HOST:9200 "
                "or elasticsearch://HOST:9200"
            ).format(shown=shown)
        ) from error
    known = {"http": "http", "https": "https"} | {
        f"{family}{end}": f"http{end}" for family in _VARIABLES for end in ("", "s")
    }
    if scheme not in known or not name or _UNFIT_FOR_HOST.search(name):
        raise ConfigError(
            _(
                "'{shown}' isn't an address of a server; write it like opensearch://HOST:9200 or "
                "elasticsearch://HOST:9200"
            ).format(shown=shown)
        )
    if port is None:
        port = {"http": 80, "https": 443}[known[scheme]] if scheme in ("http", "https") or standard_port else 9200
    shown = f"[{name}]" if ":" in name else name
    return f"{known[scheme]}://{shown}:{port}{parts.path.rstrip('/')}"


def _cloud_host(cloud_id: str) -> str:
    """Return the address in an Elastic Cloud id: `name:base64(domain$elasticsearch$kibana)`."""
    try:
        domain, cluster, *_ignored = b64decode(cloud_id.rpartition(":")[2]).decode("utf-8").split("$")
    except ValueError as error:
        raise ConfigError(_("the cloud id can't be read; copy it whole from the console of Elastic Cloud")) from error
    name, _colon, port = domain.partition(":")
    return f"https://{cluster}.{name}:{port or 443}"
