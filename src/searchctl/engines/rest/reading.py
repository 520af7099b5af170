"""Reading all documents of one index, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from searchctl.engines.rest.client import Client
from searchctl.types import Json


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
