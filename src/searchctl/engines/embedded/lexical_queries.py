"""Questions to one state of the lexical leg: words, phrases, synonyms and filters as tantivy's queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from searchctl.engines.embedded.rows import RowSet
from searchctl.engines.embedded.tantivy_files import tantivy_errors
from searchctl.schema import Analyzer
from searchctl.text.analysis import LANGUAGES, is_stop_word, stop_words_of
from searchctl.text.folding import searchable
from searchctl.text.literals import literal_groups
from searchctl.types import LexicalQuery, TermStatistics, Total, Variant

_MAX_TERMS = 1024  # Lucene's own limit of clauses
_K1 = 1.2
_FEW_ROWS = 2000  # up to here a filter goes into the query; above, hits are filtered: measured to be faster

Clause = tuple[tantivy.Occur, tantivy.Query]


class MatchingRows(NamedTuple):
    """Matching rows, best first, with their BM25 scores and the number of all matches."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    total: Total


_NOTHING = MatchingRows(np.zeros(0, np.int64), np.zeros(0), Total(0))


class Analysis:
    """How texts become terms, and the fields of the tantivy index that holds them.

    `content` leaves stop words out; `literal` keeps them, for what is meant as it is typed. `terms` keeps them too.
    """

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer: Analyzer = analyzer
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("row", indexed=True, fast=True)
        builder.add_text_field("content", tokenizer_name="content", index_option="position")
        builder.add_text_field("literal", tokenizer_name="literal", index_option="position")
        self.schema = builder.build()
        self.terms = _text_analyzer(analyzer, [])

    def register(self, index: tantivy.Index) -> None:
        """Tell a tantivy index how its fields are analysed."""
        index.register_tokenizer("content", _text_analyzer(self.analyzer, stop_words_of(self.analyzer)))
        index.register_tokenizer("literal", self.terms)


def _text_analyzer(analyzer: Analyzer, left_out: list[str]) -> tantivy.TextAnalyzer:
    filters = tantivy.Filter
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).filter(filters.remove_long(256))
    if left_out:
        builder = builder.filter(filters.custom_stopword(left_out))
    for language in LANGUAGES[analyzer]:
        builder = builder.filter(filters.stemmer(language))
    return builder.build()


