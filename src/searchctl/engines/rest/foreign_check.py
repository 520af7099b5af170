"""A check-list before vectors are added to an index of others: what could do harm, or give less than its owner expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from searchctl.engines.base import Finding
from searchctl.engines.rest import foreign, foreign_names
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.documents import ADDED
from searchctl.engines.rest.foreign import ForeignShape
from searchctl.engines.rest.server import Server
from searchctl.engines.rest.state import companion_name
from searchctl.errors import AccessDenied, ServerRefusal
from searchctl.schema import Schema
from searchctl.translation import _
from searchctl.types import Json

_SAMPLE = 50  # documents looked at
_ADDED_FIELDS = 10  # that a mapping gains in place
_USUAL_FIELDS = 1000  # index.mapping.total_fields.limit
_EXTERNAL = 1_000_000  # versions from here on are more likely a clock's than a counter's
_BYTES = 4 * 1.4  # for each number of a vector: itself, and its share of the graph and of _source
_BLOCKS = ("write", "read_only", "read_only_allow_delete")


def companion(client: Client, server: Server, shape: ForeignShape, schema: Schema) -> Iterator[Finding]:
    """Examine what vectors beside the documents depend on. The index itself isn't written to."""
    hits = _sample(client, shape, schema)
    yield from _name(shape)
    yield from _readable(shape, schema, hits)
    yield from _window(shape)
    yield from _disk(client, shape, schema)
    yield from foreign_names.doubles(client, shape, [hit["_id"] for hit in hits])
    yield from foreign_names.conflicts(shape)
    yield from foreign_names.template(client, companion_name(shape.name))
    yield from foreign_names.words(shape, schema)
    untouched = [
        *(f"pipeline {name}" for name in _pipelines(shape)),
        *(["write block"] if _blocks(shape) else []),
        *(["strict mapping"] if _strict(shape) else []),
        *(["versions given by its owner"] if _external(hits) else []),
        *(["copy_to"] if _copied(shape) else []),
        *(["queries of all fields (*)"] if _asks_all(shape) else []),
    ]
    if untouched:
        yield Finding(
            "ok",
            "left alone",
            _("vectors lie beside the index, so these stay as they are: {untouched}").format(
                untouched=", ".join(untouched)
            ),
        )
    if not server.has_vectors:
        yield Finding(
            "error",
            "server",
            _("{name} lacks the k-NN plugin").format(name=server.name),
            _("install opensearch-knn there"),
        )


def in_place(client: Client, server: Server, shape: ForeignShape, schema: Schema) -> Iterator[Finding]:
    """Examine what could do harm when the documents themselves are changed."""
    hits = _sample(client, shape, schema)
    beside = "leave --in-place out"
    yield from _name(shape)
    yield from _readable(shape, schema, hits)
    for name in _pipelines(shape):
        yield Finding(
            "warning",
            "pipeline",
            _("documents go through {name} when they are written whole, as --remove does").format(name=name),
        )
    if _blocks(shape):
        yield Finding("error", "blocks", _("the index takes no documents: it is read-only"), beside)
    if any(filters := [_source_filter(body) for body in shape.indexes.values()]):
        names = "; ".join(text for text in filters if text)
        yield Finding(
            "error",
            "_source",
            _("parts of documents aren't kept ({names}), and an update would lose them").format(names=names),
            beside,
        )
    if _external(hits):
        message = _(
            "versions look like their owner's own, and every update raises them: the owner's next write may be refused"
        )
        yield Finding("warning", "versions", message, beside)
    if _strict(shape):
        yield Finding("ok", "mapping", _("it is strict; the fields passages and searchctl are added to it"))
    if copied := _copied(shape):
        yield Finding("ok", "copy_to", _("fields that are copied stay so: {copied}").format(copied=", ".join(copied)))
    if _asks_all(shape):
        message = _("queries of all fields (*) will look into searchctl.id and the like as well")
        yield Finding("warning", "queries", message, _("set index.query.default_field, or leave --in-place out"))
    yield from _field_limit(shape, beside)
    yield from _window(shape)
    yield from _disk(client, shape, schema)
    yield from foreign_names.words(shape, schema)


def _sample(client: Client, shape: ForeignShape, schema: Schema) -> list[Json]:
    assert schema.layout is not None
    includes = foreign.read_fields(schema.layout)
    body: Json = {"size": min(_SAMPLE, shape.window), "version": True, "_source": {"includes": includes}}
    hits: list[Json] = client.request("POST", f"/{shape.path}/_search", body).body["hits"]["hits"]
    return hits


def _name(shape: ForeignShape) -> Iterator[Finding]:
    if shape.narrowed:
        yield Finding(
            "ok",
            "name",
            _("'{name}' shows a part of its index only, and so does every search by it").format(name=shape.name),
        )
    if len(shape.indexes) > 1:
        yield Finding(
            "ok",
            "name",
            _("'{name}' stands for {count} indexes, which are searched together").format(
                name=shape.name, count=len(shape.indexes)
            ),
        )


