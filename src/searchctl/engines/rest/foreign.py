"""An index that others made and feed: its fields, the texts among them, and its documents.

It is asked by the name that was given, never by the indexes behind it: an alias may show a part of its documents only, send
them to shards of its owner's choice, or stand for several indexes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from searchctl.engines.rest.bulk import Action, action
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.documents import ADDED, foreign_document
from searchctl.engines.rest.state import COMPANION, narrows, read_index
from searchctl.errors import AccessDenied, IndexMissing, ServerRefusal, UsageError
from searchctl.schema import FieldType, Layout, Schema
from searchctl.translation import _
from searchctl.types import Document, Json

USUAL_WINDOW = 10_000  # hits a search may have, by the servers' own default
_SLICE = 500  # ids in one request
_KEEP_ALIVE = 300  # seconds a scroll may wait for its next page
_TITLES = ("title", "name", "subject", "headline")
_TEXTS = ("text", "body", "content", "description", "message")
_TEXT_TYPES = ("text", "match_only_text")
MOST_MATCHED = 100  # text fields asked where none are named; servers limit the clauses of a query
_BOOST = re.compile(r"\d+(\.\d+)?")
_TYPES: Mapping[str, FieldType] = {
    **dict.fromkeys(("keyword", "constant_keyword", "wildcard", "ip", "version"), "keyword"),
    **dict.fromkeys(
        ("long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"), "number"
    ),
    **dict.fromkeys(("date", "date_nanos"), "date"),
    "boolean": "boolean",
    **dict.fromkeys(_TEXT_TYPES, "text"),
}


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field that can be filtered by: its type, the path that servers compare, and the nested object it lies in (or nothing)."""

    kind: FieldType
    path: str
    nested: str = ""


