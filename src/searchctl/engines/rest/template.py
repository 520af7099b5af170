"""From a stamp to an index as a server takes it: the template of `mappings/`, filled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from searchctl.engines.rest.dialect import Dialect
from searchctl.engines.rest.options import IndexOptions
from searchctl.engines.rest.words import SENT_ANALYSIS, SENT_ANALYZER
from searchctl.schema import Analyzer, Bm25Settings, FieldType, Schema
from searchctl.settings.resources import resource_folder
from searchctl.types import Json

META = "searchctl"
_NEWEST = {"opensearch": 3, "elasticsearch": 9}
_OLDEST = {"opensearch": 2, "elasticsearch": 8}


def index_body(dialect: Dialect, schema: Schema, options: IndexOptions, *, send_words: bool) -> Json:
    """Return settings and mappings of a new index. With `send_words` the server needs no stemmers."""
    server = dialect.server
    major = min(max(server.version[0], _OLDEST[server.family]), _NEWEST[server.family])
    body = _read(f"{server.family}-{major}/index.json")
    settings, properties = body["settings"]["index"], body["mappings"]["properties"]
    settings["number_of_shards"] = options.shards
    settings["number_of_replicas"] = options.replicas
    settings["similarity"]["default"] |= bm25_settings(schema.bm25)
    body["mappings"]["_meta"] = {META: schema.to_json()}
    if send_words:
        settings["analysis"] = SENT_ANALYSIS
    for name in ("title", "text", "content"):
        properties[name]["analyzer"] = analyzer_name(schema.analyzer, send_words=send_words)
    if send_words:
        for name in ("title", "text"):
            properties[name] = {"type": "text", "index": False}
    properties["fields"]["properties"] = field_mappings(schema.fields, schema.analyzer, send_words=send_words)
    passages = properties["passages"]["properties"]
    if schema.encoder is None:
        del passages["vector"]
        settings.pop("knn", None)
    else:
        passages["vector"] = dialect.vector_field(passages["vector"], schema.encoder.dim, options)
    return body


def bm25_settings(bm25: Bm25Settings | None) -> Json:
    """Return the parameters of an index's similarity."""
    settings = bm25 or Bm25Settings()
    return {"k1": settings.k1, "b": settings.b}


def field_mappings(fields: Mapping[str, FieldType], analyzer: Analyzer, *, send_words: bool) -> Json:
    """Return the mapping of each typed field; those whose names no server takes are stored only."""
    kinds = _read("fields.json")
    kinds["text"] = (
        {"type": "text", "analyzer": SENT_ANALYZER}
        if send_words
        else {**kinds["text"], "analyzer": analyzer_name(analyzer, send_words=False)}
    )
    return {name: kinds[kind] for name, kind in fields.items() if is_mappable(name)}


def is_mappable(name: str) -> bool:
    """Tell whether servers take a name: a dot separates parts, none of which may be blank."""
    return all(part.strip() for part in name.split("."))


def analyzer_name(analyzer: Analyzer, *, send_words: bool) -> str:
    """Return the name of an analyzer in the templates."""
    return SENT_ANALYZER if send_words else f"searchctl_{analyzer.removesuffix('-1')}"


@lru_cache(maxsize=8)
def _text(path: str) -> str:
    return (resource_folder("mappings") / path).read_text(encoding="utf-8")


def _read(path: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(_text(path)))
