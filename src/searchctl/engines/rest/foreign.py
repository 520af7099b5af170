"""An index that somebody else made and feeds: what it looks like, and how vectors are added to its documents.

Only new names are added, `passages` and `searchctl`; the rest of each document, its mapping and its analyzers stay as they are.
Whether a document's vectors fit its text is told by a hash beside them, so it needs no help from whoever writes it: a document
written anew has lost them, one updated in part has a hash that doesn't fit any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from searchctl.engines.names import check_name
from searchctl.engines.rest.bulk import Action, Outcome, make_action
from searchctl.engines.rest.documents import ADDED, LEVEL, foreign_document, numbers
from searchctl.engines.rest.http import Client
from searchctl.engines.rest.state import read_index
from searchctl.engines.rest.template import META, index_body
from searchctl.engines.rest.words import sent_words
from searchctl.errors import IndexMissing, ServerRefusal, UsageError
from searchctl.schema import FieldType, Layout, Schema
from searchctl.text.searched import searched_texts
from searchctl.types import Document, Entry, Json

if TYPE_CHECKING:
    from searchctl.engines.rest.engine import ServerEngine

_KEEP_ALIVE = 300  # seconds a scroll may wait for its next page
_TITLES = ("title", "name", "subject", "headline")
_TEXTS = ("text", "body", "content", "description", "message")
_OWN_SETTINGS = (
    "uuid",
    "creation_date",
    "provided_name",
    "version",
    "resize",
    "history_uuid",
    "routing_path",
    "blocks",
)
_TYPES: Mapping[str, FieldType] = {
    **dict.fromkeys(("keyword", "constant_keyword", "wildcard", "ip", "version"), "keyword"),
    **dict.fromkeys(
        ("long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"), "number"
    ),
    **dict.fromkeys(("date", "date_nanos"), "date"),
    "boolean": "boolean",
    "text": "text",
}
FINGERPRINT = "searchctl.fingerprint"
MISSING: Json = {"bool": {"must_not": {"exists": {"field": FINGERPRINT}}}}
STALE: Json = {"term": {"searchctl.stale": True}}
WAITING: Json = {"bool": {"should": [MISSING, STALE], "minimum_should_match": 1}}


@dataclass(frozen=True, slots=True)
class Source:
    """An index as its server describes it."""

    name: str
    settings: Json
    mappings: Json

    @property
    def fields(self) -> dict[str, Any]:
        """Return the mapping of the fields at the top."""
        return dict(self.mappings.get("properties", {}))

    @property
    def stamp(self) -> Schema | None:
        """Return searchctl's stamp where it has one."""
        found = self.mappings.get("_meta", {}).get(META)
        return Schema.from_json(found).with_analysis(1) if found else None

    @property
    def has_knn(self) -> bool:
        """Tell whether an index of OpenSearch takes vectors: that can't be switched on later."""
        return str(self.settings.get("knn", "false")) == "true"


@dataclass(frozen=True, slots=True)
class Found:
    """A document of the index, what its text's hash was when it got its vectors (empty: it has none), and where it lies."""

    document: Document
    fingerprint: str
    source: Json
    version: int
    routing: str | None


def read_source(client: Client, name: str) -> Source:
    """Return what the server says of an index or alias; raises IndexMissing, UsageError where it can't be worked on."""
    try:
        found = read_index(client, check_name(name))
    except IndexMissing as error:
        raise IndexMissing(
            f"no index '{name}' on {client.url}; name one that is there, vectorize adds vectors to what others have stored"
        ) from error
    if len(found) > 1:
        raise UsageError(f"'{name}' stands for {len(found)} indexes: {', '.join(sorted(found))}; name one of them")
    ((real, body),) = found.items()
    mappings = body.get("mappings", {})
    if mappings.get("_source", {}).get("enabled", True) is False:
        raise UsageError(
            f"index '{name}' doesn't keep its documents (_source is disabled), so their texts can't be read"
        )
    source = Source(real, dict(body["settings"]["index"]), mappings)
    taken = [one for one in ADDED if one in source.fields]
    if taken and source.stamp is None:
        raise UsageError(
            f"index '{name}' has a field '{taken[0]}' of its own, which searchctl needs; rename that one first"
        )
    return source


