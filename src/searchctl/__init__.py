"""searchctl: hybrid text search and few-shot routing, on a folder, OpenSearch or Elasticsearch.

>>> from searchctl import Index
>>> index = Index.open("./my-index")
>>> index.ingest([{"id": "returns", "text": "Send it back within 30 days."}])
>>> index.search("how do I return an item")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from searchctl.across import Indexes
    from searchctl.encoders import open_encoder
    from searchctl.engines import open_engine
    from searchctl.errors import SearchctlError
    from searchctl.gateway.client import hybrid
    from searchctl.index import Index
    from searchctl.ingest.model import IngestSettings
    from searchctl.notebook import answer, cluster, duplicates, evaluate, reembed, tune
    from searchctl.ranking.fusion import FusionSettings
    from searchctl.routing.router import Example, Route, Router, RouteSettings
    from searchctl.schema import PassageSettings
    from searchctl.settings.connection import Connection
    from searchctl.sources import discover
    from searchctl.types import AllOf, And, Clause, Document, Exists, Facet, Hit, Not, OneOf, Or, Prefix, Range, Results

_HOMES = {
    "AllOf": "types",
    "And": "types",
    "Clause": "types",
    "Connection": "settings.connection",
    "Document": "types",
    "Example": "routing.router",
    "Exists": "types",
    "Facet": "types",
    "FusionSettings": "ranking.fusion",
    "Hit": "types",
    "Index": "index",
    "Indexes": "across",
    "IngestSettings": "ingest.model",
    "Not": "types",
    "OneOf": "types",
    "Or": "types",
    "PassageSettings": "schema",
    "Prefix": "types",
    "Range": "types",
    "Results": "types",
    "Route": "routing.router",
    "RouteSettings": "routing.router",
    "Router": "routing.router",
    "SearchctlError": "errors",
    "answer": "notebook",
    "cluster": "notebook",
    "discover": "sources",
    "duplicates": "notebook",
    "evaluate": "notebook",
    "hybrid": "gateway.client",
    "open_encoder": "encoders",
    "open_engine": "engines",
    "reembed": "notebook",
    "tune": "notebook",
}

__all__ = [
    "AllOf",
    "And",
    "Clause",
    "Connection",
    "Document",
    "Example",
    "Exists",
    "Facet",
    "FusionSettings",
    "Hit",
    "Index",
    "Indexes",
    "IngestSettings",
    "Not",
    "OneOf",
    "Or",
    "PassageSettings",
    "Prefix",
    "Range",
    "Results",
    "Route",
    "RouteSettings",
    "Router",
    "SearchctlError",
    "answer",
    "cluster",
    "discover",
    "duplicates",
    "evaluate",
    "hybrid",
    "open_encoder",
    "open_engine",
    "reembed",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it's first used, so that the command line starts without numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'searchctl' has no attribute '{name}'")
    return getattr(import_module(f"searchctl.{_HOMES[name]}"), name)
