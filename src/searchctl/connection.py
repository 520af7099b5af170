"""How a server is reached: addresses, credentials and TLS, and the environment variables they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import unquote

from searchctl.errors import ConfigError

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
SECRET_KEYS = frozenset({"password", "api_key", "bearer_token"})
PATH_KEYS = frozenset({"ca_certs", "client_cert", "client_key"})


@dataclass(frozen=True, slots=True)
class Connection:
    """What a server engine needs beside its kind. `hosts` are URLs without user information; paths are absolute.

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


def is_server(engine: str) -> bool:
    """Tell whether an engine is a server, by URL or by bare name, and not a folder."""
    return "://" in engine or engine in ("opensearch", "elasticsearch")


def family_of(engine: str, names: Iterable[str]) -> Family:
    """Return whose variables apply: the engine's own, or for a plain URL or folder those of which some are set."""
    for family in _VARIABLES:
        if engine.startswith(family):
            return family
    telling = {name for group in _VARIABLES["opensearch"].values() for name in group if not name.startswith(_AMBIENT)}
    return "opensearch" if telling.intersection(names) else "elasticsearch"


def variables(family: Family) -> Mapping[str, tuple[str, ...]]:
    """Return the environment variables of each connection setting, the first one set wins."""
    return _VARIABLES[family]


def split_hosts(url: str) -> tuple[tuple[str, ...], str | None, str | None]:
    """Split `https://ann:pw@one:9200,two:9200` into clean URLs, user name and password.

    Raises ConfigError when two hosts carry different credentials.
    """
    hosts: list[str] = []
    found: set[tuple[str, str]] = set()
    scheme = "https"
    for part in filter(None, (one.strip() for one in url.split(","))):
        start, separator, rest = part.rpartition("://")
        scheme = start if separator else scheme
        userinfo, at, address = rest.rpartition("@")
        if at:
            name, _, word = userinfo.partition(":")
            found.add((unquote(name), unquote(word)))
        hosts.append(f"{scheme}://{address}")
    if len(found) > 1:
        raise ConfigError(
            "the hosts of the engine's URL carry different credentials; give one user name and password for all"
        )
    name, word = found.pop() if found else ("", "")
    return tuple(hosts), name or None, word or None
