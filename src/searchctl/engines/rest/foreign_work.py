"""Adding vectors to documents that others write: in a companion index beside theirs, or in the documents themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote

from searchctl.engines.base import Finding, FullEngine, Reading
from searchctl.engines.rest import foreign, foreign_check, foreign_names
from searchctl.engines.rest.bulk import Bulk, Outcome, make_action
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.dialect import Dialect
from searchctl.engines.rest.documents import LEVEL, numbers
from searchctl.engines.rest.foreign import ForeignShape, text_hash
from searchctl.engines.rest.foreign_search import hash_of, mark_of
from searchctl.engines.rest.options import IndexOptions
from searchctl.engines.rest.server import Server
from searchctl.engines.rest.state import companion_name, read_homes, stamp_of
from searchctl.engines.rest.template import META, index_body
from searchctl.errors import UsageError
from searchctl.schema import EncoderStamp, Layout, PassageSettings, Schema
from searchctl.translation import _
from searchctl.types import Document, Entry, Json, Rejection

_YEAR_1973 = 10**11  # in milliseconds; numbers of versions stay below
_PASSING = ("document missing", "version conflict")  # others deleted or changed a document meanwhile
FINGERPRINT = "searchctl.fingerprint"


class VectorKeeper(FullEngine, Protocol):
    """The engine of a server, as far as what is written beside or into others' documents needs it."""

    client: Client
    bulk: Bulk
    options: IndexOptions

    @property
    def server(self) -> Server:
        """What the server is."""

    @property
    def dialect(self) -> Dialect:
        """How it is spoken to."""

    def refresh(self, path: str) -> None:
        """Make what was written searchable now, where that is allowed."""

    def forget(self) -> None:
        """Ask anew for what is known of indexes."""


class _Source:
    """What both ways have in common: whose documents are read, and how."""

    def __init__(self, engine: VectorKeeper, shape: ForeignShape, schema: Schema, reading: Reading) -> None:
        self.schema = schema
        self._engine = engine
        self._client = engine.client
        self._shape = shape
        self._reading = reading

    @property
    def layout(self) -> Layout:
        """Where title and text are."""
        assert self.schema.layout is not None
        return self.schema.layout

    def count(self) -> int:
        """Count the documents that the name shows."""
        return foreign.count(self._client, self._shape.path, {"match_all": {}})

    def newest(self) -> object:
        """Return the highest value of the field that grows with every change."""
        field = self._reading.changed_by
        return foreign.newest(self._client, self._shape.path, field) if field else None

    def _query(self, since: Any) -> Json:
        return {"match_all": {}} if since is None else {"range": {str(self._reading.changed_by): _since(since)}}

    def _pages(self, size: int, since: object, pause: float, *more: str, whole: bool = True) -> Iterator[list[Json]]:
        self._engine.refresh(self._shape.path)
        fields = [*foreign.read_fields(self.layout), *more] if whole else []
        size = min(size, self._shape.window)
        yield from foreign.pages(
            self._client, self._shape.path, self._query(since), size=size, includes=fields, pause=pause
        )