def _readable(shape: ForeignShape, schema: Schema, hits: Sequence[Json]) -> Iterator[Finding]:
    """Tell whether the texts can be read: fields may be left out of _source, or hidden from these credentials."""
    assert schema.layout is not None
    wanted = foreign.read_fields(schema.layout)
    for name, described in shape.indexes.items():
        rules = described.get("mappings", {}).get("_source", {})
        hidden = [path for path in wanted if not _kept(path, rules)]
        if hidden:
            message = _("_source of '{name}' leaves out {hidden}, so that can't be encoded").format(
                name=name, hidden=", ".join(hidden)
            )
            yield Finding("error", "_source", message, _("name fields that are kept with --text and --title"))
    documents = [foreign.document_of(hit, schema.layout) for hit in hits]
    silent = sum(not (document.text.strip() or document.title.strip()) for document in documents)
    if silent:
        message = _("{silent} of {count} documents looked at have no text in {wanted}").format(
            silent=silent, count=len(hits), wanted=", ".join(wanted)
        )
        fix = "name other fields with --text and --title, or see whether these credentials may read them"
        yield Finding("error" if silent == len(hits) else "warning", "text", message, fix)


def _kept(path: str, rules: Mapping[str, Any]) -> bool:
    def listed(patterns: Sequence[str]) -> bool:
        return any(fnmatchcase(path, one) or fnmatchcase(path, f"{one}.*") for one in patterns)

    includes = rules.get("includes") or []
    return (not includes or listed(includes)) and not listed(rules.get("excludes") or [])


def _source_filter(described: Mapping[str, Any]) -> str:
    rules = described.get("mappings", {}).get("_source", {})
    return ", ".join(f"{word} {', '.join(rules[word])}" for word in ("includes", "excludes") if rules.get(word))


def _settings(shape: ForeignShape) -> Iterator[Mapping[str, Any]]:
    for described in shape.indexes.values():
        yield described.get("settings", {}).get("index", {})


def _pipelines(shape: ForeignShape) -> list[str]:
    names = [own.get(kind, "_none") for own in _settings(shape) for kind in ("default_pipeline", "final_pipeline")]
    return sorted({name for name in names if name != "_none"})


def _blocks(shape: ForeignShape) -> bool:
    return any(str(own.get("blocks", {}).get(name)) == "true" for own in _settings(shape) for name in _BLOCKS)


def _strict(shape: ForeignShape) -> bool:
    return any(
        str(described.get("mappings", {}).get("dynamic")) in ("strict", "strict_allow_templates")
        for described in shape.indexes.values()
    )


def _external(hits: Sequence[Json]) -> bool:
    return any(int(hit.get("_version", 0)) >= _EXTERNAL for hit in hits)


def _copied(shape: ForeignShape) -> list[str]:
    return sorted(path for path, field, _ignored in foreign.leaves(shape.properties) if field.get("copy_to"))


def _asks_all(shape: ForeignShape) -> bool:
    return any(own.get("query", {}).get("default_field", "*") in ("*", ["*"]) for own in _settings(shape))


def _field_limit(shape: ForeignShape, fix: str) -> Iterator[Finding]:
    for name, described in shape.indexes.items():
        own = described.get("settings", {}).get("index", {}).get("mapping", {}).get("total_fields", {})
        limit = int(own.get("limit", _USUAL_FIELDS))
        fields = _count_fields(described.get("mappings", {}).get("properties", {}))
        if fields + _ADDED_FIELDS > limit:
            message = _("'{name}' has {fields} fields of at most {limit}, and {ADDED_FIELDS} would be added").format(
                name=name, fields=fields, limit=limit, ADDED_FIELDS=_ADDED_FIELDS
            )
            yield Finding("error", "field limit", message, fix)


def _count_fields(properties: Mapping[str, Any]) -> int:
    return sum(
        1 + len(field.get("fields", {})) + _count_fields(field.get("properties", {}))
        for name, field in properties.items()
        if name not in ADDED
    )


def _window(shape: ForeignShape) -> Iterator[Finding]:
    if shape.window < foreign.USUAL_WINDOW:
        message = _("a search gives at most {window:,} documents (index.max_result_window)").format(window=shape.window)
        yield Finding("warning", "window", message, _("raise index.max_result_window where deeper pages are wanted"))


def _disk(client: Client, shape: ForeignShape, schema: Schema) -> Iterator[Finding]:
    """Compare what the vectors will take, with a passage for each document, with what is free."""
    try:
        documents = foreign.count(client, shape.path, {"match_all": {}})
        nodes = client.request("GET", "/_nodes/stats/fs?filter_path=nodes.*.fs.total.available_in_bytes").body or {}
    except (ServerRefusal, AccessDenied):  # a managed service may not tell
        return
    free = [int(node["fs"]["total"]["available_in_bytes"]) for node in nodes.get("nodes", {}).values()]
    needed = documents * (schema.encoder.dim if schema.encoder else 0) * _BYTES
    if free and needed > 0.8 * min(free):
        message = _("the vectors will take {needed:.1f} GB or more, and {free:.1f} GB are free on a node").format(
            needed=needed / 1000000000.0, free=min(free) / 1000000000.0
        )
        yield Finding("error", "disk", message, _("free some disk space there"))
