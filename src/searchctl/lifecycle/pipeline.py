"""OpenSearch's own hybrid search: pipelines for clients that send its `hybrid` query themselves."""

from __future__ import annotations

from dataclasses import dataclass

from searchctl.engines.base import Engine, Technique, native_hybrid
from searchctl.types import Json


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
    body = native_hybrid(engine, technique).install_pipeline(name, technique, lexical=lexical)
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