class CompanionSource(_Source):
    """Vectors in an index of searchctl's own beside the documents, which stay as they are. Implements `ForeignSource`."""

    _version: str | None = None

    @property
    def home(self) -> str:
        """The companion index, or the name it is to have."""
        return self._version or companion_name(self._shape.name)

    @property
    def held(self) -> Schema | None:
        """The stamp of the vectors that are there."""
        if self._version is not None:
            return stamp_of(foreign.describe(self._client, self._version).indexes[self._version])
        return next(iter(read_homes(self._client, self._shape.name, {}).values()), None)

    @property
    def needs_version(self) -> bool:
        """Whether there are vectors of another encoder."""
        held = self.held
        return held is not None and _revision(held) != _revision(self.schema)

    def use_version(self, home: str) -> None:
        """Keep the vectors in this version of the companion index."""
        self._version = home

    @property
    def is_begun(self) -> bool:
        """Whether there are vectors already, of the same encoder."""
        held = self.held
        return held is not None and _revision(held) == _revision(self.schema)

    def check(self) -> Iterator[Finding]:
        """Name everything that could give less than expected."""
        return foreign_check.companion(self._client, self._engine.server, self._shape, self.schema)

    def prepare(self) -> None:
        """Make the companion; no template may add aliases or pipelines to it."""
        held = self.held
        if held is not None:  # a version as well: whoever names it has made it
            if held.layout != self.layout:
                schema = replace(self._engine.schema(self.home), layout=self.layout)
                self._engine.update_schema(self.home, schema)
            return
        self._engine.create(self.home, self.schema)
        path = f"/{quote(self.home)}"
        described = self._client.request("GET", path).body[self.home]
        for alias in described.get("aliases", {}):
            self._client.request("DELETE", f"{path}/_alias/{quote(alias, safe='')}")
        own = described["settings"]["index"]
        if pipelines := [name for name in ("default_pipeline", "final_pipeline") if own.get(name, "_none") != "_none"]:
            self._client.request("PUT", f"{path}/_settings", {"index": dict.fromkeys(pipelines, "_none")})

    def outdated(
        self, size: int, *, since: object = None, pause: float = 0.0, note: bool = True
    ) -> Iterator[tuple[int, list[Entry]]]:
        """Yield how many documents were looked at, and those whose vectors are missing or of another text."""
        begun = self.is_begun
        for hits in self._pages(size, since, pause, whole=not begun):
            pending = [self._entry(hit) for hit in hits]
            if begun:
                pending, same = self._compared(hits)
                if note:
                    self._note(same)
            yield len(hits), pending

    def _compared(self, hits: Sequence[Json]) -> tuple[list[Entry], list[Entry]]:
        """Return the documents whose text has changed, and those that have changed otherwise. Unchanged ones aren't read."""
        stored = self._engine.get(self.home, [hit["_id"] for hit in hits], content=False)
        marks = {hit["_id"]: entry.fingerprint if entry else "" for hit, entry in zip(hits, stored, strict=True)}
        versions = {hit["_id"]: mark_of(hash_of(marks[hit["_id"]]), int(hit["_version"])) for hit in hits}
        doubtful = [id for id, mark in versions.items() if mark != marks[id]]
        entries = [self._entry(hit) for hit in self._read(doubtful)]
        pending = [one for one in entries if hash_of(one.fingerprint) != hash_of(marks[one.document.id])]
        return pending, [one for one in entries if one not in pending]

    def _read(self, ids: Sequence[str]) -> list[Json]:
        return foreign.hits_of(self._client, self._shape, ids, foreign.read_fields(self.layout))

    def _entry(self, hit: Json) -> Entry:
        document = foreign.document_of(hit, self.layout)
        mark = mark_of(text_hash(document, self.schema), int(hit["_version"]))
        return Entry(document, fingerprint=mark, source=str(hit["_index"]))

    def among(self, index: str, ids: Sequence[str]) -> list[Entry]:
        """Return the documents among `ids` whose vectors are missing or of another text; the others' versions are noted."""
        stored = self._engine.get(self.home, ids, content=False)
        marks = {id: entry.fingerprint if entry else "" for id, entry in zip(ids, stored, strict=True)}
        entries = [
            self._entry(hit) for hit in foreign.by_id(self._client, index, ids, foreign.read_fields(self.layout))
        ]
        changed = [entry for entry in entries if entry.fingerprint != marks[entry.document.id]]
        pending = [entry for entry in changed if hash_of(entry.fingerprint) != hash_of(marks[entry.document.id])]
        self._note([entry for entry in changed if entry not in pending])
        return pending

    def show(self) -> None:
        """Make the vectors that were written searchable now."""
        self._engine.refresh(quote(self.home))

    def _note(self, entries: Sequence[Entry]) -> None:
        """Note the version of documents that have changed in other fields than their text."""
        actions = [
            make_action("update", entry.document.id, None, {"doc": {"searchctl": {"fingerprint": entry.fingerprint}}})
            for entry in entries
        ]
        if actions:
            self._engine.bulk.run(self.home, actions)

    def write(self, entries: Sequence[Entry]) -> list[Rejection]:
        """Store passages and vectors; the text stays with its owner."""
        return self._engine.write(
            self.home, [replace(entry, document=Document(entry.document.id)) for entry in entries]
        )

    def sweep(self) -> int:
        """Delete the vectors of documents that the name no longer shows."""
        deleted = 0
        for entries in self._engine.scan(self.home):
            ids = [entry.document.id for entry in entries]
            gone = sorted(set(ids) - {hit["_id"] for hit in foreign.hits_of(self._client, self._shape, ids)})
            deleted += self._engine.delete(self.home, gone) if gone else 0
        return deleted

    def remove(self) -> int:
        """Delete the companion."""
        if self.held is None:
            return 0
        count = self._engine.count(self.home)
        self._engine.drop(self.home)
        return count


