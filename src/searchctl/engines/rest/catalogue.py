"""The indexes of a server and the names that lead to them: aliases, clones, sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from searchctl.engines.names import check_name, check_reference
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.loading import local_folder
from searchctl.engines.rest.state import read_index
from searchctl.engines.rest.template import META
from searchctl.errors import AccessDenied, IndexExists, IndexMissing, SearchctlError, ServerRefusal
from searchctl.translation import _
from searchctl.types import IndexInfo, Json

UNFINISHED = "-unfinished"  # ends the alias of a copy whose original is still in use
_TAKEN = ("resource_already_exists_exception", "invalid_index_name_exception")
_MANAGED = ("number_of_shards", "number_of_replicas")  # by a serverless offering itself
_BLOCKED = re.compile(r"index \[([^\]]+)\] blocked by")
_REPLICA_SETTINGS = ("number_of_replicas", "auto_expand_replicas")


def index_names(client: Client) -> list[str]:
    """Return the names of all indexes with searchctl's stamp, sorted; others' that may not be described are passed over."""
    blocked: list[str] = []
    while True:
        path = "".join(["/*", *(f",-{quote(name)}" for name in blocked)]) if blocked else ""
        try:
            mappings = client.request("GET", f"{path}/_mapping?filter_path=*.mappings._meta.{META}.format").body or {}
        except ServerRefusal as refusal:
            more = [name for name in _BLOCKED.findall(str(refusal)) if name not in blocked]
            if refusal.kind != "cluster_block_exception" or not more:
                raise
            blocked += more
            continue
        return sorted(mappings)


def create(client: Client, index: str, body: Json) -> None:
    """Make an index. Raises IndexExists. Where a serverless offering decides on shards and copies itself, they are left out."""
    try:
        client.request("PUT", f"/{quote(index)}", body, repeatable=False)
    except ServerRefusal as refusal:
        if refusal.kind in _TAKEN and _is_there(client, index):
            raise IndexExists(
                _("there is an index '{index}' on {url} already; choose another --index").format(
                    index=index, url=client.url
                )
            ) from refusal
        own = body["settings"]["index"]
        settings = {name: value for name, value in own.items() if name not in _MANAGED}
        if refusal.status != 400 or not any(name in str(refusal) for name in _MANAGED) or settings == own:
            raise
        create(client, index, {**body, "settings": {"index": settings}})


def _is_there(client: Client, index: str) -> bool:
    try:
        return bool(read_index(client, index))
    except IndexMissing:
        return False


def info(client: Client, name: str, described: Json) -> IndexInfo:
    """Return counts and size of one index as its server describes it."""
    body: Json = {"size": 0, "track_total_hits": True, "aggs": {"passages": {"nested": {"path": "passages"}}}}
    answer = client.request("POST", f"/{quote(name)}/_search", body).body
    return IndexInfo(
        name,
        answer["hits"]["total"]["value"],
        answer["aggregations"]["passages"]["doc_count"],
        size_on_disk(client, name),
        local_folder(client.url, name, described["settings"]["index"]["uuid"]),
        tuple(sorted(described.get("aliases", {}))),
    )


def size_on_disk(client: Client, name: str) -> int:
    """Return the bytes of all copies of an index; 0 where the server doesn't tell or may not be asked."""
    try:
        body = client.request("GET", f"/{quote(name)}/_stats/store").body
    except (ServerRefusal, AccessDenied):  # serverless offerings have no such thing, and some roles lack the right
        return 0
    return int(body["_all"]["total"]["store"]["size_in_bytes"])


def point_alias(client: Client, alias: str, target: str, keep: str | None) -> str | None:
    """Point `alias` at the index `target` in one step. Return the name of what it pointed at before.

    An index whose own name is `alias` lives on as a clone called `keep`; without `keep` this raises IndexExists.
    """
    try:
        before = sorted(read_index(client, check_reference(alias)))
    except IndexMissing:
        before = []
    if alias in before:
        if keep is None:
            raise IndexExists(
                _("'{alias}' is an index of its own on {url}, so it can't be an alias").format(
                    alias=alias, url=client.url
                )
            )
        _clone(client, alias, check_name(keep))
        actions: list[Json] = [
            {"remove_index": {"index": alias}},
            {"remove": {"index": keep, "alias": keep + UNFINISHED}},
        ]
        before = [keep]
    else:
        actions = [{"remove": {"index": name, "alias": alias}} for name in before if name != target]
    actions.append({"add": {"index": target, "alias": alias}})
    client.request("POST", "/_aliases", {"actions": actions})
    return before[0] if before else None


def _clone(client: Client, index: str, name: str) -> None:
    """Copy an index under another name, which servers do by links to the same files; they can't rename.

    Until the original is gone an alias says that the copy is no index of its own: a move may be broken off here.
    """
    with suppress(IndexMissing):
        if _is_unfinished(name, read_index(client, name)):
            client.request("DELETE", f"/{quote(name)}")
    path = f"/{quote(index)}/_settings"
    own = client.request("GET", path).body[index]["settings"]["index"]
    copies = {key: own[key] for key in _REPLICA_SETTINGS if key in own}  # which a clone doesn't take over
    client.request("PUT", path, {"index": {"blocks.write": True}})
    try:
        settings: Json = {
            "settings": {"index": {**copies, "blocks.write": None}},
            "aliases": {name + UNFINISHED: {}},
        }
        wait: dict[str, str | int | bool] = {"wait_for_active_shards": 1}
        client.request("PUT", f"/{quote(index)}/_clone/{quote(name)}", settings, params=wait, timeout=300.0)
        ready: dict[str, str | int | bool] = {"wait_for_status": "yellow", "timeout": "120s"}
        client.request("GET", f"/_cluster/health/{quote(name)}", params=ready, timeout=150.0)
    except SearchctlError:
        client.request("PUT", path, {"index": {"blocks.write": None}})
        raise


def _is_unfinished(name: str, described: Mapping[str, Any]) -> bool:
    return name + UNFINISHED in described.get(name, {}).get("aliases", {})
