"""OpenSearch's own hybrid query: both legs joined by its neural-search plugin, to compare with our fusion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

import numpy as np

from searchctl.engines.base import TECHNIQUES, Technique
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.server import Server
from searchctl.settings.resources import resource_folder
from searchctl.types import Json, Ranking, Total

_SINCE: dict[Technique, tuple[int, int]] = {
    "weighted": (2, 10),
    "rrf": (2, 19),
}  # normalization-, score-ranker-processor
_NEWEST = 3


def techniques(server: Server) -> tuple[Technique, ...]:
    """Return the ways in which a server joins both legs itself."""
    if not server.has_native_hybrid:
        return ()
    return tuple(technique for technique in TECHNIQUES if server.version >= _SINCE[technique])


def definition(server: Server, technique: Technique, *, lexical: float = 0.5) -> Json:
    """Return a search pipeline as the server takes it, from the templates."""
    major = min(server.version[0], _NEWEST)
    path = resource_folder("mappings") / f"opensearch-{major}" / f"pipeline-{technique}.json"
    body: Json = json.loads(path.read_text(encoding="utf-8"))
    if technique == "weighted":
        combination = body["phase_results_processors"][0]["normalization-processor"]["combination"]
        combination["parameters"]["weights"] = [round(lexical, 4), round(1 - lexical, 4)]
    return body


def ask(client: Client, server: Server, index: str, legs: Sequence[Json], k: int, technique: Technique) -> Ranking:
    """Return the first `k` documents for the queries of the lexical and the vector leg, joined by the server.

    No pipeline needs to be installed: it travels with the query.
    """
    lexical, vector = legs
    del vector["nested"]["inner_hits"]  # which a hybrid query can't bring before 3.0
    body: Json = {
        "query": {"hybrid": {"queries": [lexical, vector]}},
        "search_pipeline": definition(server, technique),
        "size": k,
        "_source": False,
    }
    answer = client.request("POST", f"/{quote(index)}/_search", body).body
    hits = answer["hits"]["hits"]
    return Ranking(
        tuple(str(hit["_id"]) for hit in hits),
        np.array([hit["_score"] for hit in hits], dtype=np.float64),
        (-1,) * len(hits),
        Total(len(hits), "gte"),
        float(answer["took"]),
    )
