"""Adding vectors to an index that somebody else made and feeds: in place where the server allows, else in a copy behind its name.

In place, documents are updated in part. A copy has the source's own settings and mapping; documents are copied with their version,
until nothing is left to copy, then get their vectors, and then the name moves over. What was written to the old index up to
that moment is brought over right after. All of it may end at any time: what is done is seen in the index itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from searchctl.encoders.base import Encoder
from searchctl.engines.base import Engine
from searchctl.engines.rest import foreign
from searchctl.engines.rest.bulk import Action, delete_action
from searchctl.engines.rest.engine import ServerEngine
from searchctl.engines.rest.foreign import Found, Source
from searchctl.errors import StorageError, UsageError
from searchctl.ingest.copying import BATCH, Pace, Watch, save_background
from searchctl.ingest.encoding import cut_and_encode
from searchctl.ingest.prepare import fingerprint
from searchctl.lifecycle.versions import Move, begun_version, move, next_version
from searchctl.schema import EncoderStamp, Layout, Lineage, PassageSettings, Schema
from searchctl.types import Document, Entry, Json, Rejection

_PAGE = 500  # documents compared or copied together
_PASSES = 3  # over an index that others write to all the while
_SAMPLE = 32  # documents encoded for an estimate
_YEAR_1973 = 10**11  # in milliseconds; numbers of versions stay below
_ALL: Json = {"match_all": {}}


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read of each document: `text` fields and a `title` field, None or none for the usual ones, "" for no title.

    `changed_by` names a field that grows with every change, by which later passes look at changed documents only.
    """

    title: str | None = None
    text: tuple[str, ...] = ()
    changed_by: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignPlan:
    """What would be done: in place, or (`version`) in a new index. `waiting` documents lack vectors, `stale` have outdated ones."""

    index: str
    version: str | None
    layout: Layout
    documents: int
    waiting: int
    stale: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """What one or several passes came to."""

    encoded: int = 0
    stale: int = 0
    copied: int = 0
    deleted: int = 0
    refused: tuple[Rejection, ...] = ()

    def __add__(self, other: Work) -> Work:
        return Work(
            self.encoded + other.encoded,
            self.stale + other.stale,
            self.copied + other.copied,
            self.deleted + other.deleted,
            self.refused + other.refused,
        )


@dataclass(frozen=True, slots=True)
class ForeignReport:
    """What it came to. `index` holds the vectors; `moved` says what the name led to before, where it was moved."""

    index: str
    documents: int
    work: Work
    seconds: float
    moved: Move | None = None
    interrupted: bool = False


