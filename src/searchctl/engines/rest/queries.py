"""Questions as search bodies, and the answers as rankings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from searchctl.engines.rest.aggregations import aggregations_of, counts_of
from searchctl.engines.rest.clauses import clause
from searchctl.engines.rest.template import is_mappable
from searchctl.engines.rest.words import sent_words
from searchctl.errors import UsageError
from searchctl.filters import conjuncts, typed
from searchctl.filters.checking import is_own, kind_of
from searchctl.schema import Analyzer, Bm25Settings, FieldType, Schema
from searchctl.text.analysis import analyze
from searchctl.text.literals import literal_groups
from searchctl.translation import _
from searchctl.types import (
    And,
    Clause,
    Facet,
    FacetCounts,
    FacetScope,
    Filter,
    Json,
    LexicalQuery,
    Not,
    OneOf,
    Or,
    Range,
    Ranking,
    Scope,
    TermStatistics,
    Total,
    Variant,
)

_ID = "searchctl.id"
_CONTENT = "content"
_EXACT = 2**53  # up to here a double tells whole numbers apart
_MAX_TERMS = 1024  # Lucene's own limit of clauses


class Questions:
    """Writes queries for one index: `send_words` when texts are analysed here."""

    def __init__(self, schema: Schema, *, send_words: bool) -> None:
        self._fields = schema.fields
        self._analyzer: Analyzer = schema.analyzer
        self._send_words = send_words

    def match(self, query: LexicalQuery) -> Json:
        """Return the search body of the lexical leg."""
        clauses = self._clauses(query)
        if "must" not in clauses:
            return {"query": {"match_none": {}}, "size": 0}
        return {
            "query": {"bool": clauses},
            "track_scores": True,
            "size": query.k,
            "track_total_hits": True,
            **self.in_order,
            **self.only_ids,
        }

    def _clauses(self, query: LexicalQuery) -> Json:
        """Return what the lexical leg demands: it has no "must" where there is nothing to look for."""
        must = self._words_and_synonyms(query) + self._literals(query.scope.required)
        clauses = {"must": must, "filter": self._conditions(query.scope), "must_not": self._excluded(query.scope)}
        return {name: found for name, found in clauses.items() if found}

    def _words_and_synonyms(self, query: LexicalQuery) -> list[Json]:
        text = self._limited(query.text)
        words = [self._match(text)] if self.terms(text) else []
        groups = [{"dis_max": {"queries": [self._variant(one) for one in group]}} for group in query.synonyms]
        return [{"bool": {"should": words + groups}}] if groups else words

    def facets(self, query: LexicalQuery, facets: Sequence[Facet]) -> Json:
        """Return a search body that counts what the lexical leg finds, without words its scope, by values."""
        aggregations: Json = {}
        for number, facet in enumerate(facets):
            path, nested = self._column(facet.field)
            aggregations |= aggregations_of(str(number), facet, path, nested, kind_of(facet.field, self._fields))
        clauses = self._clauses(query)
        condition: Json = {"bool": clauses} if clauses else {"match_all": {}}
        return {"query": condition, "size": 0, "track_total_hits": True, "aggs": aggregations}

    def counted_facets(self, query: LexicalQuery, facets: Sequence[Facet], answer: Json) -> list[FacetCounts]:
        """Return the answer to `facets`."""
        counts: FacetScope = "lexical" if self._words_and_synonyms(query) else "scope"
        documents, aggregations = int(answer["hits"]["total"]["value"]), answer.get("aggregations", {})
        return [
            counts_of(str(number), facet, kind_of(facet.field, self._fields), aggregations, documents, counts)
            for number, facet in enumerate(facets)
        ]

    def _column(self, name: str) -> tuple[str, str]:
        """Return the path of a field's values, and the nested object that it lies in, or nothing."""
        self._check_mappable(name)
        return f"fields.{name}", ""

    @staticmethod
    def _check_mappable(name: str) -> None:
        if not is_mappable(name):
            raise UsageError(
                _("servers can't filter by a field of the name {name!r}; give it another in a recipe").format(name=name)
            )

    @property
    def in_order(self) -> Json:
        """Return what makes a search bring equal scores by id."""
        return {"sort": [{"_score": "desc"}, {_ID: "asc"}]}

    @property
    def only_ids(self) -> Json:
        """Return what makes a search bring ids only, from a column: that spares the server reading documents."""
        return {"stored_fields": "_none_", "docvalue_fields": [_ID]}

    def filters(self, scope: Scope) -> list[Json]:
        """Return all that a scope demands as clauses of a filter."""
        clauses = self._conditions(scope) + self._literals(scope.required)
        excluded = self._excluded(scope)
        return [*clauses, {"bool": {"must_not": excluded}}] if excluded else clauses

    def statistics(self, text: str) -> Json:
        """Return a search body that counts the documents with each of a text's terms."""
        counts = {term: {"term": {_CONTENT: term}} for term in self.terms(text)}
        body: Json = {"size": 0, "track_total_hits": True}
        return {**body, "aggs": {"terms": {"filters": {"filters": counts}}}} if counts else body

    def counted(self, text: str, answer: Json) -> TermStatistics:
        """Return the answer to `statistics`."""
        buckets = answer.get("aggregations", {}).get("terms", {}).get("buckets", {})
        frequencies = {term: int(buckets[term]["doc_count"]) for term in self.terms(text)}
        return TermStatistics(int(answer["hits"]["total"]["value"]), frequencies)

    def terms(self, text: str) -> list[str]:
        """Return a text's terms, sorted; analysed here as the server does it (a test compares)."""
        return sorted({token.term for token in analyze(self._limited(text), self._analyzer)})

    def _limited(self, text: str) -> str:
        """Cut a text after as many words as a query may have."""
        if len(text) <= _MAX_TERMS:
            return text
        ends = [token.end for token in analyze(text, self._analyzer)]
        return text if len(ends) <= _MAX_TERMS else text[: ends[_MAX_TERMS - 1]]

    def _words(self, text: str) -> str:
        return sent_words(text, self._analyzer) if self._send_words else text

    def _match(self, text: str, kind: str = "match", **options: float) -> Json:
        return {kind: {_CONTENT: {"query": self._words(text), **options}}}

    def _phrase(self, phrase: str) -> Json:
        return self._match(phrase, "match_phrase")

    def _literals(self, phrases: Sequence[str]) -> list[Json]:
        """Return a clause for each phrase that is meant as it is typed; those without words are left out."""
        clauses = []
        for phrase in phrases:
            groups = [self._any_form(group) for group in literal_groups(phrase, self._analyzer)]
            if groups:
                clauses.append(groups[0] if len(groups) == 1 else {"bool": {"must": groups}})
        return clauses

    def _any_form(self, forms: Sequence[str]) -> Json:
        clauses = [self._phrase(form) for form in forms if self.terms(form)]
        return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses, "minimum_should_match": 1}}

    def _variant(self, variant: Variant) -> Json:
        return self._match(variant.text, "match_phrase" if variant.phrase else "match", boost=variant.weight)

    def _excluded(self, scope: Scope) -> list[Json]:
        return self._literals(scope.excluded)

    def _conditions(self, scope: Scope) -> list[Json]:
        if scope.filter is None:
            return []
        return [self._filter(part) for part in conjuncts(typed(scope.filter, self._fields))]

    def _filter(self, wanted: Filter) -> Json:
        """Return a filter of `filters.typed` as a clause."""
        if isinstance(wanted, Not):
            return {"bool": {"must_not": [self._filter(wanted.part)]}}
        if isinstance(wanted, (And, Or)):
            parts = [self._filter(part) for part in wanted.parts]
            if isinstance(wanted, And):
                return {"bool": {"filter": parts}}
            return {"bool": {"should": parts, "minimum_should_match": 1}}
        kind = kind_of(wanted.field, self._fields)
        if is_own(wanted.field, self._fields):
            return self._own(wanted)
        return self._about_field(kind, wanted)

    def _about_field(self, kind: FieldType, wanted: Clause) -> Json:
        """Return a clause about a field of the documents."""
        self._check_mappable(wanted.field)
        if kind == "number":
            _check_exact(wanted)
        return clause("fields." + wanted.field, kind, wanted)

    def _own(self, wanted: Clause) -> Json:
        """Return a clause about the document's own id or title."""
        if wanted.field == "id":
            return clause(_ID, "keyword", wanted)
        raise UsageError(
            _("servers can't filter by the title of documents; load it as a field of its own as well, a keyword")
        )


