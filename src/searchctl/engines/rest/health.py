"""What a person should know about a server and an index on it, beyond whether it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import quote

from searchctl.engines.rest import foreign
from searchctl.engines.rest.engine import ServerEngine
from searchctl.errors import ServerRefusal

Level: TypeAlias = Literal["ok", "warning", "error"]


class Remark(NamedTuple):
    """One thing that was looked at; `fix` says what to do unless all is well."""

    level: Level
    subject: str
    message: str
    fix: str = ""


def remarks(engine: ServerEngine, index: str) -> Iterator[Remark]:
    """Look at the health and settings of an index. What a managed service refuses to tell is left out."""
    state = engine.state(index, fresh=True)
    if state.send_words:
        why = "the server lacks the stemmers" if state.schema.layout is None else "the documents are somebody else's"
        yield Remark("ok", "words", f"{why}, so words are analysed here and sent as terms")
    waiting = foreign.count(engine.client, state.name, foreign.WAITING) if state.schema.layout is not None else 0
    if waiting:
        message = f"documents without vectors of what they say now: {waiting:,}"
        yield Remark("warning", "vectors", message, f"searchctl vectorize {index}")
    blocks = state.settings.get("blocks", {})
    if any(str(blocks.get(name)) == "true" for name in ("write", "read_only", "read_only_allow_delete")):
        fix = "free disk space there; servers lift the block themselves when there is enough"
        yield Remark("error", "blocks", f"index '{state.name}' takes no documents: it is read-only", fix)
    if state.relaxed is not None:
        message = "a load is running, or has died: refreshes and copies are off"
        yield Remark("warning", "settings", message, "wait for the load, or run it again")
    health = _ask(engine, f"/_cluster/health/{quote(state.name)}")
    if health is not None:
        yield _health(health)


def server_remark(engine: ServerEngine) -> Remark:
    """Look at the server itself."""
    server = engine.server
    if not server.has_vectors:
        return Remark("error", "server", f"{server.name} lacks the k-NN plugin", "install opensearch-knn there")
    licence = _ask(engine, "/_license") if server.family == "elasticsearch" else None
    told = [f"licence: {licence['license']['type']}"] if licence else []
    if server.family == "opensearch":
        told.append(f"native hybrid: {'yes' if server.has_native_hybrid else 'no'}")
    return Remark("ok", "server", ", ".join([f"{server.name} at {engine.url}", *told]))


def _health(health: Any) -> Remark:
    status, missing = health["status"], health["unassigned_shards"]
    if status == "red":
        return Remark("error", "health", "parts of the index are missing", "bring back the nodes that held them")
    if status == "yellow":
        fix = "add a node, or set replicas = 0 under [connection] before making the index"
        return Remark("warning", "health", f"copies of shards that have no node to be on: {missing}", fix)
    return Remark("ok", "health", "every shard and copy is in its place")


def _ask(engine: ServerEngine, path: str) -> Any:
    try:
        return engine.client.request("GET", path).body
    except ServerRefusal:
        return None
