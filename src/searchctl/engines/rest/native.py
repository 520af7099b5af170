"""OpenSearch's own hybrid query: both legs joined by its neural-search plugin, to compare with our fusion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args
from urllib.parse import quote

import numpy as np

from searchctl.engines.base import Engine
from searchctl.engines.rest.engine import ServerEngine
from searchctl.errors import UsageError
from searchctl.settings.resources import resource_folder
from searchctl.types import Json, Match, Nearest, Ranking, Total

Technique: TypeAlias = Literal["weighted", "rrf"]
TECHNIQUES: tuple[Technique, ...] = get_args(Technique)
NATIVE: Mapping[str, Technique] = {"native": "weighted", "native-rrf": "rrf"}  # as names among ways to search
_SINCE = {"weighted": (2, 10), "rrf": (2, 19)}  # normalization-processor, score-ranker-processor
_NEWEST = 3


def native_engine(engine: Engine, technique: Technique) -> ServerEngine:
    """Return the engine if it can join legs in this way itself; raises UsageError."""
    if not isinstance(engine, ServerEngine) or not engine.server.has_native_hybrid:
        raise UsageError(
            f"{engine.name} has no hybrid query of its own; that takes OpenSearch 2.10 or later with neural-search, and "
            "searchctl's own fusion needs nothing"
        )
    if engine.server.version < _SINCE[technique]:
        since = ".".join(map(str, _SINCE[technique]))
        raise UsageError(f"{engine.name} has no '{technique}' of its own, which came with {since}; choose another")
    return engine


def technique_of(fusion: str) -> Technique:
    """Return what a fusion's name asks of the server; raises UsageError."""
    if fusion not in NATIVE:
        raise UsageError(
            f"no fusion '{fusion}' by name; give FusionSettings('{fusion}'), or one of: {', '.join(NATIVE)}"
        )
    return NATIVE[fusion]


def definition(engine: ServerEngine, technique: Technique, *, lexical: float = 0.5) -> Json:
    """Return a search pipeline as the server takes it, from the templates."""
    major = min(engine.server.version[0], _NEWEST)
    path = resource_folder("mappings") / f"opensearch-{major}" / f"pipeline-{technique}.json"
    body: Json = json.loads(path.read_text(encoding="utf-8"))
    if technique == "weighted":
        combination = body["phase_results_processors"][0]["normalization-processor"]["combination"]
        combination["parameters"]["weights"] = [round(lexical, 4), round(1 - lexical, 4)]
    return body


def native_ranking(engine: Engine, index: str, match: Match, nearest: Nearest, technique: Technique) -> Ranking:
    """Return the first documents as the server itself joins both questions, from as many candidates of each as it asks for.

    Nothing needs to be installed for that: the pipeline comes with the question. Raises UsageError where the server has no
    such thing.
    """
    server = native_engine(engine, technique)
    state = server.state(index)
    legs = [server.search_body(state, query)["query"] for query in (match, nearest)]
    del legs[1]["nested"]["inner_hits"]  # which a hybrid query can't bring before 3.0
    body: Json = {
        "query": {"hybrid": {"queries": legs}},
        "search_pipeline": definition(server, technique),
        "size": match.k,
        "_source": False,
    }
    answer = server.client.request("POST", f"/{quote(state.name)}/_search", body).body
    hits = answer["hits"]["hits"]
    return Ranking(
        tuple(str(hit["_id"]) for hit in hits),
        np.array([hit["_score"] for hit in hits], dtype=np.float64),
        (-1,) * len(hits),
        Total(len(hits), "gte"),
        float(answer["took"]),
    )