def _check_exact(wanted: Clause) -> None:
    """Raise UsageError for a whole number that the field's mapping, a double, doesn't tell from its neighbours."""
    condition = wanted.condition
    if isinstance(condition, OneOf):
        numbers: Sequence[Any] = condition.values
    elif isinstance(condition, Range):
        numbers = [bound for bound in (condition.gte, condition.gt, condition.lte, condition.lt) if bound is not None]
    else:
        return
    for number in numbers:
        if isinstance(number, int) and abs(number) > _EXACT:
            raise UsageError(
                _(
                    "servers hold the numbers of '{field}' as doubles, which don't tell {number} from its "
                    "neighbours; load the field as a keyword, to which a recipe can set it"
                ).format(field=wanted.field, number=number)
            )


def lexical_ranking(answer: Json, bm25: Bm25Settings) -> Ranking:
    """Return the answer to a match; BM25 without Lucene's old constant factor k1 + 1, which the templates keep."""
    hits = answer["hits"]["hits"]
    scores = np.array([hit["_score"] for hit in hits], dtype=np.float64) / (bm25.k1 + 1)
    total = answer["hits"].get("total", {"value": 0, "relation": "eq"})
    return _sorted(hits, scores, [-1] * len(hits), Total(total["value"], total["relation"]), answer)


def vector_ranking(answer: Json, k: int) -> Ranking:
    """Return the answer to a nearest; both servers score (1 + cosine) / 2."""
    hits = answer["hits"]["hits"]
    scores = 2 * np.array([hit["_score"] for hit in hits], dtype=np.float64) - 1
    ordinals = [_best_passage(hit) for hit in hits]
    total = Total(len(hits), "gte" if len(hits) >= k else "eq")  # a graph is never asked how many there are
    return _sorted(hits, np.clip(scores, -1.0, 1.0), ordinals, total, answer)


def _best_passage(hit: Json) -> int:
    inner = hit.get("inner_hits", {}).get("passages", {}).get("hits", {}).get("hits", [])
    return int(inner[0]["_nested"]["offset"]) if inner else -1


def _sorted(hits: Sequence[Json], scores: Any, ordinals: Sequence[int], total: Total, answer: Json) -> Ranking:
    ids = [str(hit["_id"] if "_id" in hit else hit["fields"][_ID][0]) for hit in hits]
    order = sorted(range(len(hits)), key=lambda row: (-scores[row], ids[row]))
    return Ranking(
        tuple(ids[place] for place in order),
        scores[order],
        tuple(ordinals[place] for place in order),
        total,
        float(answer.get("took", 0)),
    )
