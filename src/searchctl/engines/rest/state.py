"""What a server says about one index: its own name, its stamp, and how it was left by the last load."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from searchctl.engines.names import check_reference
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.template import META
from searchctl.engines.rest.words import SENT_ANALYZER
from searchctl.errors import IndexFormatError, IndexMissing, ServerRefusal, UsageError
from searchctl.schema import EncoderStamp, Schema
from searchctl.translation import _
from searchctl.types import Json

COMPANION = "searchctl-vectors-"  # begins the names of indexes that hold the vectors of others' documents
_NAMES = 20  # in one address
LOAD = "searchctl_load"  # beside the stamp while a load has changed settings: what they were


@dataclass(frozen=True, slots=True)
class IndexState:
    """One index. `relaxed` are the settings a load has changed and not put back yet, as they were; None without one.

    `name` is that of the index, or of an alias that shows a part of it only (`restricted`): it is asked by that name then.
    """

    name: str
    real: str
    restricted: bool
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


def companion_name(name: str) -> str:
    """Return the name of the index that holds the vectors of the documents behind a name."""
    plain = re.sub(r"[^a-z0-9._-]", "-", name.lower())[:60]
    if plain != name:
        plain += "-" + hashlib.blake2b(name.encode(), digest_size=6).hexdigest()
    return COMPANION + plain


def stamp_of(described: Mapping[str, Any]) -> Schema | None:
    """Return searchctl's stamp in the description of an index, None where it has none."""
    stamp = described.get("mappings", {}).get("_meta", {}).get(META)
    return Schema.from_json(stamp).with_analysis(1) if stamp else None  # servers keep the analyzers of their mappings


def read_described(client: Client, name: str) -> dict[str, Any]:
    """Return what the server says of the indexes behind a name. A pattern never means companion indexes."""
    described = read_index(client, check_reference(name))
    if "*" in name:
        described = {real: body for real, body in described.items() if not real.startswith(COMPANION)}
        if not described:
            raise IndexMissing(_("no index on {url} is called like '{name}'").format(url=client.url, name=name))
    return described


def read_state(client: Client, name: str) -> IndexState:
    """Ask for one index of searchctl's own; raises IndexMissing, IndexFormatError when it isn't, UsageError for several."""
    return own_state(client, name, read_described(client, name))


def own_state(client: Client, name: str, described: Mapping[str, Any]) -> IndexState:
    """Return the state of the only index described; raises IndexFormatError when it isn't searchctl's, UsageError."""
    real, body = _only(name, described)
    schema = stamp_of(body)
    if schema is None:
        raise IndexFormatError(
            _(
                "index '{name}' on {url} wasn't made by searchctl; choose another --index, or add vectors to it "
                "with: searchctl vectorize {name} (if it has some, these credentials may not read "
                "{companion_name})"
            ).format(name=name, url=client.url, companion_name=companion_name(name))
        )
    content = body["mappings"].get("properties", {}).get("content", {})
    settings = body["settings"]["index"]
    restricted = narrows(body.get("aliases", {}).get(name, {}))
    return IndexState(
        name if restricted else real,
        real,
        restricted,
        settings["uuid"],
        schema,
        content.get("analyzer") == SENT_ANALYZER,
        tuple(sorted(body.get("aliases", {}))),
        settings,
        body["mappings"].get("_meta", {}),
    )


def narrows(alias: Mapping[str, Any]) -> bool:
    """Tell whether an alias shows a part of its index only."""
    return bool(alias.get("filter") or alias.get("search_routing") or alias.get("index_routing"))


def read_homes(client: Client, name: str, described: Mapping[str, Any]) -> dict[str, Schema]:
    """Return the indexes that hold vectors of the documents behind a name, with their stamps: companions, or they themselves."""
    stamps = {real: stamp_of(body) for real, body in described.items()}
    in_place = {real: stamp for real, stamp in stamps.items() if stamp is not None and stamp.layout is not None}
    if in_place:
        return in_place
    own = _companions(client, [companion_name(name)])
    return own or _companions(client, [companion_name(real) for real in described if real != name])


def companions_of(client: Client, index: str) -> dict[str, EncoderStamp]:
    """Return the encoders whose vectors lie beside an index, by the name they were made under: its own, or an alias of it.

    An alias that shows a part of its documents only is left out, and so are patterns.
    """
    described = read_index(client, index)
    names = {index: None, **{real: None for real in described}}
    for body in described.values():
        names |= {alias: None for alias, how in (body.get("aliases") or {}).items() if not narrows(how)}
    stamps = _companions(client, [companion_name(name) for name in names])
    return {
        stamp.layout.beside: stamp.encoder
        for stamp in stamps.values()
        if stamp.layout is not None and stamp.layout.beside in names and stamp.encoder is not None
    }


def _companions(client: Client, names: Sequence[str]) -> dict[str, Schema]:
    schemas: dict[str, Schema] = {}
    for start in range(0, len(names), _NAMES):
        listed = ",".join(names[start : start + _NAMES])
        try:
            described = client.request("GET", f"/{quote(listed)}?ignore_unavailable=true").body or {}
        except ServerRefusal as refusal:
            if refusal.status != 404:
                raise
            continue
        schemas |= {real: stamp for real, body in described.items() if (stamp := stamp_of(body)) is not None}
    return schemas


def only_index(client: Client, name: str) -> tuple[str, Json]:
    """Return the name of an index and what the server says of it; raises IndexMissing, UsageError where there are several."""
    return _only(name, read_index(client, name))


def _only(name: str, described: Mapping[str, Any]) -> tuple[str, Json]:
    if len(described) > 1:
        raise UsageError(
            _("the alias '{name}' stands for {count} indexes: {described}; name one of them").format(
                name=name, count=len(described), described=", ".join(sorted(described))
            )
        )
    return next(iter(described.items()))


def read_index(client: Client, name: str) -> dict[str, Any]:
    """Return aliases, mappings and settings of an index, or of all an alias stands for; raises IndexMissing."""
    try:
        return dict(client.request("GET", f"/{quote(name, safe='')}").body)
    except ServerRefusal as refusal:
        if refusal.status != 404:
            raise
        option = "" if name == "default" else f" --index {name}"
        raise IndexMissing(
            _("no index '{name}' on {url}; make it with: searchctl ingest FOLDER --engine {url}{option}").format(
                name=name, url=client.url, option=option
            )
        ) from refusal
