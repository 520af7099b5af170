"""What a person should know about a server and an index on it, beyond whether it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from searchctl.engines.base import Finding
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.foreign_search import ForeignView
from searchctl.engines.rest.server import Server
from searchctl.engines.rest.state import IndexState
from searchctl.errors import AccessDenied, ServerRefusal
from searchctl.translation import _

_BLOCKS = ("write", "read_only", "read_only_allow_delete")


def examine_server(client: Client, server: Server) -> Finding:
    """Examine the server itself."""
    if not server.has_vectors:
        return Finding(
            "error",
            "server",
            _("{name} lacks the k-NN plugin").format(name=server.name),
            _("install opensearch-knn there"),
        )
    parts = [f"{server.name} at {client.url}"]
    licence = _ask(client, "/_license") if server.family == "elasticsearch" else None
    if licence:
        parts.append(f"licence: {licence['license']['type']}")
    if server.family == "opensearch":
        parts.append(f"native hybrid: {'yes' if server.has_native_hybrid else 'no'}")
    return Finding("ok", "server", ", ".join(parts))


def examine_index(client: Client, state: IndexState) -> Iterator[Finding]:
    """Examine health and settings of an index. What a managed service refuses to tell is left out."""
    if state.send_words:
        yield Finding("ok", "words", _("the server lacks the stemmers, so words are analysed here and sent as terms"))
    if any(str(state.settings.get("blocks", {}).get(name)) == "true" for name in _BLOCKS):
        fix = "free disk space there; servers lift the block themselves when there is enough"
        yield Finding(
            "error", "blocks", _("index '{name}' takes no documents: it is read-only").format(name=state.name), fix
        )
    if state.relaxed is not None:
        message = _("a load is running, or has died: refreshes and copies are off")
        yield Finding("warning", "settings", message, _("wait for the load, or run it again"))
    yield from _health_of(client, quote(state.name))


def examine_foreign(client: Client, view: ForeignView) -> Iterator[Finding]:
    """Examine an index of others: which documents wait for vectors of what they say now."""
    yield Finding("ok", "words", _("the documents are somebody else's, and their own fields are asked"))
    if view.uncovered:
        names = ", ".join(view.uncovered)
        yield Finding(
            "warning",
            "vectors",
            _("indexes without any vectors: {names}").format(names=names),
            f"searchctl vectorize {view.name}",
        )
    waiting = view.waiting()
    if waiting:
        message = _("documents without vectors of what they say now: {waiting:,}").format(waiting=waiting)
        yield Finding("warning", "vectors", message, f"searchctl vectorize {view.name}")
    yield from _health_of(client, view.shape.path)


def _health_of(client: Client, path: str) -> Iterator[Finding]:
    health = _ask(client, f"/_cluster/health/{path}")
    if health is not None:
        yield _health(health)


def _health(health: Any) -> Finding:
    status, missing = health["status"], health["unassigned_shards"]
    if status == "red":
        return Finding("error", "health", _("parts of the index are missing"), _("bring back the nodes that held them"))
    if status == "yellow":
        fix = "add a node, or set replicas = 0 under [connection] before making the index"
        return Finding(
            "warning",
            "health",
            _("copies of shards that have no node to be on: {missing}").format(missing=missing),
            fix,
        )
    return Finding("ok", "health", _("every shard and copy is in its place"))


def _ask(client: Client, path: str) -> Any:
    """Return the answer to an optional question; None where the server or the role refuses it."""
    try:
        return client.request("GET", path).body
    except (ServerRefusal, AccessDenied):
        return None