class ForeignIndex:
    """One index of others, and how its documents become entries. Raises UsageError where nothing can be added to it."""

    def __init__(self, engine: Engine, name: str, stamp: EncoderStamp, encoder: Encoder, reading: Reading) -> None:
        if not isinstance(engine, ServerEngine):
            raise UsageError(
                f"{engine.url} is a folder, and indexes there are searchctl's own; name a server, as in: "
                "searchctl vectorize INDEX --engine opensearch://HOST:9200"
            )
        self.engine = engine
        self.name = name
        self.reading = reading
        self.source = foreign.read_source(engine.client, name)
        self.schema = _schema(self.source, name, stamp, reading)
        self._encoder = encoder

    @property
    def layout(self) -> Layout:
        """Where title and text are."""
        assert self.schema.layout is not None
        return self.schema.layout

    @property
    def in_place(self) -> bool:
        """Tell whether vectors can be added to the index itself: not of a second encoder, nor to one without k-NN."""
        held = self.source.stamp
        same = held is None or _revision(held) == _revision(self.schema)
        return same and (self.engine.server.family == "elasticsearch" or self.source.has_knn)

    def plan(self) -> ForeignPlan:
        """Say what would be done; nothing is changed."""
        client, name = self.engine.client, self.source.name
        documents, stale = foreign.count(client, name, _ALL), 0
        waiting = documents
        if self.in_place and self.source.stamp is not None:
            waiting = foreign.count(client, name, foreign.WAITING)
            stale = sum(len(found) for found in self._outdated(name, None))
        sample = next(iter(self._read(name, _ALL, _SAMPLE)), [])
        self._entries(sample[:1])  # loads what is loaded once
        began = time.monotonic()
        self._entries(sample)
        each = (time.monotonic() - began) / max(len(sample), 1)
        version = None if self.in_place else next_version(self.engine, self.name)
        return ForeignPlan(name, version, self.layout, documents, waiting, stale, each * (waiting + stale))

    def run(self, watch: Watch) -> ForeignReport:
        """Add vectors to every document, in place or in a new index that then takes over the name."""
        began = time.monotonic()
        if self.in_place:
            foreign.add_fields(self.engine, self.source, self._kept_schema())
        work = self._settle(self.source.name, watch)
        if self.in_place:
            work += self._bring_up(self.source.name, watch)
            moved, index = None, self.source.name
        else:
            more, moved, index = self._replace(watch)
            work += more
        if not watch.stop.is_set():
            save_background(self.engine, index)
        documents = foreign.count(self.engine.client, index, _ALL)
        stopped = watch.stop.is_set() and moved is None
        return ForeignReport(index, documents, work, time.monotonic() - began, moved, stopped)

    def follow(self, index: str, watch: Watch, every: float, tell: Callable[[Work], None]) -> Work:
        """Look for changed documents every so many seconds until `watch.stop` is set; `tell` hears of each pass."""
        total = Work()
        since = self._newest(index)
        while not watch.stop.wait(every):
            until = self._newest(index)
            work = self._bring_up(index, watch, since)
            since = until
            total += work
            tell(work)
        return total

    def _newest(self, index: str) -> Any:
        field = self.reading.changed_by
        return foreign.newest(self.engine.client, index, field) if field else None

    def _kept_schema(self) -> Schema:
        """Return the stamp to write: what is known of the index beside the layout stays."""
        held = self.source.stamp
        return self.schema if held is None else replace(held, layout=self.layout, fields=self.schema.fields)

    # Vectors

    def _bring_up(self, index: str, watch: Watch, since: Any = None) -> Work:
        """Mark what is outdated, then encode what waits, until nothing does."""
        work = Work()
        for found in self._outdated(index, since):
            outcomes = self.engine.bulk.run(index, map(foreign.stale_action, found))
            work += Work(stale=len(found), refused=_rejections(foreign.refused(outcomes)))
            if watch.stop.is_set():
                break
        for _ in range(_PASSES):  # stopped or not: it begins by making the marks seen
            one = self._encode_waiting(index, watch)
            work += one
            if not one.encoded or one.refused or watch.stop.is_set():
                break
        return work

    def _outdated(self, index: str, since: Any) -> Iterator[list[Found]]:
        """Yield the documents whose vectors aren't those of their text and that aren't marked yet."""
        self.engine.client.request("POST", f"/{index}/_refresh")
        clauses: list[Json] = [{"exists": {"field": foreign.FINGERPRINT}}]
        if since is not None:
            clauses.append({"range": {str(self.reading.changed_by): _since(since)}})
        query: Json = {"bool": {"filter": clauses, "must_not": [foreign.STALE]}}
        for page in self._read(index, query, _PAGE):
            found = [one for one in page if one.fingerprint != self._fingerprint(one.document)]
            if found:
                yield found

    def _encode_waiting(self, index: str, watch: Watch) -> Work:
        client, pace, work = self.engine.client, Pace(watch), Work()
        client.request("POST", f"/{index}/_refresh")
        total, done = foreign.count(client, index, foreign.WAITING), 0
        for page in self._read(index, foreign.WAITING, BATCH, watch.rate):
            if watch.stop.is_set():
                break
            routing = {one.document.id: one.routing for one in page}
            actions = [
                foreign.vectors_action(entry, routing[entry.document.id], self.schema) for entry in self._entries(page)
            ]
            refused = foreign.refused(self.engine.bulk.run(index, actions))
            work += Work(encoded=len(page) - len(refused), refused=_rejections(refused))
            done += len(page)
            if watch.tell is not None:
                watch.tell(done, max(total, done))
            pace.wait(len(page))
        client.request("POST", f"/{index}/_refresh")
        return work

    def _read(self, index: str, query: Json, size: int, rate: float | None = None) -> Iterator[list[Found]]:
        pause = size / rate if rate else 0.0
        only = foreign.read_fields(self.layout)
        return foreign.documents(self.engine.client, index, self.layout, query, size=size, only=only, pause=pause)

    def _entries(self, page: Sequence[Found]) -> list[Entry]:
        """Return the documents encoded; those without any text without passages."""
        whole = [Entry(one.document, (), None, self._fingerprint(one.document)) for one in page]
        told = [entry for entry in whole if entry.document.text.strip() or entry.document.title.strip()]
        done = cut_and_encode(told, self._encoder, self.schema.passages) if told else []
        return done + [entry for entry in whole if entry not in told]

    def _fingerprint(self, document: Document) -> str:
        return fingerprint(replace(document, fields={}), f"{self.schema.passages!r} {_revision(self.schema)}")

    # A copy

    def _replace(self, watch: Watch) -> tuple[Work, Move | None, str]:
        """Copy the index, add vectors to the copy, and point the name at it."""
        version = begun_version(self.engine, self.name, self.schema)
        if version is None:
            version = next_version(self.engine, self.name)
            unsettled = Lineage(f"index {self.source.name}", unsettled=True)
            foreign.create_like(self.engine, version, self.source, replace(self.schema, lineage=unsettled))
        work = one = Work()
        for _ in range(_PASSES):
            one = self._copy(self.source.name, version, watch)
            one += self._bring_up(version, watch) if not watch.stop.is_set() else Work()
            work += one
            if watch.stop.is_set():
                return work, None, version
            if not one.copied and not one.deleted:
                break
        self._check_complete(version, work, one.copied + one.deleted)
        moved = move(self.engine, self.name, version)
        return work + self._settle(version, Watch(rate=watch.rate)), moved, version

    def _settle(self, version: str, watch: Watch) -> Work:
        """Bring over what others wrote to the old index until the name moved; the stamp tells whether that is still to be done."""
        stamp = foreign.read_source(self.engine.client, version).stamp
        lineage = stamp.lineage if stamp is not None else None
        if lineage is None or not lineage.unsettled or not lineage.previous:
            return Work()
        work = self._copy(lineage.previous, version, watch, moved=True)
        work += self._bring_up(version, watch)
        if not watch.stop.is_set():
            schema = self.engine.schema(version)
            self.engine.update_schema(version, replace(schema, lineage=replace(lineage, unsettled=False)))
        return work

    def _check_complete(self, version: str, work: Work, busy: int) -> None:
        """Raise StorageError unless the copy is whole, but for `busy` documents: so many had changed during the last pass."""
        client = self.engine.client
        for name in (self.source.name, version):
            client.request("POST", f"/{name}/_refresh")
        there, here = (foreign.count(client, name, _ALL) for name in (self.source.name, version))
        waiting = foreign.count(client, version, foreign.WAITING)
        if abs(there - here) > busy or waiting > busy or work.refused:
            reasons = "; ".join(f"{one.id!r}: {one.reason}" for one in work.refused[:3]) or "none was refused"
            raise StorageError(
                f"'{version}' holds {here:,} of {there:,} documents, {waiting:,} of them without vectors ({reasons}), so the name "
                f"'{self.name}' stays where it is; run the same command again"
            )

    def _copy(self, source: str, version: str, watch: Watch, *, moved: bool = False) -> Work:
        """Copy what is new or changed and delete what is gone; once the name has `moved`, what others wrote since stays."""
        client, pace, work = self.engine.client, Pace(watch), Work()
        client.request("POST", f"/{source}/_refresh")
        pause = _PAGE / watch.rate if watch.rate else 0.0
        for page in foreign.documents(client, source, self.layout, _ALL, size=_PAGE, pause=pause):
            if watch.stop.is_set():
                return work
            held = foreign.copied_versions(client, version, [(one.document.id, one.routing) for one in page])
            changed = [
                foreign.copy_action(one, new=moved and mark is None)
                for one, mark in zip(page, held, strict=True)
                if mark != one.version and not (moved and mark == 0)
            ]
            refused = foreign.refused(self.engine.bulk.run(version, changed))
            work += Work(copied=len(changed), refused=_rejections(refused))
            pace.wait(len(changed))
        return work + Work(deleted=self._delete_vanished(source, version))

    def _delete_vanished(self, source: str, version: str) -> int:
        client, deleted = self.engine.client, 0
        client.request("POST", f"/{version}/_refresh")
        query: Json = {"exists": {"field": "searchctl.version"}}
        for page in foreign.documents(client, version, self.layout, query, size=_PAGE, only=["searchctl.version"]):
            ids = [(one.document.id, one.routing) for one in page]
            there = foreign.copied_versions(client, source, ids)
            gone: list[Action] = [
                delete_action(id, routing) for (id, routing), mark in zip(ids, there, strict=True) if mark is None
            ]
            deleted += sum(one.result == "deleted" for one in self.engine.bulk.run(version, gone))
        return deleted


def _schema(source: Source, name: str, stamp: EncoderStamp, reading: Reading) -> Schema:
    held = source.stamp
    if held is not None and held.layout is None:
        raise UsageError(
            f"index '{name}' is searchctl's own; missing vectors: searchctl vectorize --index {name}, another encoder: "
            f"searchctl reembed --index {name} --encoder NAME"
        )
    named = reading.text or reading.title is not None
    layout = held.layout if held is not None and not named else None
    layout = layout or foreign.choose_layout(source, reading.title, reading.text)
    passages = held.passages if held is not None else PassageSettings()
    fields = foreign.filterable(source, layout)
    return Schema(stamp, passages=passages, fields=fields, lineage=Lineage(f"index {source.name}"), layout=layout)


def _revision(schema: Schema) -> str:
    return schema.encoder.revision if schema.encoder else ""


def _since(value: Any) -> Json:
    """Return a range from a sort value; servers give dates as milliseconds there."""
    is_date = isinstance(value, int) and value > _YEAR_1973
    return {"gte": value, **({"format": "epoch_millis||strict_date_optional_time"} if is_date else {})}


def _rejections(outcomes: Sequence[Any]) -> tuple[Rejection, ...]:
    return tuple(Rejection(one.id, one.reason) for one in outcomes)
