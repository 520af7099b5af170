"""OpenSearch's own hybrid search: pipelines for clients that send its `hybrid` query themselves, and answers to compare with ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from searchctl.engines.base import Engine
from searchctl.engines.rest.native import TECHNIQUES, Technique, definition, native_engine, native_ranking
from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.search.leg_answers import WINDOW
from searchctl.search.query import parse_query
from searchctl.types import Json, Match, Nearest, Scope

__all__ = ["TECHNIQUES", "Installed", "Technique", "install", "native_answers"]


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
    server = native_engine(engine, technique)
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


def native_answers(index: Index, texts: Sequence[str], k: int, technique: Technique) -> list[list[str]]:
    """Return the ids of the `k` best documents for each text as OpenSearch itself joins the legs, given as many candidates as ours.

    Nothing needs to be installed for that: the pipeline comes with the question.
    """
    native_engine(index.engine, technique)
    encoder, name = index.encoder, index.engine.resolve(index.name)
    if encoder is None:
        raise UsageError(f"index '{index.name}' has no vectors, so there is nothing to join")
    parsed = [parse_query(text) for text in texts]
    vectors = encoder.encode_queries([one.text for one in parsed])
    found = []
    for one, vector in zip(parsed, vectors, strict=True):
        scope = Scope(None, one.required + one.quoted, one.excluded)
        match, nearest = Match(one.text, max(k, WINDOW), scope), Nearest(vector, max(k, WINDOW), scope)
        found.append(list(native_ranking(index.engine, name, match, nearest, technique).ids[:k]))
    return found
