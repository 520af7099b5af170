"""What a server says about one index: its own name, its stamp, and how it was left by the last load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from searchctl.engines.names import check_name
from searchctl.engines.rest.http import Client
from searchctl.engines.rest.template import META
from searchctl.engines.rest.words import SENT_ANALYZER
from searchctl.errors import IndexFormatError, IndexMissing, ServerRefusal, UsageError
from searchctl.schema import Schema
from searchctl.types import Json

LOAD = "searchctl_load"  # beside the stamp while a load has changed settings: what they were


@dataclass(frozen=True, slots=True)
class IndexState:
    """One index. `relaxed` are the settings a load has changed and not put back yet, as they were; None without one."""

    name: str
    uuid: str
    schema: Schema
    send_words: bool
    aliases: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def relaxed(self) -> Json | None:
        """Return the settings that a load has yet to put back."""
        return self.meta.get(LOAD)

    def meta_with(self, schema: Schema, load: Json | None) -> Json:
        """Return `_meta` with another stamp and mark; servers replace it whole, so that others' keys are kept here."""
        kept = {name: value for name, value in self.meta.items() if name not in (META, LOAD)}
        return {**kept, META: schema.to_json(), **({LOAD: load} if load else {})}


def read_state(client: Client, name: str) -> IndexState:
    """Ask for an index or alias; raises IndexMissing, IndexFormatError when the index isn't searchctl's, UsageError."""
    real, body = only_index(client, check_name(name))
    meta = body["mappings"].get("_meta", {})
    if not meta.get(META):
        raise IndexFormatError(
            f"index '{name}' on {client.url} wasn't made by searchctl; choose another --index, "
            f"or add vectors to it with: searchctl vectorize {name}"
        )
    content = body["mappings"].get("properties", {}).get("content", {})
    settings = body["settings"]["index"]
    return IndexState(
        real,
        settings["uuid"],
        Schema.from_json(meta[META]).with_analysis(1),  # servers keep the analyzers of their mappings
        content.get("analyzer") == SENT_ANALYZER or meta[META].get("layout") is not None,
        tuple(sorted(body.get("aliases", {}))),
        settings,
        meta,
    )


def only_index(client: Client, name: str) -> tuple[str, Json]:
    """Return the name of an index and what the server says of it; raises IndexMissing, UsageError where there are several."""
    described = read_index(client, name)
    if len(described) > 1:
        raise UsageError(
            f"the alias '{name}' stands for {len(described)} indexes: {', '.join(sorted(described))}; name one of them"
        )
    return next(iter(described.items()))


def read_index(client: Client, name: str) -> dict[str, Any]:
    """Return aliases, mappings and settings of an index, or of all an alias stands for; raises IndexMissing."""
    try:
        return dict(client.request("GET", f"/{quote(name)}").body)
    except ServerRefusal as refusal:
        if refusal.status != 404:
            raise
        option = "" if name == "default" else f" --index {name}"
        raise IndexMissing(
            f"no index '{name}' on {client.url}; make it with: searchctl ingest FOLDER --engine {client.url}{option}"
        ) from refusal