class LexicalReader:
    """One commit of a lexical index. `counted` documents are in its statistics, removed ones among them until a merge.

    Its methods raise DamagedPart when tantivy can't read its files, or StorageError when the system refuses something.
    """

    def __init__(self, path: Path, searcher: tantivy.Searcher, analysis: Analysis, counted: int) -> None:
        self._path = path
        self._searcher = searcher
        self._analysis = analysis
        self._schema = analysis.schema
        self.counted = max(counted, searcher.num_docs)

    def __len__(self) -> int:
        return self._searcher.num_docs

    def search(self, query: LexicalQuery, rows: RowSet | None) -> MatchingRows:
        """Return the query's best rows among `rows` (None: all)."""
        with tantivy_errors(self._path):
            return self._search(query, rows)

    def found(self, query: LexicalQuery) -> NDArray[np.int64] | None:
        """Return all rows that hold words of the query within its phrases, ascending; None where it has no words."""
        with tantivy_errors(self._path):
            should = self._should(query)
            if not should:
                return None
            words = (tantivy.Occur.Must, tantivy.Query.boolean_query(should))
            phrases = [(tantivy.Occur.Must, phrase) for phrase in self._phrases(query.scope.required)]
            return self._all_rows([words, *phrases, *self._without(query.scope.excluded)])

    def _all_rows(self, clauses: list[Clause]) -> NDArray[np.int64]:
        query = tantivy.Query.const_score_query(tantivy.Query.boolean_query(clauses), 1.0)
        return np.sort(self._rows(self._searcher.search(query, max(len(self), 1), count=False).hits))

    def _should(self, query: LexicalQuery) -> list[Clause]:
        return self._words_of(query.text) + [
            (tantivy.Occur.Should, tantivy.Query.disjunction_max_query([self._variant(variant) for variant in group]))
            for group in query.synonyms
        ]

    def _search(self, query: LexicalQuery, rows: RowSet | None) -> MatchingRows:
        k, excluded = query.k, query.scope.excluded
        phrases = self._phrases(query.scope.required)
        should = self._should(query)
        if not (should or phrases) or (rows is not None and not len(rows)):
            return _NOTHING
        if rows is None and not (phrases or excluded):
            return self._top(should, k)  # not wrapped in another query: tantivy then skips what can't be among the best
        clauses = [(tantivy.Occur.Must, tantivy.Query.boolean_query(should))] if should else []
        clauses += [(tantivy.Occur.Must, phrase) for phrase in phrases]
        clauses += self._without(excluded)
        if rows is None:
            return self._top(clauses, k)
        if len(rows) <= _FEW_ROWS:
            keep = tantivy.Query.term_set_query(self._schema, "row", rows.rows.tolist())
            return self._top([*clauses, (tantivy.Occur.Must, tantivy.Query.const_score_query(keep, 0.0))], k)
        return self._top_among(clauses, k, rows)

    def matching(self, required: Sequence[str], excluded: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows with all the required phrases and none of the excluded, ascending."""
        with tantivy_errors(self._path):
            clauses = [(tantivy.Occur.Must, phrase) for phrase in self._phrases(required)]
            clauses = clauses or [(tantivy.Occur.Must, tantivy.Query.all_query())]
            return self._all_rows(clauses + self._without(excluded))

    def statistics(self, text: str) -> TermStatistics:
        """Return how many documents hold each of the text's terms, the deleted included that BM25 counts until a merge."""
        with tantivy_errors(self._path):
            frequencies = {term: self._searcher.doc_freq("content", term) for term in sorted(self._query_terms(text))}
        return TermStatistics(self.counted, frequencies, self.counted - len(self))

    def last_row(self) -> int:
        """Return the highest row of all, 0 when there is none."""
        with tantivy_errors(self._path):
            query = tantivy.Query.all_query()
            rows = self._rows(self._searcher.search(query, 1, count=False, order_by_field="row").hits)
        return int(rows[0]) if len(rows) else 0

    def _rows(self, hits: Sequence[tuple[object, tantivy.DocAddress]]) -> NDArray[np.int64]:
        return np.array(self._searcher.fast_field_values("row", [address for _, address in hits]), dtype=np.int64)

    def _words_of(self, text: str) -> list[Clause]:
        return [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "content", term, "freq"))
            for term in self._query_terms(text)
        ]

    def _variant(self, variant: Variant) -> tantivy.Query:
        phrase = self._phrase(variant.text, "content") if variant.phrase else None
        query = phrase or tantivy.Query.boolean_query(self._words_of(variant.text))
        return tantivy.Query.boost_query(query, variant.weight)

    def _top(self, clauses: list[Clause], limit: int) -> MatchingRows:
        result = self._searcher.search(tantivy.Query.boolean_query(clauses), limit)
        hits = result.hits
        # Lucene left the factor k1 + 1 out in version 8
        scores = np.array([score for score, _ in hits], dtype=np.float64) / (_K1 + 1)
        total = result.count or len(hits)  # type: ignore[attr-defined]  # which its stubs lack
        return MatchingRows(self._rows(hits), scores, Total(total))

    def _top_among(self, clauses: list[Clause], k: int, rows: RowSet) -> MatchingRows:
        """Take more and more of the best hits until `k` of them are among `rows`: the order doesn't depend on the filter."""
        documents = max(len(self), 1)
        limit = int(1.3 * k * documents / len(rows)) + 100
        while True:
            top = self._top(clauses, min(limit, documents))
            keep = rows.holds(top.rows)
            exhausted = len(top.rows) >= top.total.value
            count = int(np.count_nonzero(keep))
            if count >= k or exhausted:
                return MatchingRows(
                    top.rows[keep][:k], top.scores[keep][:k], Total(count, "eq" if exhausted else "gte")
                )
            limit *= 3

    def _without(self, excluded: Sequence[str]) -> list[Clause]:
        return [(tantivy.Occur.MustNot, phrase) for phrase in self._phrases(excluded)]

    def _phrases(self, texts: Sequence[str]) -> list[tantivy.Query]:
        return [phrase for phrase in map(self._literal, texts) if phrase is not None]

    def _literal(self, phrase: str) -> tantivy.Query | None:
        """Return a query for what is meant as it is typed; None for a phrase without words."""
        groups = []
        for group in literal_groups(phrase, self._analysis.analyzer):
            phrases = [self._phrase(form, "literal") for form in group]
            forms = [(tantivy.Occur.Should, phrase) for phrase in phrases if phrase is not None]
            if forms:
                groups.append(forms[0][1] if len(forms) == 1 else tantivy.Query.boolean_query(forms))
        if len(groups) < 2:
            return groups[0] if groups else None
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, group) for group in groups])

    def _phrase(self, phrase: str, field: str) -> tantivy.Query | None:
        """Return a query for words that stand together; in the field `content` stop words leave gaps."""
        terms: list[str | tuple[int, str]] = []
        first: int | None = None
        last = ""
        for position, word in enumerate(searchable(phrase).split()):
            if field == "literal" or not is_stop_word(word, self._analysis.analyzer):
                first = position if first is None else first
                for last in self._analyze([word]):
                    terms.append((position - first, last))
        if len(terms) < 2:
            return tantivy.Query.term_query(self._schema, field, last, "freq") if terms else None
        return tantivy.Query.phrase_query(self._schema, field, terms)

    def _query_terms(self, text: str) -> list[str]:
        """Return the different terms of a text in its order, without stop words, as many as a query may have."""
        words = [word for word in searchable(text).split() if not is_stop_word(word, self._analysis.analyzer)]
        return list(dict.fromkeys(self._analyze(words)))[:_MAX_TERMS]

    def _analyze(self, words: Sequence[str]) -> list[str]:
        """Return the terms of words, stop words among them."""
        return self._analysis.terms.analyze(" ".join(words))
