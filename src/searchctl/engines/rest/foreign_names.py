"""A check-list before vectors are added to an index of others: what its names, ids and fields mean, and templates for the companion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from searchctl.engines.base import Finding
from searchctl.engines.rest import foreign
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.documents import ADDED
from searchctl.engines.rest.foreign import ForeignShape
from searchctl.errors import AccessDenied, ServerRefusal, UsageError
from searchctl.schema import Schema
from searchctl.types import Json

_OURS = (*ADDED, "id", "title", "text", "content", "fields")  # what a companion maps, or would


def check_open(shape: ForeignShape) -> None:
    """Raise UsageError where an index has been closed: its settings say then that this was verified."""
    for name, described in shape.indexes.items():
        if str(described.get("settings", {}).get("index", {}).get("verified_before_close")) == "true":
            raise UsageError(
                f"index '{name}' is closed, so that nobody can search it; open it with POST /{name}/_open, or name others"
            )


def doubles(client: Client, shape: ForeignShape, ids: Sequence[str]) -> Iterator[Finding]:
    """Tell whether several documents have the same id: vectors are kept by it."""
    hits = [hit["_id"] for hit in foreign.hits_of(client, shape, list(dict.fromkeys(ids)))]
    shared = sorted({id for id in hits if hits.count(id) > 1})
    if not shared:
        return
    message = f"several documents behind '{shape.name}' have the same id (as {shared[0]!r}), and vectors are kept by it"
    fix = "add vectors to each index by its own name" if len(shape.indexes) > 1 else "give them ids of their own"
    yield Finding("error", "ids", message, fix)


def conflicts(shape: ForeignShape) -> Iterator[Finding]:
    """Name the fields that are of several types in the indexes behind one name."""
    for name, kinds in shape.conflicts().items():
        message = (
            f"{name} is of several types in the indexes ({', '.join(kinds)}), so nothing is filtered or sorted by it"
        )
        yield Finding("warning", "fields", message, "map it alike, or name one index")


def template(client: Client, home: str) -> Iterator[Finding]:
    """Tell what an index template of the server's owner would do to the companion. Roles that may not ask aren't told."""
    try:
        made: Json = client.request("POST", f"/_index_template/_simulate_index/{quote(home)}").body or {}
    except (ServerRefusal, AccessDenied):
        return
    body = made.get("template", {})
    mapped = [name for name in body.get("mappings", {}).get("properties", {}) if name in _OURS]
    if mapped:
        message = f"an index template maps {', '.join(mapped)} in every index called like {home}"
        yield Finding("error", "template", message, "leave names that begin with searchctl- out of its index_patterns")
    elif body.get("aliases"):
        message = f"an index template gives {home} the alias {', '.join(body['aliases'])}, which is taken away again"
        yield Finding("ok", "template", message)


def words(shape: ForeignShape, schema: Schema) -> Iterator[Finding]:
    """Tell where words can't be looked for, though their texts get vectors."""
    assert schema.layout is not None
    if schema.layout.body:
        return
    asked = foreign.matched_fields(shape, schema.layout)
    nested = {path for path, _, within in foreign.leaves(shape.properties) if within}
    names = [name.partition("^")[0] for name in asked]
    deaf = [name for name in names if name in nested or not _indexed(shape, name)]
    if len(deaf) == len(names):
        message = f"words can't be looked for in {', '.join(names)}: nested, or not indexed"
        yield Finding("error", "words", message, "name other fields with --match, or your own query with --match-body")
    elif deaf:
        message = f"words aren't found in {', '.join(deaf)}: nested, or not indexed"
        yield Finding("warning", "words", message, "give your own query with --match-body where they should be")
    whole = [name for name in names if not schema.layout.match and _whole(shape, name)]
    if whole:
        message = f"only whole values are found in {', '.join(whole)}: no text, so no words"
        yield Finding("warning", "words", message, "map a text below it, and name that with --match")
    left = len(shape.texts) - len(asked)
    if not schema.layout.match and left > 0 and len(asked) >= foreign.MOST_MATCHED:
        message = f"words are looked for in {len(asked)} of {len(asked) + left} text fields"
        yield Finding(
            "warning", "words", message, "name those that count with --match, as in --match 'name^3,description'"
        )


def _whole(shape: ForeignShape, name: str) -> bool:
    mapping = foreign.mapping_of_part(shape.properties, name) or {}
    return mapping.get("type") != "alias" and not foreign.is_text(mapping)


def _indexed(shape: ForeignShape, name: str) -> bool:
    if "*" in name:
        return True
    mapping = foreign.mapping_of_part(shape.properties, name) or {}
    return str(mapping.get("index", True)).lower() != "false"