class InPlaceSource(_Source):
    """Vectors in the documents themselves, under the names `passages` and `searchctl`. Implements `ForeignSource`."""

    def __init__(self, engine: VectorKeeper, shape: ForeignShape, schema: Schema, reading: Reading) -> None:
        super().__init__(engine, shape, schema, reading)
        if len(shape.indexes) > 1:
            raise UsageError(
                _("'{name}' stands for {count} indexes; name one, or leave --in-place out").format(
                    name=shape.name, count=len(shape.indexes)
                )
            )
        ((self._name, self._described),) = shape.indexes.items()
        self._routing: dict[str, str] = {}
        self._check_possible()

    def _check_possible(self) -> None:
        settings = self._described.get("settings", {}).get("index", {})
        if self._engine.server.family == "opensearch" and str(settings.get("knn", "false")) != "true":
            raise UsageError(
                _(
                    "index '{name}' takes no vectors, since index.knn is off and can't be switched on later; leave "
                    "--in-place out"
                ).format(name=self._name)
            )
        held = stamp_of(self._described)
        if held is None:
            own = self._described.get("mappings", {}).get("properties", {})
            taken = [name for name in ("passages", "searchctl") if name in own]
            if taken:
                raise UsageError(
                    _(
                        "index '{name}' has a field '{taken}' of its own, which vectors in place need; leave --in-place "
                        "out"
                    ).format(name=self._name, taken=taken[0])
                )
        elif _revision(held) != _revision(self.schema):
            raise UsageError(
                _(
                    "index '{name}' holds vectors of another encoder in place; take them away first: searchctl "
                    "vectorize {name2} --remove"
                ).format(name=self._name, name2=self._shape.name)
            )

    @property
    def home(self) -> str:
        """The index itself."""
        return self._name

    @property
    def is_begun(self) -> bool:
        """Whether there are vectors already, of the same encoder."""
        return stamp_of(self._described) is not None

    @property
    def needs_version(self) -> bool:
        """Return False: another encoder is refused at once."""
        return False

    def use_version(self, home: str) -> None:
        """Raise UsageError: documents have one place for vectors."""
        raise UsageError(_("the documents of '{name}' have no place for '{home}'").format(name=self._name, home=home))

    def check(self) -> Iterator[Finding]:
        """Name everything that could do harm."""
        return foreign_check.in_place(self._client, self._engine.server, self._shape, self.schema)

    def prepare(self) -> None:
        """Add what is missing to the mapping; doing it again changes nothing."""
        held = stamp_of(self._described)
        schema = self.schema if held is None else replace(held, layout=self.layout, fields={})
        meta = {**self._described.get("mappings", {}).get("_meta", {}), META: schema.to_json()}
        made = index_body(self._engine.dialect, schema, self._engine.options, send_words=True)["mappings"]["properties"]
        kept: Json = {name: {"type": "keyword"} for name in ("id", "fingerprint", "source", "level")}
        kept["stale"] = {"type": "boolean"}
        added = {"passages": made["passages"], "searchctl": {"type": "object", "dynamic": "strict", "properties": kept}}
        self._client.request("PUT", f"/{quote(self._name)}/_mapping", {"properties": added, "_meta": meta})
        self._engine.forget()

    def outdated(
        self, size: int, *, since: object = None, pause: float = 0.0, note: bool = True
    ) -> Iterator[tuple[int, list[Entry]]]:
        """Yield how many documents were looked at, and those whose vectors are missing or of another text."""
        for hits in self._pages(size, since, pause, FINGERPRINT):
            pending = []
            for hit in hits:
                document = foreign.document_of(hit, self.layout)
                hash = text_hash(document, self.schema)
                if (hit.get("_source", {}).get("searchctl") or {}).get("fingerprint") != hash:
                    pending.append(Entry(document, fingerprint=hash))
                    if "_routing" in hit:
                        self._routing[document.id] = hit["_routing"]
            yield len(hits), pending

    def among(self, index: str, ids: Sequence[str]) -> list[Entry]:
        """Raise UsageError: adding vectors would change the version of a document that its writer was just told."""
        raise UsageError(
            _("the vectors of '{name}' lie in its documents; keep them up by: vectorize --follow").format(
                name=self._name
            )
        )

    def show(self) -> None:
        """Make the vectors that were written searchable now."""
        self._engine.refresh(quote(self._name))

    def write(self, entries: Sequence[Entry]) -> list[Rejection]:
        """Add passages and vectors to documents, and what tells which text they are of."""
        actions = [
            make_action("update", entry.document.id, self._routing.pop(entry.document.id, None), {"doc": _added(entry)})
            for entry in entries
        ]
        return _refused(self._engine.bulk.run(self._name, actions))

    def sweep(self) -> int:
        """Do nothing: vectors go with their documents."""
        return 0

    def remove(self) -> int:
        """Write every document as its owner wrote it, unless it changes just then, and take the stamp away."""
        query: Json = {"exists": {"field": FINGERPRINT}}
        path, removed = quote(self._name), 0
        self._engine.refresh(path)
        for hits in foreign.whole_pages(self._client, path, query, size=min(500, self._shape.window)):
            actions = [foreign.rewrite_action(hit) for hit in hits]
            outcomes = self._engine.bulk.run(self._name, actions, pipeline="_none")
            removed += sum(outcome.result == "updated" for outcome in outcomes)
        self._engine.refresh(path)
        left = foreign.count(self._client, path, query)
        if left:
            raise UsageError(
                _("{left:,} documents of '{name}' changed just then and keep their vectors; run it again").format(
                    left=left, name=self._name
                )
            )
        meta = {name: value for name, value in self._described["mappings"].get("_meta", {}).items() if name != META}
        self._client.request("PUT", f"/{path}/_mapping", {"_meta": meta})
        self._engine.forget()
        return removed