def choose_layout(source: Source, title: str | None, text: Sequence[str]) -> Layout:
    """Return where title and text are: as asked for, or the usual names, or else every text at the top.

    An empty `title` stands for none. Raises UsageError when nothing of that name is mapped as text.
    """
    texts = [name for name, field in source.fields.items() if field.get("type") in ("text", "match_only_text")]
    for name in (*text, *([title] if title else [])):
        if _mapping_of(source.fields, name) is None:
            raise UsageError(f"index '{source.name}' has no field '{name}'; texts are: {', '.join(texts) or 'none'}")
    if title is None:
        title = next((name for name in _TITLES if name in texts), "")
    wanted = tuple(text) or tuple(name for name in _TEXTS if name in texts)[:1]
    wanted = wanted or tuple(name for name in texts if name != title)
    if not wanted and not title:
        raise UsageError(f"index '{source.name}' has no field of type text; name those to read with --text FIELDS")
    return Layout(title, wanted)


def _mapping_of(fields: Mapping[str, Any], path: str) -> Any:
    """Return the mapping of a field by its path, None when there's none."""
    if path in fields:
        return fields[path]
    name, _, rest = path.partition(".")
    below = fields.get(name, {}).get("properties") if rest else None
    return _mapping_of(below, rest) if below else None


def filterable(source: Source, layout: Layout) -> dict[str, FieldType]:
    """Return the types of the fields at the top which can be filtered by."""
    named = {layout.title, *layout.text, *ADDED}
    found = {name: _TYPES.get(str(field.get("type"))) for name, field in source.fields.items() if name not in named}
    return {name: kind for name, kind in found.items() if kind is not None}


def added_fields(engine: ServerEngine, schema: Schema) -> Json:
    """Return the mapping of what is added: the templates' passages, and what is kept beside."""
    made = index_body(engine.dialect, schema, engine.options, send_words=True)["mappings"]["properties"]
    kept: Json = {name: {"type": "keyword"} for name in ("id", "fingerprint", "source", "level")}
    kept |= {
        "stale": {"type": "boolean"},
        "version": {"type": "long"},
        "words": {"type": "text", "analyzer": "whitespace"},
    }
    return {"passages": made["passages"], "searchctl": {"type": "object", "dynamic": "strict", "properties": kept}}


def add_fields(engine: ServerEngine, source: Source, schema: Schema) -> None:
    """Add what is missing to the index itself; doing it again changes nothing."""
    meta = {**source.mappings.get("_meta", {}), META: schema.to_json()}
    body: Json = {"properties": added_fields(engine, schema), "_meta": meta}
    engine.client.request("PUT", f"/{quote(source.name)}/_mapping", body)
    engine.forget()


def create_like(engine: ServerEngine, name: str, source: Source, schema: Schema) -> None:
    """Make an index with the source's own settings and mapping, and what is added."""
    settings = {key: value for key, value in source.settings.items() if key not in _OWN_SETTINGS}
    settings.get("routing", {}).pop("allocation", None)
    if engine.server.family == "opensearch":
        settings["knn"] = True
    mappings = {
        **source.mappings,
        "properties": {**source.fields, **added_fields(engine, schema)},
        "_meta": {**source.mappings.get("_meta", {}), META: schema.to_json()},
    }
    body: Json = {"settings": {"index": settings}, "mappings": mappings}
    engine.client.request("PUT", f"/{quote(name)}", body, repeatable=False)
    engine.forget()