@dataclass(frozen=True, slots=True)
class ForeignShape:
    """What the server says of a name: the indexes behind it.

    `restricted` where the name may show a part of them only, and `narrowed` where it does for sure.
    """

    name: str
    indexes: Mapping[str, Any]
    restricted: bool
    narrowed: bool = False

    @property
    def names(self) -> list[str]:
        """Return the name as a search takes it; a pattern never means searchctl's own companion indexes."""
        return [*self.name.split(","), *([f"-{COMPANION}*"] if "*" in self.name else [])]

    @property
    def path(self) -> str:
        """Return the same as it stands in an address."""
        return quote(",".join(self.names), safe="")

    @property
    def window(self) -> int:
        """Return how many hits a search may have."""
        settings = [described.get("settings", {}).get("index", {}) for described in self.indexes.values()]
        return min((int(own.get("max_result_window", USUAL_WINDOW)) for own in settings), default=USUAL_WINDOW)

    def slices(self, ids: Sequence[str]) -> Iterator[tuple[list[str], int]]:
        """Yield ids in parts that one search can be about, each with how many hits that may have: one of every index."""
        count = max(len(self.indexes), 1)
        step = max(min(_SLICE, self.window // count), 1)
        for start in range(0, len(ids), step):
            part = list(ids[start : start + step])
            yield part, min(len(part) * count, self.window)

    @property
    def properties(self) -> dict[str, Any]:
        """Return the mapping of the fields at the top, of all indexes together; what is added by searchctl is left out."""
        merged: dict[str, Any] = {}
        for described in self.indexes.values():
            merged = {**described.get("mappings", {}).get("properties", {}), **merged}
        return {name: field for name, field in merged.items() if name not in ADDED}

    @property
    def texts(self) -> list[str]:
        """Return the paths of all text fields that aren't nested."""
        return [
            path for path, field, nested in leaves(self.properties) if field.get("type") in _TEXT_TYPES and not nested
        ]

    def fields(self) -> dict[str, FieldPath]:
        """Return what can be filtered by: fields, their parts, and what lies in objects, with dots between the names.

        A text with a keyword below it is compared by that keyword. What is of several types in the indexes is left out.
        """
        several = self.conflicts()
        return {name: path for name, path in self._paths(self.properties).items() if name not in several}

    def conflicts(self) -> dict[str, list[FieldType]]:
        """Return the types of the fields that have several in the indexes behind the name: no condition means the same in all."""
        kinds: dict[str, set[FieldType]] = {}
        mappings = [described.get("mappings", {}).get("properties", {}) for described in self.indexes.values()]
        if all(one == mappings[0] for one in mappings):
            return {}
        for properties in mappings:
            for name, path in self._paths(properties).items():
                kinds.setdefault(name, set()).add(path.kind)
        return {name: sorted(several) for name, several in kinds.items() if len(several) > 1}

    def _paths(self, properties: Mapping[str, Any]) -> dict[str, FieldPath]:
        paths: dict[str, FieldPath] = {}
        for path, field, nested in leaves(properties):
            kind = self._kind(field)
            below = {name: self._kind(part) for name, part in field.get("fields", {}).items()}
            exact = next((name for name, part in below.items() if part == "keyword"), None)
            if kind == "text" and exact is not None:
                paths[path] = FieldPath("keyword", f"{path}.{exact}", nested)
            elif kind is not None:
                paths[path] = FieldPath(kind, path, nested)
            paths |= {
                f"{path}.{name}": FieldPath(part, f"{path}.{name}", nested) for name, part in below.items() if part
            }
        return paths

    def _kind(self, field: Mapping[str, Any]) -> FieldType | None:
        if field.get("type") == "alias":
            return self._kind(mapping_of(self.properties, str(field.get("path"))) or {})
        return _TYPES.get(str(field.get("type")))


def leaves(properties: Mapping[str, Any], prefix: str = "", nested: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield path, mapping and enclosing nested object of every field that isn't an object."""
    for name, field in properties.items():
        path = prefix + name
        if "properties" in field:
            yield from leaves(field["properties"], path + ".", path if field.get("type") == "nested" else nested)
        elif "type" in field:
            yield path, field, nested


def mapping_of(properties: Mapping[str, Any], path: str) -> Any:
    """Return the mapping of a field by its path, None when there's none."""
    if path in properties:
        return properties[path]
    name, _ignored, rest = path.partition(".")
    below = properties.get(name, {}).get("properties") if rest else None
    return mapping_of(below, rest) if below else None


def describe(client: Client, name: str) -> ForeignShape:
    """Ask what stands behind a name; raises IndexMissing, UsageError where its documents can't be read."""
    try:
        described = read_index(client, name)
    except IndexMissing as error:
        raise IndexMissing(
            _(
                "no index '{name}' on {url}; name one that is there, vectorize adds vectors to what others have stored"
            ).format(name=name, url=client.url)
        ) from error
    return shape_of(name, described)


def shape_of(name: str, described: Mapping[str, Any]) -> ForeignShape:
    """Return the shape of what a server describes; raises UsageError where documents aren't kept."""
    for real, body in described.items():
        if body.get("mappings", {}).get("_source", {}).get("enabled", True) is False:
            raise UsageError(
                _(
                    "index '{real}' doesn't keep its documents (_source is disabled), so their texts can't be read"
                ).format(real=real)
            )
    aliases = [body.get("aliases", {}).get(name) for body in described.values() if name not in described]
    narrowed = any(alias is not None and narrows(alias) for alias in aliases)
    return ForeignShape(name, described, narrowed or None in aliases, narrowed)


def choose_layout(shape: ForeignShape, title: str | None, text: Sequence[str]) -> Layout:
    """Return where title and text are: as asked for, or the usual names, or else every text at the top.

    An empty `title` stands for none. Raises UsageError when no such field is mapped.
    """
    texts = [path for path in shape.texts if "." not in path]
    for name in (*text, *([title] if title else [])):
        if mapping_of(shape.properties, name) is None:
            raise UsageError(
                _("index '{name}' has no field '{name2}'; texts are: {value}").format(
                    name=shape.name, name2=name, value=", ".join(texts) or "none"
                )
            )
    if title is None:
        title = next((name for name in _TITLES if name in texts), "")
    wanted = tuple(text) or tuple(name for name in _TEXTS if name in texts)[:1]
    wanted = wanted or tuple(name for name in texts if name != title)
    if not wanted and not title:
        raise UsageError(
            _("index '{name}' has no field of type text; name those to read with --text FIELDS").format(name=shape.name)
        )
    return Layout(title, wanted)


def matched_fields(shape: ForeignShape, layout: Layout) -> list[str]:
    """Return the fields that the lexical leg asks, with their boosts: those named, or else every text there is."""
    if layout.match:
        return list(layout.match)
    own = [_worded(shape, name) for name in (layout.title, *layout.text) if name]
    return list(dict.fromkeys([*own, *shape.texts]))[:MOST_MATCHED]


def _worded(shape: ForeignShape, name: str) -> str:
    """Return the part of a field that is analysed as text, where the field itself isn't."""
    mapping = mapping_of(shape.properties, name) or {}
    if is_text(mapping):
        return name
    return next((f"{name}.{part}" for part, below in mapping.get("fields", {}).items() if is_text(below)), name)


def is_text(mapping: Mapping[str, Any]) -> bool:
    """Tell whether a field is analysed into words."""
    return mapping.get("type") in _TEXT_TYPES


def text_hash(document: Document, schema: Schema) -> str:
    """Return a hash of everything that decides a document's vectors: 32 hex digits."""
    encoder = schema.encoder.revision if schema.encoder else ""
    content = json.dumps([document.title, document.text, {}, f"{schema.passages!r} {encoder}"], ensure_ascii=False)
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def check_matched(shape: ForeignShape, match: Sequence[str]) -> None:
    """Raise UsageError for a field to be asked that isn't there, or a boost that is no number."""
    for written in match:
        name, caret, boost = written.partition("^")
        if caret and not _BOOST.fullmatch(boost):
            raise UsageError(
                _("'{written}' has no boost that is a number; write it like name^3").format(written=written)
            )
        if "*" not in name and mapping_of_part(shape.properties, name) is None:
            raise UsageError(
                _("index '{name}' has no field '{name2}' to ask; texts are: {value}").format(
                    name=shape.name, name2=name, value=", ".join(shape.texts) or "none"
                )
            )


def mapping_of_part(properties: Mapping[str, Any], path: str) -> Any:
    """Return the mapping of a field, or of a part of one as in `name.keyword`; None when there's none."""
    mapping = mapping_of(properties, path)
    if mapping is not None:
        return mapping
    name, _ignored, part = path.rpartition(".")
    return (mapping_of(properties, name) or {}).get("fields", {}).get(part) if name else None


def whole_pages(client: Client, path: str, query: Json, *, size: int) -> Iterator[list[Json]]:
    """Yield the hits of a query in pages with all that their owner wrote, and their sequence numbers."""
    yield from _scroll(client, path, {"query": query, "size": size, "seq_no_primary_term": True}, _KEEP_ALIVE)


def rewrite_action(hit: Json) -> Action:
    """Write a document as its owner wrote it, unless it has changed since it was read."""
    where: Json = {"_id": hit["_id"], "if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
    where |= {"routing": hit["_routing"]} if "_routing" in hit else {}
    source = {name: value for name, value in hit["_source"].items() if name not in ADDED}
    return action("index", where, source)


def pages(
    client: Client, path: str, query: Json, *, size: int, includes: Sequence[str], pause: float = 0.0
) -> Iterator[list[Json]]:
    """Yield the hits of a query in pages, as they are at the beginning, with their versions.

    A scroll: OpenSearch before 3.3 gives points in time nothing to sort by that tells all documents apart. `pause` is the
    longest time in seconds between two pages.
    """
    source = {"includes": list(includes)} if includes else False
    body: Json = {"query": query, "size": size, "version": True, "_source": source}
    yield from _scroll(client, path, body, _KEEP_ALIVE + 2 * pause)


def _scroll(client: Client, path: str, body: Json, seconds: float) -> Iterator[list[Json]]:
    keep = f"{int(seconds)}s"
    body = {**body, "sort": ["_doc"]}
    page = client.request("POST", f"/{path}/_search", body, params={"scroll": keep}).body
    try:
        while hits := page["hits"]["hits"]:
            yield hits
            page = client.request(
                "POST", "/_search/scroll", {"scroll": keep, "scroll_id": page["_scroll_id"]}, repeatable=False
            ).body
    finally:
        _end_scroll(client, page["_scroll_id"])


def _end_scroll(client: Client, id: str) -> None:
    try:
        client.request("DELETE", "/_search/scroll", {"scroll_id": [id]})
    except (ServerRefusal, AccessDenied):  # it has ended by itself, or its owner may not end it
        return


def hits_of(client: Client, shape: ForeignShape, ids: Sequence[str], includes: Sequence[str] = ()) -> list[Json]:
    """Return the hits of these ids that the name shows, with their versions; an id may have one in each index behind it."""
    hits: list[Json] = []
    for part, room in shape.slices(ids):
        body: Json = {"query": {"ids": {"values": part}}, "size": room, "version": True}
        body["_source"] = {"includes": list(includes)} if includes else False
        hits += client.request("POST", f"/{shape.path}/_search", body).body["hits"]["hits"]
    return hits


def by_id(client: Client, index: str, ids: Sequence[str], includes: Sequence[str]) -> list[Json]:
    """Return documents of one index as they are now, whether they can be searched yet or not; without those that aren't found."""
    body: Json = {"ids": list(ids)}
    parameters = {"_source_includes": ",".join(includes)}
    docs = client.request("POST", f"/{quote(index, safe='')}/_mget", body, params=parameters).body["docs"]
    return [hit for hit in docs if hit.get("found")]


def document_of(hit: Json, layout: Layout) -> Document:
    """Return the document of a hit with its source."""
    return foreign_document(hit["_id"], hit.get("_source", {}), layout)


def read_fields(layout: Layout) -> list[str]:
    """Return what has to be brought of a document to encode it."""
    return [*([layout.title] if layout.title else []), *layout.text]


def count(client: Client, path: str, query: Json) -> int:
    """Count the documents that a query finds."""
    return int(client.request("POST", f"/{path}/_count", {"query": query}).body["count"])


def newest(client: Client, path: str, field: str) -> Any:
    """Return the highest value of a field in the form the server sorts by; None in an empty index."""
    body: Json = {"size": 1, "sort": [{field: "desc"}], "_source": False, "query": {"exists": {"field": field}}}
    hits = client.request("POST", f"/{path}/_search", body).body["hits"]["hits"]
    return hits[0]["sort"][0] if hits else None
