"""Engines: where indexes live, opened by their URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from searchctl.engines.base import FullEngine, VectorLeg
from searchctl.errors import UsageError
from searchctl.settings.connection import (
    Connection,
    Family,
    is_server,
    named_family,
    refuse_malformed,
    server_connection,
)
from searchctl.settings.paths import user_path
from searchctl.translation import _

if TYPE_CHECKING:
    import ssl

DEFAULT_ENGINE = ".searchctl"


def open_engine(
    url: str | os.PathLike[str] = DEFAULT_ENGINE, connection: Connection | None = None, *, client: object = None
) -> FullEngine:
    """Open an engine: a plain path is an embedded one, a URL a server.

    `opensearch://`, `opensearchs://` (TLS), `elasticsearch://`, `elasticsearchs://`, or `http(s)://`, where the server is asked what it
    is; several hosts are separated by commas. `connection` holds credentials and TLS. `client` is a team's own `OpenSearch(...)` or
    `Elasticsearch(...)`, by which all requests go in place of an address; it stays open. Nothing is created or asked yet; raises
    UsageError, ConfigError, MissingExtra.
    """
    if client is not None:
        from searchctl.engines.rest.client import Client
        from searchctl.engines.rest.engine import ServerEngine

        return ServerEngine(Client.of(client), connection or Connection(), _family_of_client(client))
    text = os.fspath(url)
    if is_server(text):
        from searchctl.engines.rest.client import Client
        from searchctl.engines.rest.engine import ServerEngine

        asked = server_connection(text, connection)
        return ServerEngine(Client(asked), asked, named_family(text))
    from searchctl.engines.embedded import EmbeddedEngine

    refuse_malformed(text)
    path = user_path(text)
    if path.is_file():
        raise UsageError(_("{path} is a file; an embedded engine lives in a folder").format(path=path))
    return EmbeddedEngine(path)


def vector_leg(family: Family) -> VectorLeg:
    """Return what the vector leg is in the words of a family of servers."""
    from searchctl.engines.rest.vector_leg import ServerVectorLeg

    return ServerVectorLeg(family)


def server_access(connection: Connection) -> tuple[str | None, ssl.SSLContext]:
    """Return the Authorization header of a connection's credentials, None without any, and what its HTTPS is verified with.

    Raises ConfigError for certificates that can't be read.
    """
    from searchctl.engines.rest.credentials import authorization, tls_context

    return authorization(connection).get("authorization"), tls_context(connection)


def _family_of_client(client: object) -> Family:
    """Return what a team's client is made for: that counts where the server itself doesn't say."""
    return "elasticsearch" if type(client).__module__.startswith("elastic") else "opensearch"
