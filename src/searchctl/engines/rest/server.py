"""Which server answers, in which version, and what it can do: asked of the server, never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from searchctl.engines.rest.client import Client
from searchctl.errors import AccessDenied, ServerRefusal, UsageError
from searchctl.settings.connection import Family
from searchctl.translation import _

Version: TypeAlias = "tuple[int, ...]"
_OLDEST: dict[Family, Version] = {"opensearch": (2, 12), "elasticsearch": (8, 11)}  # nested vectors with inner hits
_UNKNOWN: dict[Family, Version] = {"opensearch": (2, 19), "elasticsearch": (9, 0)}  # where a managed service hides it


@dataclass(frozen=True, slots=True)
class Server:
    """What was found. `plugins` is None where the server doesn't tell, `number` empty likewise."""

    family: Family
    number: str
    plugins: frozenset[str] | None

    @property
    def name(self) -> str:
        """Return `opensearch-2.19.1`."""
        return f"{self.family}-{self.number}" if self.number else self.family

    @property
    def version(self) -> Version:
        """Return the version's numbers."""
        parts = self.number.split("-")[0].split(".")
        return tuple(int(part) for part in parts if part.isdigit()) or _UNKNOWN[self.family]

    @property
    def has_vectors(self) -> bool:
        """Tell whether it can search vectors: always on Elasticsearch, by the k-NN plugin on OpenSearch."""
        return self.family == "elasticsearch" or self.plugins is None or "opensearch-knn" in self.plugins

    @property
    def has_native_hybrid(self) -> bool:
        """Tell whether it takes OpenSearch's own `hybrid` query and search pipelines (2.10, with neural-search)."""
        return self.family == "opensearch" and self.version >= (2, 10) and "opensearch-neural-search" in self._known()

    @property
    def hides_vectors(self) -> bool:
        """Tell whether vectors are left out of `_source` unless asked for."""
        return self.family == "elasticsearch" and self.version >= (9, 2)

    def _known(self) -> frozenset[str]:
        return self.plugins if self.plugins is not None else frozenset()


def identify(client: Client, family: Family | None) -> Server:
    """Ask who is there; `family` counts only where the server doesn't say. Raises EngineUnreachable, UsageError."""
    body = _ask(client, "/")
    said = body.get("version")
    version: dict[str, Any] = said if isinstance(said, dict) else {}
    found = _family(version, str(body.get("tagline", "")))
    local = _ask(client, "/_nodes/_local?filter_path=nodes.*.version,nodes.*.plugins.name")
    node: dict[str, Any] = next(iter(local.get("nodes", {}).values()), {})
    found = found or client.family_named or family or ("opensearch" if node else None)
    if found is None:
        raise UsageError(
            _(
                "{url} doesn't say whether it is OpenSearch or Elasticsearch; write opensearch:// or "
                "elasticsearch:// in --engine"
            ).format(url=client.url)
        )
    number = str(node.get("version") or version.get("number") or "")  # OpenSearch may claim to be 7.10.2 in the first
    plugins = frozenset(str(one["name"]) for one in node.get("plugins", ())) if node else None
    server = Server(found, number, plugins)
    if server.version < _OLDEST[found]:
        oldest = ".".join(map(str, _OLDEST[found]))
        raise UsageError(
            _("{url} is {name}; searchctl needs {found} {oldest} or later: upgrade the server").format(
                url=client.url, name=server.name, found=found, oldest=oldest
            )
        )
    return server


def _ask(client: Client, path: str) -> dict[str, Any]:
    """Return what is answered, nothing where the server refuses: managed ones often do, and so do roles without rights on the cluster."""
    try:
        body = client.request("GET", path).body
    except AccessDenied:
        return {}
    except ServerRefusal as refusal:
        if refusal.kind == "not JSON":
            raise
        return {}
    return body if isinstance(body, dict) else {}


def _family(version: dict[str, Any], tagline: str) -> Family | None:
    if version.get("distribution") == "opensearch" or "OpenSearch" in tagline:
        return "opensearch"
    return "elasticsearch" if tagline == "You Know, for Search" else None
