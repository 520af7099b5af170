"""Searching and reading an index of searchctl's own on a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard
from urllib.parse import quote

import numpy as np

from searchctl.engines.rest import reading
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.dialect import Dialect
from searchctl.engines.rest.documents import as_entry, numbers, only_fields
from searchctl.engines.rest.queries import Questions, lexical_ranking, vector_ranking
from searchctl.engines.rest.state import IndexState
from searchctl.errors import IndexMissing
from searchctl.schema import Bm25Settings
from searchctl.translation import _
from searchctl.types import (
    Entry,
    Facet,
    FacetCounts,
    Json,
    LexicalQuery,
    Ranking,
    Scope,
    TermStatistics,
    Total,
    VectorQuery,
)

_UNREAD = ",".join(
    f"-responses.{path}"
    for path in (
        "_shards",
        "timed_out",
        "hits.max_score",
        "hits.hits.sort",
        *(f"hits.hits.inner_hits.passages.hits.{part}" for part in ("total", "max_score")),
        *(f"hits.hits.inner_hits.passages.hits.hits.{part}" for part in ("_index", "_id", "_score", "_nested.field")),
    )
)  # what nobody reads of the answers to both legs: two fifths of their bytes
_SLICE = 1000  # ids in one request
_QUESTIONS = 120  # searches in one request
_WINDOW = 10_000  # hits a search may have, by the servers' own default


class OwnView:
    """One index as it was known when it was looked at; raises IndexMissing when the name means another one by now."""

    def __init__(self, client: Client, dialect: Dialect, name: str, state: IndexState) -> None:
        self._client = client
        self._dialect = dialect
        self._name = name
        self._state = state
        self._path = f"/{quote(state.name)}"
        self._questions = Questions(state.schema, send_words=state.send_words)

    def search(self, queries: Sequence[LexicalQuery | VectorQuery]) -> list[Ranking]:
        """Answer all queries in one `_msearch`, which asks for the statistics of their words as well."""
        rankings: list[Ranking] = []
        for start in range(0, len(queries), _QUESTIONS):
            rankings += self._search_some(queries[start : start + _QUESTIONS])
        return rankings

    def _search_some(self, queries: Sequence[LexicalQuery | VectorQuery]) -> list[Ranking]:
        """Answer as many queries as one request takes."""
        limited = [replace(query, k=min(query.k, _WINDOW)) for query in queries]
        wanted = [query for query in limited if query.k]
        texts = list(dict.fromkeys(query.text for query in limited if _wants_statistics(query)))
        scopes = {repr(query.scope): query.scope for query in wanted if isinstance(query, VectorQuery)}
        everything = texts[0] if texts and scopes.pop(repr(Scope()), None) is not None else None
        bodies = [self.body(query) for query in wanted] + [self._questions.statistics(text) for text in texts]
        bodies += [self._counting(scope) for scope in scopes.values()]
        answers = self._ask(bodies, f"filter_path={_UNREAD}")
        self._check_still(hit for answer in answers for hit in answer["hits"]["hits"][:1])
        counted = iter(answers[len(wanted) :])
        statistics = {text: self._questions.counted(text, next(counted)) for text in texts}
        totals = {key: Total(int(next(counted)["hits"]["total"]["value"])) for key in scopes}
        if everything is not None:  # statistics are of all documents, so their number has been counted already
            totals[repr(Scope())] = Total(statistics[everything].documents)
        remaining = iter(answers)
        bm25 = self._state.schema.bm25 or Bm25Settings()
        rankings = []
        for query in limited:
            answer = next(remaining) if query.k else None
            ranking = _ranking(query, answer, bm25, statistics.get(getattr(query, "text", "")))
            total = totals.get(repr(query.scope)) if isinstance(query, VectorQuery) else None
            rankings.append(ranking if total is None else replace(ranking, total=total))
        return rankings

    def facets(self, query: LexicalQuery, facets: Sequence[Facet]) -> list[FacetCounts]:
        """Count what a query's words find, without words its scope, by values."""
        (answer,) = self._ask([self._questions.facets(query, facets)])
        return self._questions.counted_facets(query, facets, answer)

    def _counting(self, scope: Scope) -> Json:
        """Return a search body that counts a scope's documents: a graph of vectors is never asked how many there are."""
        body: Json = {"size": 0, "track_total_hits": True}
        filters = self._questions.filters(scope)
        return {**body, "query": {"bool": {"filter": filters}}} if filters else body

    def body(self, query: LexicalQuery | VectorQuery) -> Json:
        """Return a query as this server takes it."""
        if isinstance(query, LexicalQuery):
            return self._questions.match(query)
        nearest = self._dialect.nearest(numbers(query.vector), query.k, self._questions.filters(query.scope))
        return {**nearest, "size": query.k, **self._questions.only_ids}

    def _ask(self, bodies: Sequence[Json], parameters: str = "") -> list[Json]:
        """Search for all of these at once; statistics of words are those of all shards, and a part of an answer is none."""
        header: Json = {"search_type": "dfs_query_then_fetch", "allow_partial_search_results": False}
        path = f"{self._path}/_msearch" + (f"?{parameters}" if parameters else "")
        answers = self._client.search_many(path, [line for body in bodies for line in (header, body)])
        for answer in answers:  # OpenSearch leaves out what is empty where something is left out
            answer.setdefault("hits", {}).setdefault("hits", [])
        return answers

    def _check_still(self, hits: Iterable[Json]) -> None:
        if any("error" in hit or hit["_index"] != self._state.real for hit in hits):
            raise IndexMissing(
                _("the index '{name}' on {url} was replaced just now; ask again").format(
                    name=self._name, url=self._client.url
                )
            )

    def get(self, ids: Sequence[str], *, vectors: bool, content: bool) -> list[Entry | None]:
        """Return entries in the order asked for; without `content` their ids and fingerprints only."""
        if self._state.restricted:
            return self._shown(ids, vectors=vectors)
        parameters = self._dialect.source_parameters(vectors=vectors)
        if not content:
            parameters = {"_source_includes": "searchctl.fingerprint"}
        return [
            as_entry(hit["_id"], hit["_source"], vectors=vectors) if hit.get("found") else None
            for hit in self._by_id(ids, parameters)
        ]

    def fields(self, ids: Sequence[str], names: Sequence[str]) -> list[Entry | None]:
        """Return entries with some of their fields only, in the order asked for."""
        if self._state.restricted:
            entries = self._shown(ids, vectors=False)
        else:
            parameters = {"_source_includes": ",".join(f"fields.{name}" for name in names)}
            entries = [
                as_entry(hit["_id"], hit.get("_source", {}), vectors=False) if hit.get("found") else None
                for hit in self._by_id(ids, parameters)
            ]
        return [entry and only_fields(entry, names) for entry in entries]

    def _shown(self, ids: Sequence[str], *, vectors: bool) -> list[Entry | None]:
        """Return entries by a search: reading by id would pass an alias's filter over."""
        entries: dict[str, Entry] = {}
        for start in range(0, len(ids), _SLICE):
            part = list(ids[start : start + _SLICE])
            body: Json = {"query": {"ids": {"values": part}}, "size": len(part)}
            body["_source"] = self._dialect.source(vectors=vectors)
            hits = self._client.request("POST", f"{self._path}/_search", body).body["hits"]["hits"]
            entries |= {hit["_id"]: as_entry(hit["_id"], hit["_source"], vectors=vectors) for hit in hits}
        return [entries.get(id) for id in ids]

    def _by_id(self, ids: Sequence[str], parameters: Mapping[str, str]) -> Iterator[Json]:
        for start in range(0, len(ids), _SLICE):
            body: Json = {"ids": list(ids[start : start + _SLICE])}
            hits = self._client.request("POST", f"{self._path}/_mget", body, params=parameters).body["docs"]
            self._check_still(hits)
            yield from hits

    def scan(self, batch: int, *, vectors: bool) -> Iterator[list[Entry]]:
        """Yield all entries by id. Ids never change, so that no snapshot is needed to see each once."""
        body: Json = {
            "size": batch,
            "sort": [{"searchctl.id": "asc"}],
            "_source": self._dialect.source(vectors=vectors),
            "track_total_hits": False,
        }
        for hits in reading.pages(self._client, self._state.name, body):
            yield [as_entry(hit["_id"], hit["_source"], vectors=vectors) for hit in hits]

    def count(self, scope: Scope | None) -> int:
        """Count documents."""
        body: Json = {"query": {"bool": {"filter": self._questions.filters(scope)}}} if scope else {}
        return int(self._client.request("POST", f"{self._path}/_count", body).body["count"])


def _wants_statistics(query: LexicalQuery | VectorQuery) -> TypeGuard[LexicalQuery]:
    return isinstance(query, LexicalQuery) and not query.synonyms


def _ranking(
    query: LexicalQuery | VectorQuery, answer: Json | None, bm25: Bm25Settings, statistics: TermStatistics | None
) -> Ranking:
    if answer is None:
        return Ranking((), np.zeros(0), (), Total(0, "gte"), statistics=statistics)
    if isinstance(query, VectorQuery):
        return vector_ranking(answer, query.k)
    return replace(lexical_ranking(answer, bm25), statistics=None if query.synonyms else statistics)
