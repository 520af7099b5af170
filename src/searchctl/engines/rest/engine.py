"""The engine on a server: indexes on OpenSearch or Elasticsearch."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from urllib.parse import quote

from searchctl.engines.base import Finding, ForeignSource, Reading, Technique
from searchctl.engines.names import check_name, check_reference
from searchctl.engines.rest import catalogue, health, native
from searchctl.engines.rest.bulk import Bulk, delete_action, index_action
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.dialect import Dialect
from searchctl.engines.rest.documents import as_source
from searchctl.engines.rest.foreign import shape_of
from searchctl.engines.rest.foreign_search import ForeignView
from searchctl.engines.rest.foreign_work import source_of
from searchctl.engines.rest.loading import Loads
from searchctl.engines.rest.options import IndexOptions
from searchctl.engines.rest.own_search import OwnView
from searchctl.engines.rest.server import Server, identify
from searchctl.engines.rest.state import (
    IndexState,
    companion_name,
    companions_of,
    only_index,
    own_state,
    read_described,
    read_homes,
    stamp_of,
)
from searchctl.engines.rest.template import bm25_settings, field_mappings, index_body
from searchctl.errors import (
    AccessDenied,
    IndexFormatError,
    IndexMissing,
    SearchctlError,
    ServerRefusal,
    UsageError,
)
from searchctl.schema import Bm25Settings, EncoderStamp, Schema
from searchctl.settings.connection import Connection, Family
from searchctl.translation import _
from searchctl.types import (
    Entry,
    Facet,
    FacetCounts,
    IndexInfo,
    Json,
    LexicalQuery,
    Ranking,
    Rejection,
    Scope,
    VectorQuery,
)

_log = logging.getLogger(__name__)
_STATE_SECONDS = 1.0  # how long what is known of an index counts: a search asks for it several times
_LACKS_WORDS = re.compile(r"(?i)(unknown|failed to find).*\b(char_filter|filter|tokenizer|analyzer)")


class ServerEngine:
    """Indexes on one cluster. Nothing is asked of the server until it's needed.

    Implements `FullEngine`, `Faceting`, `Diagnostics`, `AdjustableBm25`, `NativeHybrid` and `ForeignIndexes`.
    """

    def __init__(self, client: Client, connection: Connection, family: Family | None) -> None:
        self.client = client
        self.bulk = Bulk(client)
        self.options = IndexOptions.of(connection.options)
        self._family = family
        self._states: dict[str, tuple[float, IndexState | ForeignView]] = {}
        self._unseen: set[str] = set()  # indexes with writes that aren't searchable yet
        self._loads = Loads(client)

    @property
    def url(self) -> str:
        """The addresses, without secrets."""
        return self.client.url

    @cached_property
    def server(self) -> Server:
        """What answers there, and what it can do."""
        return identify(self.client, self._family)

    @property
    def name(self) -> str:
        """Return `opensearch-2.19.1`."""
        return self.server.name

    @cached_property
    def dialect(self) -> Dialect:
        """Return the words of this server."""
        if self.server.family == "opensearch":
            from searchctl.engines.rest.opensearch import OpenSearch

            return OpenSearch(self.server)
        from searchctl.engines.rest.elasticsearch import Elasticsearch

        return Elasticsearch(self.server)

    # What is known of an index

    def look(self, index: str, *, fresh: bool = False) -> IndexState | ForeignView:
        """Return what the server says of an index, an alias or a pattern, at most a second old.

        Raises IndexMissing, IndexFormatError for an index of others without vectors.
        """
        now = time.monotonic()
        known = self._states.get(index)
        if fresh or known is None or known[0] < now:
            known = (now + _STATE_SECONDS, self._read(index))
            self._states[index] = known
        return known[1]

    def _read(self, index: str) -> IndexState | ForeignView:
        described = read_described(self.client, index)
        stamps = [stamp_of(body) for body in described.values()]
        if len(stamps) == 1 and stamps[0] is not None and (stamps[0].layout is None or stamps[0].layout.beside):
            return own_state(self.client, index, described)
        homes = read_homes(self.client, index, described)
        if not homes:
            return own_state(self.client, index, described)  # which says what is wrong
        return ForeignView(self.client, self.dialect, shape_of(index, described), homes)

    def state(self, index: str, *, fresh: bool = False) -> IndexState:
        """Return the state of an index of searchctl's own; raises UsageError where others write its documents."""
        state = self.look(index, fresh=fresh)
        if isinstance(state, ForeignView):
            raise UsageError(
                _(
                    "the documents of '{index}' are written by others, searchctl only adds vectors; write them as "
                    "before, then: searchctl vectorize {index}"
                ).format(index=index)
            )
        return state

    def forget(self) -> None:
        """Ask anew for what is known of indexes, because others or one's own requests have changed it."""
        self._states.clear()

    def create(self, index: str, schema: Schema) -> None:
        """Make an empty index; raises IndexExists, and UsageError where the server can't search vectors."""
        check_name(index)
        if schema.encoder is not None and not self.server.has_vectors:
            raise UsageError(
                _("{url} lacks the k-NN plugin, so it can't search vectors; install opensearch-knn there").format(
                    url=self.url
                )
            )
        schema = schema.with_analysis(1)
        beside = schema.layout is not None  # a companion of others' documents holds no words, so it needs no stemmers
        body = index_body(self.dialect, schema, self.options, send_words=beside)
        try:
            catalogue.create(self.client, index, body)
        except ServerRefusal as refusal:
            if refusal.status != 400 or not _LACKS_WORDS.search(str(refusal)):
                raise
            _log.warning("%s lacks the stemmers; words are analysed here and sent as terms", self.url)
            catalogue.create(self.client, index, index_body(self.dialect, schema, self.options, send_words=True))
        self.forget()

    def resolve(self, index: str) -> str:
        """Return the name of the index that this name or alias stands for; one of others is known by the name given."""
        try:
            return self.look(index).name
        except IndexFormatError:
            return only_index(self.client, check_reference(index))[0]

    def schema(self, index: str) -> Schema:
        """Return the index's stamp."""
        return self.look(index).schema

    def update_schema(self, index: str, schema: Schema, *, since: Schema | None = None) -> None:
        """Replace the stamp, or what is changed of `since`, and map new fields."""
        state = self.look(index, fresh=True)
        schema = schema if since is None else schema.rebased(since, state.schema)
        if isinstance(state, ForeignView):
            self._update_homes(state, schema)
            return
        new = {name: kind for name, kind in schema.fields.items() if name not in state.schema.fields}
        body: Json = {"_meta": state.meta_with(schema, state.relaxed)}
        if new:
            mapped = field_mappings(new, schema.analyzer, send_words=state.send_words)
            body["properties"] = {"fields": {"properties": mapped}}
        if schema.bm25 != state.schema.bm25:
            self.change_bm25(index, schema.bm25)
        self.client.request("PUT", f"/{quote(state.name)}/_mapping", body)
        self.forget()

    def _update_homes(self, view: ForeignView, schema: Schema) -> None:
        """Replace the stamp of the indexes that hold the vectors; what each says of its own documents stays."""
        if schema.bm25 != view.schema.bm25:
            raise UsageError(
                _("index '{name}' was made by others, so its settings stay as they are").format(name=view.name)
            )
        for name, held in view.homes.items():
            home = own_state(self.client, name, read_described(self.client, name))
            own = replace(schema, fields={}, layout=held.layout)
            body: Json = {"_meta": home.meta_with(own, home.relaxed)}
            self.client.request("PUT", f"/{quote(name)}/_mapping", body)
        self.forget()

    def change_bm25(self, index: str, bm25: Bm25Settings | None) -> None:
        """Change BM25's parameters, which servers do for closed indexes only: it answers nothing for that moment."""
        state = self.state(index)
        path = f"/{quote(state.name)}"
        self.client.request("POST", f"{path}/_close")
        try:
            changed = {f"index.similarity.default.{name}": value for name, value in bm25_settings(bm25).items()}
            self.client.request("PUT", f"{path}/_settings", changed)
        finally:
            self.client.request("POST", f"{path}/_open", params={"wait_for_active_shards": 1})

    # Writing

    @contextmanager
    def writing(self, index: str) -> Iterator[None]:
        """Hold the right to write on this machine; an empty index is filled with refreshes and copies switched off."""
        state = self.state(index, fresh=True)
        with self._loads.running(state):
            self.forget()
            yield
        self.forget()
        self._unseen.discard(state.name)

    def write(self, index: str, entries: Sequence[Entry]) -> list[Rejection]:
        """Insert or replace documents; acknowledged means written to the server's log on disk."""
        state = self.state(index)
        self._unseen.add(state.name)
        actions = (
            index_action(entry.document.id, as_source(entry, state.schema, send_words=state.send_words))
            for entry in entries
        )
        outcomes = self.bulk.run(state.name, actions)
        return [Rejection(one.id, one.reason) for one in outcomes if one.result == "rejected"]

    def delete(self, index: str, ids: Sequence[str]) -> int:
        """Delete documents and return how many there were."""
        state = self.state(index)
        self._unseen.add(state.name)
        outcomes = self.bulk.run(state.name, map(delete_action, dict.fromkeys(ids)))
        self._refresh(state.name)
        return sum(one.result == "deleted" for one in outcomes)

    def _refresh(self, name: str) -> None:
        """Make everything written searchable now, where that is allowed; the server does it by itself a little later."""
        self.refresh(quote(name))
        self._unseen.discard(name)

    def _see_own_writes(self, name: str) -> None:
        if name in self._unseen:
            self._refresh(name)

    # Reading

    def get(
        self,
        index: str,
        ids: Sequence[str],
        *,
        vectors: bool = False,
        content: bool = True,
        fields: Sequence[str] | None = None,
    ) -> list[Entry | None]:
        """Return entries in the order asked for; without `content` their ids and fingerprints, with `fields` these only."""
        state = self.look(index)
        if isinstance(state, ForeignView):
            return state.get(ids, vectors=vectors) if fields is None else state.fields(ids, fields)
        with self._forgetting():
            own = self._own(index, state)
            return own.get(ids, vectors=vectors, content=content) if fields is None else own.fields(ids, fields)

    def scan(self, index: str, *, batch: int = 500, vectors: bool = False) -> Iterator[list[Entry]]:
        """Yield all entries."""
        state = self.look(index)
        if isinstance(state, ForeignView):
            return state.scan(batch, vectors=vectors)
        self._see_own_writes(state.name)
        return self._own(index, state).scan(batch, vectors=vectors)

    def count(self, index: str, scope: Scope | None = None) -> int:
        """Count documents, also those that anybody has written just now."""
        state = self.look(index)
        if isinstance(state, ForeignView):
            return state.count(scope)
        self._refresh(state.name)
        return self._own(index, state).count(scope)

    def search(self, index: str, queries: Sequence[LexicalQuery | VectorQuery]) -> list[Ranking]:
        """Answer all queries, as a rule in one request."""
        state = self.look(index)
        if isinstance(state, ForeignView):
            return state.search(queries)
        if self._loads.finish_broken(state):
            state = self.state(index, fresh=True)
        if not self._loads.is_running(state):
            self._see_own_writes(state.name)
        with self._forgetting():
            return self._own(index, state).search(queries)

    def facets(self, index: str, query: LexicalQuery, facets: Sequence[Facet]) -> list[FacetCounts]:
        """Count the documents that a query's words find by the values of their fields."""
        state = self.look(index)
        if isinstance(state, ForeignView):
            return state.facets(query, facets)
        if not self._loads.is_running(state):
            self._see_own_writes(state.name)
        with self._forgetting():
            return self._own(index, state).facets(query, facets)

    def _own(self, index: str, state: IndexState) -> OwnView:
        return OwnView(self.client, self.dialect, index, state)

    @contextmanager
    def _forgetting(self) -> Iterator[None]:
        """Ask anew for what is known of indexes after a fault: one may have been replaced or dropped."""
        try:
            yield
        except SearchctlError:
            self.forget()
            raise

    # The index as a whole

    def info(self, index: str) -> IndexInfo:
        """Return counts, and the size of all copies (0 where the server doesn't tell); also of an index of others."""
        try:
            state = self.look(index, fresh=True)
        except IndexFormatError:
            name, described = only_index(self.client, check_reference(index))
            return catalogue.info(self.client, name, described)
        if isinstance(state, ForeignView):
            return state.info()
        self._see_own_writes(state.name)
        return catalogue.info(self.client, *only_index(self.client, state.name))

    def indexes(self) -> list[IndexInfo]:
        """Return every index of searchctl's, by name; the copy that a move broken off has left is none."""
        infos = [self.info(name) for name in catalogue.index_names(self.client)]
        return [info for info in infos if info.name + catalogue.UNFINISHED not in info.aliases]

    def alias(self, alias: str, index: str, *, keep: str | None = None) -> str | None:
        """Point `alias` at `index` in one step; an index of that name lives on as a clone under the name `keep`."""
        before = catalogue.point_alias(self.client, alias, self.resolve(index), keep)
        self.forget()
        return before

    def drop(self, index: str) -> None:
        """Delete an index; its aliases go with it."""
        try:
            state = self.state(index, fresh=True)
        except IndexMissing:
            return
        self.client.request("DELETE", f"/{quote(state.name)}?ignore_unavailable=true")
        self._unseen.discard(state.name)
        self.forget()

    # What only some engines can

    def diagnose_server(self) -> Finding:
        """Examine the server itself."""
        return health.examine_server(self.client, self.server)

    def diagnose_index(self, index: str) -> Iterator[Finding]:
        """Examine health and settings of an index."""
        state = self.look(index, fresh=True)
        if isinstance(state, ForeignView):
            return health.examine_foreign(self.client, state)
        return health.examine_index(self.client, state)

    def foreign_source(self, name: str, stamp: EncoderStamp, reading: Reading, *, in_place: bool) -> ForeignSource:
        """Return the documents that others wrote behind a name, and where their vectors are kept."""
        return source_of(self, name, stamp, reading, in_place=in_place)

    def vectors_of(self, name: str) -> str | None:
        """Return the companion index that holds the vectors of a name's documents."""
        return companion_name(name) if read_homes(self.client, name, {}) else None

    def companions_of(self, index: str) -> dict[str, EncoderStamp]:
        """Return the encoders whose vectors lie beside an index, by the name they were made under."""
        return companions_of(self.client, index)

    def refresh(self, path: str) -> None:
        """Make what was written searchable now, where that is allowed; the server does it by itself a little later."""
        try:
            self.client.request("POST", f"/{path}/_refresh")
        except (AccessDenied, ServerRefusal) as error:
            _log.info("%s isn't refreshed: %s", path, error)

    def techniques(self) -> tuple[Technique, ...]:
        """Return the ways in which the server joins both legs itself."""
        return native.techniques(self.server)

    def native_ranking(self, index: str, match: LexicalQuery, nearest: VectorQuery, technique: Technique) -> Ranking:
        """Return the first documents as the server itself joins both legs, from as many candidates of each as it asks for."""
        state = self.state(index)
        legs = [self._own(index, state).body(query)["query"] for query in (match, nearest)]
        return native.ask(self.client, self.server, state.name, legs, match.k, technique)

    def install_pipeline(self, name: str, technique: Technique, *, lexical: float = 0.5) -> Json:
        """Write a search pipeline and return its definition."""
        body = native.definition(self.server, technique, lexical=lexical)
        self.client.request("PUT", f"/_search/pipeline/{quote(name)}", body)
        return body

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()
