"""Searching an index that others made, by the name that was given, with vectors that lie in a companion index beside it.

The lexical leg asks the owner's own fields. The vector leg asks the companion; what it finds is looked up by the name again, so
that an alias shows its own documents only, and a document whose text has changed isn't found by what it said before.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import numpy as np

from searchctl.engines.rest import catalogue, foreign
from searchctl.engines.rest.client import Client
from searchctl.engines.rest.dialect import VECTORS, Dialect
from searchctl.engines.rest.documents import ADDED, WORDS, as_entry, numbers, values_at
from searchctl.engines.rest.foreign import ForeignShape, text_hash
from searchctl.engines.rest.foreign_queries import ForeignQuestions
from searchctl.engines.rest.loading import local_folder
from searchctl.engines.rest.queries import lexical_ranking, vector_ranking
from searchctl.errors import UsageError
from searchctl.ranking.bm25 import upper_bound
from searchctl.schema import Bm25Settings, Layout, Schema
from searchctl.translation import _
from searchctl.types import (
    Document,
    Entry,
    Facet,
    FacetCounts,
    IndexInfo,
    Json,
    LexicalQuery,
    Ranking,
    Scope,
    Total,
    VectorQuery,
)

_log = logging.getLogger(__name__)
_EXAMINED = 10_000  # documents whose state is compared one by one
_SLICE = 500  # documents in one page
_FEW = 2000  # documents up to which a filter's ids go into the vector query
_DEEPER = 1.3
_STALE: Json = {"bool": {"must_not": {"term": {"searchctl.stale": True}}}}


class ForeignView:
    """What lies behind a name of others. `homes` are the stamps of the indexes that hold the vectors, by name."""

    def __init__(self, client: Client, dialect: Dialect, shape: ForeignShape, homes: Mapping[str, Schema]) -> None:
        first = next(iter(homes.values()))
        assert first.layout is not None
        self._check_alike(shape.name, homes)
        self.client = client
        self.shape = shape
        self.homes = dict(homes)
        self.layout: Layout = first.layout
        self.in_place = not first.layout.beside
        paths = shape.fields()
        self.schema = replace(first, fields={name: path.kind for name, path in paths.items()})
        self.questions = ForeignQuestions(self.schema, foreign.matched_fields(shape, first.layout), paths)
        self._dialect = dialect
        self._window = shape.window
        self._covered = {_beside(stamp) for stamp in homes.values()}
        self._narrowed = shape.restricted and self._covered != {shape.name}
        self._tell_unseen()

    @property
    def name(self) -> str:
        """The name as it was given."""
        return self.shape.name

    @property
    def uncovered(self) -> list[str]:
        """The indexes behind the name that have no vectors at all."""
        if self.in_place:
            return sorted(set(self.shape.indexes) - set(self.homes))
        return [] if self.name in self._covered else sorted(set(self.shape.indexes) - self._covered)

    @staticmethod
    def _check_alike(name: str, homes: Mapping[str, Schema]) -> None:
        encoders = {(stamp.encoder.revision, stamp.encoder.dim) for stamp in homes.values() if stamp.encoder}
        if len(encoders) > 1:
            raise UsageError(
                _(
                    "the indexes behind '{name}' have vectors of {count} encoders, which can't be compared; make "
                    "them anew with one: searchctl vectorize {name} --encoder NAME"
                ).format(name=name, count=len(encoders))
            )

    def _tell_unseen(self) -> None:
        missing = [path for path in foreign.read_fields(self.layout) if not self._is_mapped(path)]
        if missing:
            _log.warning(
                "%s: the field %s isn't to be seen; has it been dropped, or do these credentials hide it?",
                self.name,
                ", ".join(missing),
            )

    def _is_mapped(self, path: str) -> bool:
        return foreign.mapping_of(self.shape.properties, path) is not None

    # Searching

    def search(self, queries: Sequence[LexicalQuery | VectorQuery]) -> list[Ranking]:
        """Answer all queries: one `_msearch` for both legs, one more to look up what the vectors found."""
        limited = [replace(query, k=min(query.k, self._window)) for query in queries]
        allowed = {place: self._allowed(query.scope) for place, query in enumerate(limited) if _is_vector(query)}
        numbered = [(place, query) for place, query in enumerate(limited) if query.k]
        texts = list(
            dict.fromkeys(query.text for query in limited if isinstance(query, LexicalQuery) and not query.synonyms)
        )
        lines = [line for place, query in numbered for line in self._lines(query, query.k, allowed.get(place))]
        lines += [line for text in texts for line in self._by_name(self.questions.statistics(text))]
        answers = self._ask(lines)
        counted = {
            text: self.questions.counted(text, answer)
            for text, answer in zip(texts, answers[len(numbered) :], strict=True)
        }
        by_place = {place: answer for (place, _ignored), answer in zip(numbered, answers, strict=False)}
        rankings = []
        for number, query in enumerate(limited):
            if isinstance(query, LexicalQuery):
                statistics = None if query.synonyms else counted[query.text]
                rankings.append(replace(self._lexical(by_place.get(number), statistics), statistics=statistics))
            else:
                rankings.append(self._vector(query, by_place[number], allowed[number]))
        return rankings

    def facets(self, query: LexicalQuery, facets: Sequence[Facet]) -> list[FacetCounts]:
        """Count what a query's words find, without words its scope, by values."""
        (answer,) = self._ask(self._by_name(self.questions.facets(query, facets)))
        return self.questions.counted_facets(query, facets, answer)

    def _by_name(self, body: Json) -> tuple[Json, Json]:
        return _header(self.shape.names), body

    def _lines(self, query: LexicalQuery | VectorQuery, k: int, allowed: Sequence[str] | None) -> tuple[Json, Json]:
        if isinstance(query, LexicalQuery):
            return self._by_name(self.questions.match(query))
        if self.in_place:
            filters = [*self.questions.filters(query.scope), _STALE]
            nearest = self._dialect.nearest(numbers(query.vector), k, filters)
            return self._by_name({**nearest, "size": k, "_source": False})
        filters = [] if allowed is None else [{"terms": {"searchctl.id": list(allowed)}}]
        nearest = self._dialect.nearest(numbers(query.vector), k, filters)
        columns = {"stored_fields": "_none_", "docvalue_fields": ["searchctl.id", "searchctl.fingerprint"]}
        return _header(list(self.homes)), {**nearest, "size": k, **columns}

    def _ask(self, lines: Sequence[Json]) -> list[Json]:
        return self.client.search_many("/_msearch", lines) if lines else []

    def _lexical(self, answer: Json | None, statistics: Any) -> Ranking:
        """Return the answer of the owner's fields; boosts are taken out, so that scores stay within what words can give."""
        if answer is None:
            return Ranking((), np.zeros(0), (), Total(0, "gte"))
        ranking = _without_doubles(lexical_ranking(answer, self._bm25), self.name)
        scores = ranking.scores / self.questions.highest_boost
        bound = upper_bound(statistics) if statistics is not None else 0.0
        if bound and len(scores) and scores[0] > bound:
            scores = scores * (bound / scores[0])
        return replace(ranking, scores=scores)

    @property
    def _bm25(self) -> Bm25Settings:
        for described in self.shape.indexes.values():
            own = described.get("settings", {}).get("index", {}).get("similarity", {}).get("default", {})
            if "k1" in own:
                return Bm25Settings(min(float(own["k1"]), 10.0))
        return Bm25Settings()

    # The vector leg

    def _allowed(self, scope: Scope) -> list[str] | None:
        """Return the ids in a scope as far as the name shows them, where they are few; None for many, or for no limits."""
        filters = self.questions.filters(scope)
        if self.in_place or not (filters or self._narrowed):
            return None
        body: Json = {"query": {"bool": {"filter": filters}}, "size": _FEW, "_source": False, "track_total_hits": True}
        answer = self.client.request("POST", f"/{self.shape.path}/_search", body).body
        if answer["hits"]["total"]["value"] > _FEW:
            return None
        return [hit["_id"] for hit in answer["hits"]["hits"]]

    def _vector(self, query: VectorQuery, answer: Json, allowed: Sequence[str] | None) -> Ranking:
        """Return the nearest documents that the name shows and whose text is still what the vectors are of."""
        if self.in_place:
            return vector_ranking(answer, query.k)
        k = query.k
        while True:
            hits = [_with_id(hit) for hit in answer["hits"]["hits"]]
            current = self._current(hits, query.scope)
            kept = [hit for hit in hits if hit["_id"] in current]
            if len(kept) >= query.k or len(hits) < k or k >= self._window:
                break
            share = max(len(kept), 1) / k
            k = min(int(query.k / share * _DEEPER) + query.k, self._window)
            (answer,) = self._ask(self._lines(query, k, allowed))
        kept = kept[: query.k]
        ranking = vector_ranking({"took": answer.get("took", 0), "hits": {"hits": kept}}, query.k)
        return _without_doubles(ranking, self.name)

    def _current(self, hits: Sequence[Json], scope: Scope) -> set[str]:
        """Return the ids among the hits that the name shows within the scope, of documents whose text hasn't changed."""
        marks = {hit["_id"]: str(hit["fields"]["searchctl.fingerprint"][0]) for hit in hits}
        filters = self.questions.filters(scope)
        same: set[str] = set()
        for ids, room in self.shape.slices(list(marks)):
            body: Json = {"query": _among(ids, filters), "size": room, "_source": False, "version": True}
            current = self.client.request("POST", f"/{self.shape.path}/_search", body).body["hits"]["hits"]
            same |= {hit["_id"] for hit in current if _version_of(marks[hit["_id"]]) == hit["_version"]}
            doubtful = [hit["_id"] for hit in current if hit["_id"] not in same]
            same |= (
                {id for id in doubtful if self._hashes(doubtful).get(id) == hash_of(marks[id])} if doubtful else set()
            )
        return same

    def _hashes(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the hash of what documents say now."""
        hits = foreign.hits_of(self.client, self.shape, ids, foreign.read_fields(self.layout))
        return {hit["_id"]: text_hash(foreign.document_of(hit, self.layout), self.schema) for hit in hits}

    # Documents

    def get(self, ids: Sequence[str], *, vectors: bool) -> list[Entry | None]:
        """Return entries in the order asked for, with the passages of documents that haven't changed since."""
        entries: dict[str, Entry] = {}
        for part, room in self.shape.slices(list(dict.fromkeys(ids))):
            entries |= self._some(part, room, vectors=vectors)
        return [entries.get(id) for id in ids]

    def fields(self, ids: Sequence[str], names: Sequence[str]) -> list[Entry | None]:
        """Return entries with some of their fields only, in the order asked for."""
        entries: dict[str, Entry] = {}
        paths = [
            path for name in names for path in (name, name.rpartition(".")[0]) if path
        ]  # of a field below one, that one
        for part, room in self.shape.slices(list(dict.fromkeys(ids))):
            body: Json = {"query": _among(part), "size": room, "_source": paths}
            (answer,) = self._ask(self._by_name(body))
            for hit in answer["hits"]["hits"]:
                source = hit.get("_source", {})
                held = {name: values_at(source, name) or values_at(source, name.rpartition(".")[0]) for name in names}
                entries[hit["_id"]] = Entry(
                    Document(hit["_id"], fields={name: own for name, own in held.items() if own})
                )
        return [entries.get(id) for id in ids]

    def _some(self, ids: Sequence[str], room: int, *, vectors: bool) -> dict[str, Entry]:
        ours = self._dialect.source(vectors=vectors)
        excluded = [WORDS, *([] if vectors else [VECTORS])] if self.in_place else list(ADDED)
        theirs = {**(ours if self.in_place else {}), "excludes": excluded}
        lines = [*self._by_name({"query": _among(ids), "size": room, "_source": theirs})]
        if not self.in_place:
            size = len(ids) * len(self.homes)
            lines += [_header(list(self.homes)), {"query": _among(ids), "size": size, "_source": ours}]
        answers = [answer["hits"]["hits"] for answer in self._ask(lines)]
        stored = {hit["_id"]: as_entry(hit["_id"], hit["_source"], vectors=vectors) for hit in answers[-1]}
        return {hit["_id"]: self._joined(hit, stored.get(hit["_id"])) for hit in answers[0]}

    def _joined(self, hit: Json, stored: Entry | None) -> Entry:
        """Return a document with its passages, unless they are of another text."""
        document = foreign.document_of(hit, self.layout)
        if stored is None or hash_of(stored.fingerprint) != text_hash(document, self.schema):
            return Entry(document)
        return replace(stored, document=document)

    def scan(self, batch: int, *, vectors: bool) -> Iterator[list[Entry]]:
        """Yield all documents that the name shows, in pages."""
        size = min(batch, self._window)
        for hits in foreign.pages(self.client, self.shape.path, {"match_all": {}}, size=size, includes=()):
            entries = self.get([hit["_id"] for hit in hits], vectors=vectors)
            yield [entry for entry in entries if entry is not None]

    def count(self, scope: Scope | None) -> int:
        """Count the documents that the name shows."""
        query: Json = {"bool": {"filter": self.questions.filters(scope)}} if scope else {"match_all": {}}
        return foreign.count(self.client, self.shape.path, query)

    def waiting(self) -> int:
        """Count the documents without vectors of what they say now, among the first 10,000."""
        waiting = examined = 0
        for hits in foreign.pages(self.client, self.shape.path, {"match_all": {}}, size=_SLICE, includes=()):
            entries = self.get([hit["_id"] for hit in hits], vectors=False)
            waiting += sum(entry is not None and _has_text(entry) and not entry.passages for entry in entries)
            examined += len(hits)
            if examined >= _EXAMINED:
                break
        return waiting

    def info(self) -> IndexInfo:
        """Return how many documents the name shows, how many passages have vectors, and the size of what holds these."""
        size = sum(catalogue.size_on_disk(self.client, home) for home in self.homes)
        folder = local_folder(self.client.url, next(iter(self.homes)), "vectors")
        return IndexInfo(self.name, self.count(None), self.passages(), size, folder)

    def passages(self) -> int:
        """Count the passages that have vectors."""
        body: Json = {"size": 0, "aggs": {"passages": {"nested": {"path": "passages"}}}}
        home = quote(",".join(self.homes)) if not self.in_place else self.shape.path
        answer = self.client.request("POST", f"/{home}/_search", body).body
        return int(answer["aggregations"]["passages"]["doc_count"])


def mark_of(hash: str, version: int) -> str:
    """Return the fingerprint kept in a companion: of a document's text, and its version when it was read."""
    return f"{hash}:{version}"


def hash_of(mark: str) -> str:
    """Return the hash in such a fingerprint."""
    return mark.partition(":")[0]


def _version_of(mark: str) -> int:
    return int(mark.partition(":")[2] or 0)


def _beside(schema: Schema) -> str:
    return schema.layout.beside if schema.layout is not None else ""


def _header(names: Sequence[str]) -> Json:
    return {"index": list(names), "search_type": "dfs_query_then_fetch", "allow_partial_search_results": False}


def _among(ids: Sequence[str], filters: Sequence[Json] = ()) -> Json:
    return {"bool": {"filter": [{"ids": {"values": list(ids)}}, *filters]}}


def _is_vector(query: LexicalQuery | VectorQuery) -> bool:
    return isinstance(query, VectorQuery)


def _with_id(hit: Json) -> Json:
    return {**hit, "_id": str(hit["fields"]["searchctl.id"][0])}


def _without_doubles(ranking: Ranking, name: str) -> Ranking:
    """Return the ranking with each id once: indexes behind one name may use the same id for several documents."""
    if len(set(ranking.ids)) == len(ranking.ids):
        return ranking
    first: dict[str, int] = {}
    for row, id in enumerate(ranking.ids):
        first.setdefault(id, row)
    _log.warning("several documents behind '%s' have the same id; the best of them is shown", name)
    kept = list(first.values())
    return replace(
        ranking,
        ids=tuple(first),
        scores=np.asarray(ranking.scores)[kept],
        passages=tuple(ranking.passages[place] for place in kept),
    )


def _has_text(entry: Entry) -> bool:
    return bool(entry.document.text.strip() or entry.document.title.strip())
