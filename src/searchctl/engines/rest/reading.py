"""Reading documents of one index: by id, and all of them page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from searchctl.engines.rest.http import Client
from searchctl.types import Json


def by_search(client: Client, index: str, ids: Sequence[str], parameters: Mapping[str, str]) -> Iterator[Json]:
    """Yield documents in the order of `ids`, `{}` for a missing one.

    A search finds them wherever they lie: others may have put them on shards of their own choice.
    """
    body: Json = {"query": {"ids": {"values": list(ids)}}, "size": len(ids)}
    hits = client.request("POST", f"/{quote(index)}/_search", body, params=parameters).body["hits"]["hits"]
    by_id: dict[str, Json] = {hit["_id"]: {**hit, "found": True} for hit in hits}
    yield from (by_id.get(id, {}) for id in ids)


def pages(client: Client, index: str, body: Json) -> Iterator[list[Json]]:
    """Yield the hits of a sorted search in pages of `body["size"]`, each beginning after the last hit of the one before."""
    following = dict(body)
    while True:
        hits = client.request("POST", f"/{quote(index)}/_search", following).body["hits"]["hits"]
        if hits:
            yield hits
        if len(hits) < body["size"]:
            return
        following["search_after"] = hits[-1]["sort"]
