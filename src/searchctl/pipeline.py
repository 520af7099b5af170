"""OpenSearch's own hybrid search: pipelines for clients that send its `hybrid` query themselves, and answers to compare with ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args
from urllib.parse import quote

from searchctl.answers import WINDOW
from searchctl.engines.base import Engine
from searchctl.engines.rest.documents import numbers
from searchctl.engines.rest.engine import ServerEngine
from searchctl.engines.rest.queries import Questions
from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.query import parse_query
from searchctl.resources import resource_folder
from searchctl.types import Json, Match, Scope, Vector

Technique: TypeAlias = Literal["weighted", "rrf"]
TECHNIQUES: tuple[Technique, ...] = get_args(Technique)
_SINCE = {"weighted": (2, 10), "rrf": (2, 19)}  # normalization-processor, score-ranker-processor
_NEWEST = 3


@dataclass(frozen=True, slots=True)
class Installed:
    """A pipeline on the server, and a body for `POST INDEX/_search?search_pipeline=NAME` that uses it."""

    name: str
    body: Json
    example: Json


def install(engine: Engine, technique: Technique, name: str, *, lexical: float = 0.5) -> Installed:
    """Write a search pipeline: "weighted" scales both legs to [0, 1] and sums them, `lexical` in [0, 1] to the rest; "rrf" takes ranks.

    Raises UsageError where the server has no such thing.
    """
    server = _native(engine, technique)
    body = definition(server, technique, lexical=lexical)
    server.client.request("PUT", f"/_search/pipeline/{quote(name)}", body)
    example: Json = {
        "query": {
            "hybrid": {
                "queries": [
                    {"match": {"content": {"query": "TEXT"}}},
                    {
                        "nested": {
                            "path": "passages",
                            "score_mode": "max",
                            "query": {"knn": {"passages.vector": {"vector": ["…"], "k": 100}}},
                        }
                    },
                ]
            }
        },
        "_source": {"excludes": ["passages.vector"]},
    }
    return Installed(name, body, example)


def definition(engine: ServerEngine, technique: Technique, *, lexical: float = 0.5) -> Json:
    """Return a pipeline as the server takes it, from the templates."""
    major = min(engine.server.version[0], _NEWEST)
    path = resource_folder("mappings") / f"opensearch-{major}" / f"pipeline-{technique}.json"
    body: Json = json.loads(path.read_text(encoding="utf-8"))
    if technique == "weighted":
        combination = body["phase_results_processors"][0]["normalization-processor"]["combination"]
        combination["parameters"]["weights"] = [round(lexical, 4), round(1 - lexical, 4)]
    return body


def native_answers(index: Index, texts: Sequence[str], k: int, technique: Technique) -> list[list[str]]:
    """Return the ids of the `k` best documents for each text as OpenSearch itself joins the legs, given as many candidates as ours.

    Nothing needs to be installed for that: the pipeline comes with the question.
    """
    engine, encoder = _native(index.engine, technique), index.encoder
    if encoder is None:
        raise UsageError(f"index '{index.name}' has no vectors, so there is nothing to join")
    parsed = [parse_query(text) for text in texts]
    vectors = encoder.encode_queries([one.text for one in parsed])
    state = engine.state(index.name)
    questions = Questions(state.schema, send_words=state.send_words)
    pipeline = definition(engine, technique)
    found = []
    for one, vector in zip(parsed, vectors, strict=True):
        scope = Scope({}, one.required + one.quoted, one.excluded)
        legs = [questions.match(Match(one.text, k, scope))["query"], _nearest(engine, questions, vector, scope)]
        body: Json = {"query": {"hybrid": {"queries": legs}}, "search_pipeline": pipeline, "size": k, "_source": False}
        reply = engine.client.request("POST", f"/{quote(state.name)}/_search", body)
        found.append([str(hit["_id"]) for hit in reply.body["hits"]["hits"]])
    return found


def _nearest(engine: ServerEngine, questions: Questions, vector: Vector, scope: Scope) -> Json:
    query: Json = engine.dialect.nearest(numbers(vector), WINDOW, questions.filters(scope))["query"]
    del query["nested"]["inner_hits"]  # which a hybrid query can't bring before 3.0
    return query


def _native(engine: Engine, technique: Technique) -> ServerEngine:
    """Return the engine if it can join legs in this way itself."""
    if not isinstance(engine, ServerEngine) or not engine.server.has_native_hybrid:
        raise UsageError(
            f"{engine.name} has no hybrid query of its own; that takes OpenSearch 2.10 or later with neural-search, and "
            "searchctl's own fusion needs nothing"
        )
    if engine.server.version < _SINCE[technique]:
        since = ".".join(map(str, _SINCE[technique]))
        raise UsageError(
            f"{engine.name} has no '{technique}' of its own, which came with {since}; choose another --method"
        )
    return engine