def documents(
    client: Client, index: str, layout: Layout, query: Json, *, size: int, only: Sequence[str] = (), pause: float = 0.0
) -> Iterator[list[Found]]:
    """Yield the documents a query finds, as they are at the beginning, in pages. `only` narrows what is brought of them.

    A scroll: OpenSearch before 3.3 gives points in time nothing to sort by that tells all documents apart. `pause` is the
    longest time in seconds between two pages.
    """
    keep = f"{int(_KEEP_ALIVE + 2 * pause)}s"
    body: Json = {
        "size": size,
        "query": query,
        "sort": ["_doc"],
        "version": True,
        "_source": {"includes": list(only)} if only else {"excludes": list(ADDED)},
    }
    page = client.request("POST", f"/{quote(index)}/_search", body, params={"scroll": keep}).body
    try:
        while hits := page["hits"]["hits"]:
            yield [_found(hit, layout) for hit in hits]
            page = client.request(
                "POST", "/_search/scroll", {"scroll": keep, "scroll_id": page["_scroll_id"]}, repeatable=False
            ).body
    finally:
        _end_scroll(client, page["_scroll_id"])


def _end_scroll(client: Client, id: str) -> None:
    try:
        client.request("DELETE", "/_search/scroll", {"scroll_id": [id]})
    except ServerRefusal:  # it has ended by itself
        return


def _found(hit: Json, layout: Layout) -> Found:
    source = hit.get("_source", {})
    kept = source.get("searchctl") or {}
    document = foreign_document(hit["_id"], source, layout)
    return Found(document, kept.get("fingerprint", ""), source, int(hit["_version"]), hit.get("_routing"))


def read_fields(layout: Layout) -> list[str]:
    """Return what has to be brought of a document to encode it."""
    return [*([layout.title] if layout.title else []), *layout.text, FINGERPRINT]


def count(client: Client, index: str, query: Json) -> int:
    """Count the documents a query finds."""
    return int(client.request("POST", f"/{quote(index)}/_count", {"query": query}).body["count"])


def newest(client: Client, index: str, field: str) -> Any:
    """Return the highest value of a field in the form the server sorts by; None in an empty index."""
    body: Json = {"size": 1, "sort": [{field: "desc"}], "_source": False, "query": {"exists": {"field": field}}}
    hits = client.request("POST", f"/{quote(index)}/_search", body).body["hits"]["hits"]
    return hits[0]["sort"][0] if hits else None


def stale_action(found: Found) -> Action:
    """Mark a document's vectors as not those of its text."""
    return make_action("update", found.document.id, found.routing, {"doc": {"searchctl": {"stale": True}}})


def vectors_action(entry: Entry, routing: str | None, schema: Schema) -> Action:
    """Add passages and vectors to a document, and what tells which text they're of."""
    rows = numbers(entry.vectors) if entry.vectors is not None else []
    document = entry.document
    part: Json = {
        "passages": [
            {"start": one.start, "end": one.end, "vector": row} for one, row in zip(entry.passages, rows, strict=True)
        ],
        "searchctl": {
            "id": document.id,
            "fingerprint": entry.fingerprint,
            "level": LEVEL,
            "stale": False,
            "words": sent_words("\n".join(searched_texts(document, schema).all()), schema.analyzer),
        },
    }
    return make_action("update", document.id, routing, {"doc": part})


def copy_action(found: Found, *, new: bool) -> Action:
    """Copy a document with its version beside it; a `new` one only where nobody has written it meanwhile."""
    source = {**found.source, "searchctl": {"id": found.document.id, "level": LEVEL, "version": found.version}}
    return make_action("create" if new else "index", found.document.id, found.routing, source)


def copied_versions(client: Client, index: str, ids: Sequence[tuple[str, str | None]]) -> list[int | None]:
    """Return which version of each document (id, routing) was copied: 0 for one that others wrote, None for none."""
    docs = [{"_id": id, **({"routing": routing} if routing else {})} for id, routing in ids]
    params: dict[str, str | int | bool] = {"_source_includes": "searchctl.version"}
    reply = client.request("POST", f"/{quote(index)}/_mget", {"docs": docs}, params=params)
    return [
        int((found["_source"].get("searchctl") or {}).get("version", 0)) if found.get("found") else None
        for found in reply.body["docs"]
    ]


def refused(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return what was refused for good, leaving out documents that others deleted or created meanwhile."""
    passing = ("document missing", "version conflict")
    return [one for one in outcomes if one.result == "rejected" and not any(word in one.reason for word in passing)]
