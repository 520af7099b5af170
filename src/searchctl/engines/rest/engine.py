"""The engine on a server: indexes on OpenSearch or Elasticsearch."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from searchctl.engines.lock import WriteLock
from searchctl.engines.names import check_name
from searchctl.engines.rest import loading
from searchctl.engines.rest.bulk import Bulk, delete_action, index_action
from searchctl.engines.rest.dialect import VECTORS, Dialect
from searchctl.engines.rest.documents import WORDS, as_entry, as_source, numbers
from searchctl.engines.rest.http import Client
from searchctl.engines.rest.queries import Questions, lexical_ranking, vector_ranking
from searchctl.engines.rest.server import Server, identify
from searchctl.engines.rest.state import IndexState, read_index, read_state
from searchctl.engines.rest.statistics import Remembered
from searchctl.engines.rest.template import META, bm25_settings, field_mappings, index_body
from searchctl.errors import IndexExists, IndexFormatError, IndexMissing, SearchctlError, ServerRefusal, UsageError
from searchctl.schema import Bm25Settings, Schema
from searchctl.settings.connection import Connection, Family
from searchctl.types import Entry, IndexInfo, Json, Match, Nearest, Ranking, Rejection, Scope, TermStatistics

_log = logging.getLogger(__name__)
_STATE_SECONDS = 1.0  # how long what is known of an index counts: a search asks for it several times
_SLICE = 1000  # ids in one request
_QUESTIONS = 120  # searches in one request
_UNFINISHED = "-unfinished"  # the alias of a copy whose original is still in use
_COPIES = ("number_of_replicas", "auto_expand_replicas")
_WINDOW = 10_000  # hits a search may have, by the servers' own default
_LACKS_WORDS = re.compile(r"(?i)(unknown|failed to find).*\b(char_filter|filter|tokenizer|analyzer)")


class ServerEngine:
    """Indexes on one cluster. Implements `Engine`; nothing is asked of the server until it's needed."""

    def __init__(self, client: Client, connection: Connection, family: Family | None) -> None:
        self.client = client
        self.bulk = Bulk(client)
        self.options = connection.options
        self._family = family
        self._states: dict[str, tuple[float, IndexState]] = {}
        self._locks: dict[str, WriteLock] = {}
        self._unseen: set[str] = set()  # indexes with writes that aren't searchable yet
        self._loading: set[str] = set()  # uuids of indexes that this engine is loading
        self._tried: set[str] = set()  # uuids of indexes that were tried to be healed
        self._remembered = Remembered()
        self._mutex = threading.RLock()

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

    def state(self, index: str, *, fresh: bool = False) -> IndexState:
        """Return what the server says of an index or alias, at most a second old. Raises IndexMissing."""
        now = time.monotonic()
        known = self._states.get(index)
        if fresh or known is None or known[0] < now:
            known = (now + _STATE_SECONDS, self._healed(read_state(self.client, index)))
            self._states[index] = known
        return known[1]

    def _healed(self, state: IndexState) -> IndexState:
        """Put back what a load that died has left, unless a load is at work on this machine. Tried once: it may be forbidden."""
        if state.relaxed is None or state.uuid in self._loading or state.uuid in self._tried:
            return state
        self._tried.add(state.uuid)
        try:
            lock = loading.writer_lock(self.url, state)
            if not lock.try_acquire():
                return state
            try:
                loading.restore(self.client, state)
                self.client.request("POST", f"/{quote(state.name)}/_refresh")
            finally:
                lock.release()
        except SearchctlError as error:
            _log.info("the settings of %s stay relaxed: %s", state.name, error)
            return state
        return read_state(self.client, state.name)

    def forget(self) -> None:
        """Ask anew for what is known of indexes, because others or one's own requests have changed it."""
        self._states.clear()

    def _questions(self, state: IndexState) -> Questions:
        return Questions(state.schema, send_words=state.send_words)

    def create(self, index: str, schema: Schema) -> None:
        """Make an empty index; raises IndexExists, and UsageError where the server can't search vectors."""
        check_name(index)
        if schema.encoder is not None and not self.server.has_vectors:
            raise UsageError(
                f"{self.url} lacks the k-NN plugin, so it can't search vectors; install opensearch-knn there"
            )
        body = index_body(self.dialect, schema, self.options, send_words=False)
        try:
            self._create(index, body)
        except ServerRefusal as refusal:
            if refusal.status != 400 or not _LACKS_WORDS.search(str(refusal)):
                raise
            _log.warning("%s lacks the stemmers; words are analysed here and sent as terms", self.url)
            self._create(index, index_body(self.dialect, schema, self.options, send_words=True))
        self.forget()

    def _create(self, index: str, body: Json) -> None:
        try:
            self.client.request("PUT", f"/{quote(index)}", body, repeatable=False)
        except ServerRefusal as refusal:
            if refusal.kind in ("resource_already_exists_exception", "invalid_index_name_exception") and self._is_there(
                index
            ):
                raise IndexExists(
                    f"there is an index '{index}' on {self.url} already; choose another --index"
                ) from refusal
            raise

    def _is_there(self, index: str) -> bool:
        try:
            return bool(read_index(self.client, index))
        except IndexMissing:
            return False

    def resolve(self, index: str) -> str:
        """Return the name of the index that this name or alias stands for, also when it isn't searchctl's."""
        try:
            return self.state(index).name
        except IndexFormatError:
            return next(iter(read_index(self.client, check_name(index))))

    def schema(self, index: str) -> Schema:
        """Return the index's stamp."""
        return self.state(index).schema

    def revision(self, index: str) -> None:
        """Return nothing to tell a change by.

        Others write here too, what is written becomes searchable later, and asking for both takes about as long as a search.
        """

    def update_schema(self, index: str, schema: Schema) -> None:
        """Replace the stamp and map new fields."""
        state = self.state(index, fresh=True)
        new = {name: kind for name, kind in schema.fields.items() if name not in state.schema.fields}
        new = new if schema.layout is None else {}
        body: Json = {"_meta": state.meta_with(schema, state.relaxed)}
        if new:
            mapped = field_mappings(new, schema.analyzer, send_words=state.send_words)
            body["properties"] = {"fields": {"properties": mapped}}
        if schema.bm25 != state.schema.bm25:
            self._change_bm25(state, schema.bm25)
        self.client.request("PUT", f"/{quote(state.name)}/_mapping", body)
        self.forget()

    def _change_bm25(self, state: IndexState, bm25: Bm25Settings | None) -> None:
        """Change BM25's parameters, which servers do for closed indexes only; it answers nothing for that moment."""
        if state.schema.layout is not None:
            raise UsageError(f"index '{state.name}' was made by others, so its settings stay as they are")
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
        lock = self._lock(state)
        lock.acquire()
        self._loading.add(state.uuid)
        try:
            self._begin_load(state)
            try:
                yield
            except BaseException:
                self._end_load_quietly(state.name)
                raise
            self._end_load(state.name)
        finally:
            self._loading.discard(state.uuid)
            lock.release()

    def _lock(self, state: IndexState) -> WriteLock:
        with self._mutex:
            return self._locks.setdefault(state.uuid, loading.writer_lock(self.url, state))

    def _begin_load(self, state: IndexState) -> None:
        """Put back what a load that died has left, and relax an index that is empty."""
        loading.restore(self.client, state)
        if not self.count(state.name):
            loading.relax(self.client, self.state(state.name, fresh=True))
        self.forget()

    def _end_load(self, index: str) -> None:
        loading.restore(self.client, self.state(index, fresh=True))
        self.forget()
        self.refresh(index)

    def _end_load_quietly(self, index: str) -> None:
        """After a failure, which is what is to be reported: the next load puts back what this one can't."""
        try:
            self._end_load(index)
        except SearchctlError as error:
            _log.info("the settings of %s stay relaxed until the next load: %s", index, error)

    def write(self, index: str, entries: Sequence[Entry]) -> list[Rejection]:
        """Insert or replace documents; acknowledged means written to the server's log on disk."""
        state = self.state(index)
        if state.schema.layout is not None:
            raise UsageError(
                f"the documents of '{index}' are written by others, searchctl only adds vectors; "
                f"write them as before, then: searchctl vectorize {index}"
            )
        self._changed(state)
        actions = (
            index_action(entry.document.id, as_source(entry, state.schema, send_words=state.send_words))
            for entry in entries
        )
        outcomes = self.bulk.run(state.name, actions)
        return [Rejection(one.id, one.reason) for one in outcomes if one.result == "rejected"]

    def delete(self, index: str, ids: Sequence[str]) -> int:
        """Delete documents and return how many there were."""
        state = self.state(index)
        self._changed(state)
        outcomes = self.bulk.run(state.name, map(delete_action, dict.fromkeys(ids)))
        self.refresh(state.name)
        return sum(one.result == "deleted" for one in outcomes)

    def _changed(self, state: IndexState) -> None:
        self._unseen.add(state.name)
        self._remembered.clear()

    def refresh(self, index: str) -> None:
        """Make everything written searchable now."""
        name = self.state(index).name
        self.client.request("POST", f"/{quote(name)}/_refresh")
        self._unseen.discard(name)

    def _see_own_writes(self, name: str) -> None:
        if name in self._unseen:
            self.refresh(name)

    # Reading by id

    def get(self, index: str, ids: Sequence[str], *, vectors: bool = False) -> list[Entry | None]:
        """Return entries in the order asked for."""
        layout = self.state(index).schema.layout
        parameters = self.dialect.source_parameters(vectors=vectors)
        if layout is not None:
            parameters["_source_excludes"] = ",".join(_unread(vectors=vectors))
        return [
            as_entry(found["_id"], found["_source"], layout, vectors=vectors) if found.get("found") else None
            for found in self._by_id(index, ids, parameters)
        ]

    def fingerprints(self, index: str, ids: Sequence[str]) -> list[str | None]:
        """Return the stored fingerprints."""
        parameters = {"_source_includes": "searchctl.fingerprint"}
        return [
            str(found["_source"].get("searchctl", {}).get("fingerprint", "")) if found.get("found") else None
            for found in self._by_id(index, ids, parameters)
        ]

    def _by_id(self, index: str, ids: Sequence[str], parameters: Mapping[str, str]) -> Iterator[Any]:
        state = self.state(index)
        for start in range(0, len(ids), _SLICE):
            part = list(ids[start : start + _SLICE])
            if state.schema.layout is not None:
                yield from self._by_search(state, part, parameters)
                continue
            body: Json = {"ids": part}
            found = self.client.request("POST", f"/{quote(state.name)}/_mget", body, params=parameters).body["docs"]
            self._check_still(index, state, found)
            yield from found

    def _by_search(self, state: IndexState, ids: Sequence[str], parameters: Mapping[str, str]) -> Iterator[Any]:
        """Find documents by id wherever they lie: others may have put them on shards of their own choice."""
        body: Json = {"query": {"ids": {"values": list(ids)}}, "size": len(ids)}
        path = f"/{quote(state.name)}/_search"
        hits = self.client.request("POST", path, body, params=parameters).body["hits"]["hits"]
        found = {hit["_id"]: {**hit, "found": True} for hit in hits}
        yield from (found.get(id, {}) for id in ids)

    def scan(
        self, index: str, *, batch: int = 500, vectors: bool = False, source: str | None = None
    ) -> Iterator[list[Entry]]:
        """Yield all entries by id. Ids never change, so that no snapshot is needed to see each once."""
        state = self.state(index)
        self._see_own_writes(state.name)
        body: Json = {
            "size": batch,
            "sort": [{"searchctl.id": "asc"}],
            "query": _stored_by(state, source),
            "_source": self._source(state, vectors=vectors),
            "track_total_hits": False,
        }
        while True:
            hits = self.client.request("POST", f"/{quote(state.name)}/_search", body).body["hits"]["hits"]
            if hits:
                layout = state.schema.layout
                yield [as_entry(hit["_id"], hit["_source"], layout, vectors=vectors) for hit in hits]
            if len(hits) < batch:
                return
            body["search_after"] = hits[-1]["sort"]

    def _source(self, state: IndexState, *, vectors: bool) -> Json:
        asked = self.dialect.source(vectors=vectors)
        return asked if state.schema.layout is None else {**asked, "excludes": _unread(vectors=vectors)}

    def count(self, index: str, scope: Scope | None = None) -> int:
        """Count documents."""
        state = self.state(index)
        self._see_own_writes(state.name)
        body: Json = {"query": {"bool": {"filter": self._questions(state).filters(scope)}}} if scope else {}
        return int(self.client.request("POST", f"/{quote(state.name)}/_count", body).body["count"])

    # Searching

    def search(self, index: str, queries: Sequence[Match | Nearest]) -> list[Ranking]:
        """Answer all queries in one `_msearch`, which asks for the statistics of their words as well."""
        state = self.state(index)
        questions = self._questions(state)
        found: list[Ranking] = []
        for start in range(0, len(queries), _QUESTIONS):
            part = [replace(query, k=min(query.k, _WINDOW)) for query in queries[start : start + _QUESTIONS]]
            texts = list(dict.fromkeys(one.text for one in part if isinstance(one, Match) and not one.synonyms))
            bodies = [self.search_body(state, query) for query in part] + [questions.statistics(text) for text in texts]
            answers = self._ask(state, bodies)
            self._check_still(index, state, (hit for answer in answers for hit in answer["hits"]["hits"][:1]))
            bm25 = state.schema.bm25 or Bm25Settings()
            found += [_ranking(query, answer, bm25) for query, answer in zip(part, answers, strict=False)]
            for text, answer in zip(texts, answers[len(part) :], strict=True):
                self._remembered.put(state.uuid, text, _statistics(questions, text, answer))
        return found

    def search_body(self, state: IndexState, query: Match | Nearest) -> Json:
        """Return a question as this server takes it."""
        questions = self._questions(state)
        if isinstance(query, Match):
            return questions.match(query)
        filters = questions.filters(query.scope)
        if state.schema.layout is not None:
            filters.append({"bool": {"must_not": {"term": {"searchctl.stale": True}}}})
        nearest = self.dialect.nearest(numbers(query.vector), query.k, filters)
        return {**nearest, "size": query.k, **questions.only_ids}

    def _ask(self, state: IndexState, bodies: Sequence[Json]) -> list[Json]:
        """Search for all of these at once; statistics of words are those of all shards, and a part of an answer is none."""
        header: Json = {"search_type": "dfs_query_then_fetch", "allow_partial_search_results": False}
        lines = [line for body in bodies for line in (header, body)]
        try:
            return self.client.search_many(f"/{quote(state.name)}/_msearch", lines)
        except SearchctlError:
            self.forget()  # the index may have been replaced or dropped
            raise

    def _check_still(self, index: str, state: IndexState, found: Iterable[Json]) -> None:
        """Raise IndexMissing if the name has come to mean another index, or none, since it was asked about."""
        if any("error" in one or one["_index"] != state.name for one in found):
            self.forget()
            raise IndexMissing(f"the index '{index}' on {self.url} was replaced just now; ask again")

    def term_statistics(self, index: str, text: str) -> TermStatistics:
        """Return how common a text's terms are; what the last search for it has found out isn't asked again."""
        state = self.state(index)
        known = self._remembered.pop(state.uuid, text)
        if known is not None:
            return known
        self._see_own_writes(state.name)
        questions = self._questions(state)
        (answer,) = self._ask(state, [questions.statistics(text)])
        return _statistics(questions, text, answer)

    # The index as a whole

    def journal(self, index: str) -> Path:
        """Return the journal's file, in this user's state folder."""
        return loading.local_folder(self.url, self.state(index)) / "journal.sqlite"

    def info(self, index: str) -> IndexInfo:
        """Return counts, and the size of all copies (0 where the server doesn't tell); also of an index of others."""
        name, aliases = self._named(index)
        self._see_own_writes(name)
        body: Json = {"size": 0, "track_total_hits": True, "aggs": {"passages": {"nested": {"path": "passages"}}}}
        found = self.client.request("POST", f"/{quote(name)}/_search", body).body
        documents, passages = found["hits"]["total"]["value"], found["aggregations"]["passages"]["doc_count"]
        return IndexInfo(name, documents, passages, self._size(name), aliases)

    def _named(self, index: str) -> tuple[str, tuple[str, ...]]:
        """Return an index's own name and its aliases, also of one that isn't searchctl's."""
        try:
            state = self.state(index, fresh=True)
        except IndexFormatError:
            ((name, body),) = read_index(self.client, index).items()
            return name, tuple(sorted(body.get("aliases", {})))
        return state.name, state.aliases

    def _size(self, name: str) -> int:
        try:
            return int(
                self.client.request("GET", f"/{quote(name)}/_stats/store").body["_all"]["total"]["store"][
                    "size_in_bytes"
                ]
            )
        except ServerRefusal:  # serverless offerings have no such thing
            return 0

    def indexes(self) -> list[IndexInfo]:
        """Return every index of searchctl's, by name; the copy that a move broken off has left is none."""
        found = self.client.request("GET", f"/_mapping?filter_path=*.mappings._meta.{META}.format").body or {}
        infos = [self.info(name) for name in sorted(found)]
        return [one for one in infos if one.name + _UNFINISHED not in one.aliases]

    def alias(self, alias: str, index: str, *, keep: str | None = None) -> str | None:
        """Point an alias at an index in one step; an index of that name lives on as a clone under the name `keep`."""
        target = self.resolve(index)
        try:
            before = sorted(read_index(self.client, check_name(alias)))
        except IndexMissing:
            before = []
        if alias in before:
            if keep is None:
                raise IndexExists(f"'{alias}' is an index of its own on {self.url}, so it can't be an alias")
            self._clone(alias, check_name(keep))
            actions: list[Json] = [
                {"remove_index": {"index": alias}},
                {"remove": {"index": keep, "alias": keep + _UNFINISHED}},
            ]
            before = [keep]
        else:
            actions = [{"remove": {"index": name, "alias": alias}} for name in before if name != target]
        actions.append({"add": {"index": target, "alias": alias}})
        self.client.request("POST", "/_aliases", {"actions": actions})
        self.forget()
        return before[0] if before else None

    def _clone(self, index: str, name: str) -> None:
        """Copy an index under another name, which servers do by links to the same files; they can't rename.

        Until the original is gone an alias says that the copy is no index of its own: a move may be broken off here.
        """
        with suppress(IndexMissing):
            if _is_unfinished(name, read_index(self.client, name)):
                self.client.request("DELETE", f"/{quote(name)}")
        path = f"/{quote(index)}/_settings"
        own = self.client.request("GET", path).body[index]["settings"]["index"]
        copies = {key: own[key] for key in _COPIES if key in own}  # which a clone doesn't take over
        self.client.request("PUT", path, {"index": {"blocks.write": True}})
        try:
            settings: Json = {
                "settings": {"index": {**copies, "blocks.write": None}},
                "aliases": {name + _UNFINISHED: {}},
            }
            wait: dict[str, str | int | bool] = {"wait_for_active_shards": 1}
            self.client.request("PUT", f"/{quote(index)}/_clone/{quote(name)}", settings, params=wait, timeout=300.0)
            ready: dict[str, str | int | bool] = {"wait_for_status": "yellow", "timeout": "120s"}
            self.client.request("GET", f"/_cluster/health/{quote(name)}", params=ready, timeout=150.0)
        except SearchctlError:
            self.client.request("PUT", path, {"index": {"blocks.write": None}})
            raise

    def drop(self, index: str) -> None:
        """Delete an index; its aliases go with it."""
        try:
            state = self.state(index, fresh=True)
        except IndexMissing:
            return
        self.client.request("DELETE", f"/{quote(state.name)}?ignore_unavailable=true")
        self._unseen.discard(state.name)
        self.forget()

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()


def _is_unfinished(name: str, found: Mapping[str, Any]) -> bool:
    return name + _UNFINISHED in found.get(name, {}).get("aliases", {})


def _unread(*, vectors: bool) -> list[str]:
    return [WORDS] if vectors else [WORDS, VECTORS]


def _stored_by(state: IndexState, source: str | None) -> Json:
    """Return the query of all entries, or of one source; documents that others have just written have no entry yet."""
    if source is not None:
        return {"term": {"searchctl.source": source}}
    return {"match_all": {}} if state.schema.layout is None else {"exists": {"field": "searchctl.id"}}


def _ranking(query: Match | Nearest, answer: Json, bm25: Bm25Settings) -> Ranking:
    return lexical_ranking(answer, bm25) if isinstance(query, Match) else vector_ranking(answer, query.k)


def _statistics(questions: Questions, text: str, answer: Json) -> TermStatistics:
    buckets = answer.get("aggregations", {}).get("terms", {}).get("buckets", {})
    frequencies = {term: int(buckets[term]["doc_count"]) for term in questions.terms(text)}
    return TermStatistics(int(answer["hits"]["total"]["value"]), frequencies)
