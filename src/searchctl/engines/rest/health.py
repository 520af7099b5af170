"""What a person should know about a server and an index on it, beyond whether it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from searchctl.engines.base import Finding
from searchctl.engines.rest import foreign
from searchctl.engines.rest.http import Client
from searchctl.engines.rest.server import Server
from searchctl.engines.rest.state import IndexState
from searchctl.errors import AccessDenied, ServerRefusal


def examine_server(client: Client, server: Server) -> Finding:
    """Examine the server itself."""
    if not server.has_vectors:
        return Finding("error", "server", f"{server.name} lacks the k-NN plugin", "install opensearch-knn there")
    parts = [f"{server.name} at {client.url}"]
    licence = _ask(client, "/_license") if server.family == "elasticsearch" else None
    if licence:
        parts.append(f"licence: {licence['license']['type']}")
    if server.family == "opensearch":
        parts.append(f"native hybrid: {'yes' if server.has_native_hybrid else 'no'}")
    return Finding("ok", "server", ", ".join(parts))


def examine_index(client: Client, state: IndexState, index: str) -> Iterator[Finding]:
    """Examine health and settings of an index. What a managed service refuses to tell is left out."""
    if state.send_words:
        why = "the server lacks the stemmers" if state.schema.layout is None else "the documents are somebody else's"
        yield Finding("ok", "words", f"{why}, so words are analysed here and sent as terms")
    waiting = foreign.count(client, state.name, foreign.WAITING) if state.schema.layout is not None else 0
    if waiting:
        message = f"documents without vectors of what they say now: {waiting:,}"
        yield Finding("warning", "vectors", message, f"searchctl vectorize {index}")
    blocks = state.settings.get("blocks", {})
    if any(str(blocks.get(name)) == "true" for name in ("write", "read_only", "read_only_allow_delete")):
        fix = "free disk space there; servers lift the block themselves when there is enough"
        yield Finding("error", "blocks", f"index '{state.name}' takes no documents: it is read-only", fix)
    if state.relaxed is not None:
        message = "a load is running, or has died: refreshes and copies are off"
        yield Finding("warning", "settings", message, "wait for the load, or run it again")
    health = _ask(client, f"/_cluster/health/{quote(state.name)}")
    if health is not None:
        yield _health(health)


def _health(health: Any) -> Finding:
    status, missing = health["status"], health["unassigned_shards"]
    if status == "red":
        return Finding("error", "health", "parts of the index are missing", "bring back the nodes that held them")
    if status == "yellow":
        fix = "add a node, or set replicas = 0 under [connection] before making the index"
        return Finding("warning", "health", f"copies of shards that have no node to be on: {missing}", fix)
    return Finding("ok", "health", "every shard and copy is in its place")


def _ask(client: Client, path: str) -> Any:
    """Return the answer to an optional question; None where the server or the role refuses it."""
    try:
        return client.request("GET", path).body
    except (ServerRefusal, AccessDenied):
        return None