def source_of(
    engine: VectorKeeper, name: str, stamp: EncoderStamp, reading: Reading, *, in_place: bool
) -> CompanionSource | InPlaceSource:
    """Return the documents behind a name; vectors that are in place already stay there."""
    shape = foreign.describe(engine.client, name)
    foreign_names.check_open(shape)
    stamps = [held for described in shape.indexes.values() if (held := stamp_of(described)) is not None]
    if any(held.layout is None for held in stamps):
        raise UsageError(
            _(
                "index '{name}' is searchctl's own; missing vectors: searchctl vectorize --index {name}, another "
                "encoder: searchctl reembed --index {name} --encoder NAME"
            ).format(name=name)
        )
    if any(held.layout is not None and held.layout.beside for held in stamps):
        raise UsageError(
            _("index '{name}' holds searchctl's vectors of another index; name that one").format(name=name)
        )
    in_place = in_place or (bool(stamps) and len(shape.indexes) == 1)
    held = stamps[0] if in_place and stamps else next(iter(read_homes(engine.client, name, {}).values()), None)
    schema = _schema(shape, held, stamp, reading, beside="" if in_place else name)
    return (InPlaceSource if in_place else CompanionSource)(engine, shape, schema, reading)


def _schema(shape: ForeignShape, held: Schema | None, stamp: EncoderStamp, reading: Reading, *, beside: str) -> Schema:
    """Return the stamp: as it was, but for what the command says now."""
    kept = held.layout if held is not None else None
    if reading.text or reading.title is not None or kept is None:
        kept = foreign.choose_layout(shape, reading.title, reading.text)
    match = reading.match or (held.layout.match if held is not None and held.layout is not None else ())
    body = reading.body or (held.layout.body if held is not None and held.layout is not None else "")
    foreign.check_matched(shape, match)
    layout = replace(kept, beside=beside, match=match, body=body)
    passages = held.passages if held is not None else PassageSettings()
    return Schema(stamp, passages=passages, layout=layout).with_analysis(1)


def _added(entry: Entry) -> Json:
    rows = numbers(entry.vectors) if entry.vectors is not None else []
    return {
        "passages": [
            {"start": passage.start, "end": passage.end, "vector": row}
            for passage, row in zip(entry.passages, rows, strict=True)
        ],
        "searchctl": {"id": entry.document.id, "fingerprint": entry.fingerprint, "level": LEVEL, "stale": False},
    }


def _refused(outcomes: Sequence[Outcome]) -> list[Rejection]:
    return [
        Rejection(outcome.id, outcome.reason)
        for outcome in outcomes
        if outcome.result == "rejected" and not any(word in outcome.reason for word in _PASSING)
    ]


def _revision(schema: Schema) -> str:
    return schema.encoder.revision if schema.encoder else ""


def _since(value: Any) -> Json:
    """Return a range from a sort value; servers give dates as milliseconds there."""
    is_date = isinstance(value, int) and value > _YEAR_1973
    return {"gte": value, **({"format": "epoch_millis||strict_date_optional_time"} if is_date else {})}
