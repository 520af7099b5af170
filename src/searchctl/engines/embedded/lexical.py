"""The lexical leg of an embedded index: BM25 by tantivy, derived from the store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from searchctl.engines.embedded.folder import read_json, write_json
from searchctl.engines.embedded.store import Store, Text, Watermark
from searchctl.engines.lock import storage_errors
from searchctl.errors import StorageError
from searchctl.schema import Analyzer, Schema
from searchctl.text.analysis import LANGUAGES, is_stop_word, stop_words_of
from searchctl.text.folding import searchable
from searchctl.text.literals import literal_groups
from searchctl.text.searched import searched_texts
from searchctl.types import Document, Match, TermStatistics, Total, Variant

LEXICAL_FORMAT = 3  # 1 kept what was deleted; 2 had no `literal`, no folded accents and no keys of codes
_BATCH = 2000
_HEAP = 64_000_000
_MAX_TERMS = 1024  # Lucene's own limit of clauses
_K1 = 1.2
_FEW_ROWS = 2000  # up to here a filter goes into the query; above, hits are filtered: measured to be faster


class Found(NamedTuple):
    """Matching rows, best first, with their BM25 scores and the number of all matches."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    total: Total


class LexicalIndex:
    """A tantivy index in a folder. `documents` and `tombstone` say how far it has followed the store."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self._path = path
        self._state_path = path / "state.json"
        self._analyzer: Analyzer = schema.analyzer
        self._writer: Any = None
        self._index: Any = None
        self._schema = self._build_schema()
        self.stamp = schema
        self._open()

    def _open(self) -> None:
        state = read_json(self._state_path) or {}
        current = state.get("format") == LEXICAL_FORMAT and state.get("analyzer") == self._analyzer
        self.document: int = state["document"] if current else 0
        self.tombstone: int = state["tombstone"] if current else 0
        self.stale = not current
        if current and self._index is not None:
            self._see_commits()
        elif current:
            try:
                self._attach(tantivy.Index.open(str(self._path)))
            except (ValueError, OSError):  # damaged: it's derived, so it's made anew
                self.stale = True

    def _build_schema(self) -> Any:
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("row", indexed=True, fast=True)
        builder.add_text_field("content", tokenizer_name="content", index_option="position")
        builder.add_text_field(
            "literal", tokenizer_name="literal", index_option="position"
        )  # with stop words, for signs
        return builder.build()

    def _attach(self, index: Any) -> None:
        self._terms = self._text_analyzer(stop_words=True)
        index.register_tokenizer("content", self._text_analyzer(stop_words=False))
        index.register_tokenizer("literal", self._terms)
        index.config_reader(reload_policy="manual")
        self._index = index
        self._see_commits()

    def _see_commits(self) -> None:
        self._index.reload()
        self._searcher = self._index.searcher()
        self._counted = max(_counted(self._path), self._searcher.num_docs)

    def _text_analyzer(self, *, stop_words: bool) -> Any:
        filters = tantivy.Filter
        builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).filter(filters.remove_long(256))
        left_out = [] if stop_words else stop_words_of(self._analyzer)
        if left_out:
            builder = builder.filter(filters.custom_stopword(left_out))
        for language in LANGUAGES[self._analyzer]:
            builder = builder.filter(filters.stemmer(language))
        return builder.build()

    # Following the store

    def reset(self, tombstone: int) -> None:
        """Start again from nothing."""
        self.close()
        shutil.rmtree(self._path, ignore_errors=True)
        with storage_errors(self._path.parent):
            self._path.mkdir(parents=True)
        with _tantivy_errors(self._path):
            self._attach(tantivy.Index(self._schema, path=str(self._path)))
        self.document, self.tombstone, self.stale = 0, tombstone, False

    def lags(self, mark: Watermark) -> bool:
        """Tell whether the store has gone on since."""
        return self.stale or (self.document, self.tombstone) != (mark.document, mark.tombstone)

    def catch_up(self, store: Store) -> None:
        """Apply what the store has gained and lost since last time. The caller holds the writer's lock."""
        mark = store.watermark()
        if self.stale or self.document > mark.document or self.tombstone > mark.tombstone:
            self.reset(mark.tombstone)
        if (self.document, self.tombstone) == (mark.document, mark.tombstone):
            return
        with _tantivy_errors(self._path):
            if self._writer is None:
                self._writer = self._index.writer(heap_size=_HEAP, num_threads=1)
            while texts := store.texts_after(self.document, _BATCH):
                for text in texts:
                    self._writer.add_document(self._document(text))
                self.document = texts[-1].row
            gone = store.tombstones_after(self.tombstone)
            if gone:
                # by a query: deletion by a term takes any number for a signed one, finds nothing, and doesn't say so
                self._writer.delete_documents_by_query(tantivy.Query.term_set_query(self._schema, "row", gone))
            self._writer.commit()
        self.document, self.tombstone = max(self.document, mark.document), mark.tombstone
        write_json(
            self._state_path,
            {
                "format": LEXICAL_FORMAT,
                "analyzer": self._analyzer,
                "document": self.document,
                "tombstone": self.tombstone,
            },
        )
        self._see_commits()

    def _document(self, text: Text) -> Any:
        document = tantivy.Document()
        document.add_unsigned("row", text.row)
        for paragraph in searched_texts(Document("", text.text, text.title, text.fields), self.stamp).paragraphs():
            words = searchable(paragraph)
            document.add_text("content", words)  # tantivy leaves a gap between one and the next
            document.add_text("literal", words)
        return document

    def reload(self) -> None:
        """See what another process has committed."""
        if self._writer is None:
            self._open()

    def release_writer(self) -> None:
        """Let go of the writer and its memory, after its merges have ended."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.wait_merging_threads()

    def close(self) -> None:
        """Let go of all files."""
        self.release_writer()
        self._index = self._searcher = None

    # Searching

    def search(self, query: Match, rows: NDArray[np.int64] | None) -> Found:
        """Return the query's best rows among `rows` (ascending; None: all)."""
        k, excluded = query.k, query.scope.excluded
        phrases = [one for one in (self._literal(phrase) for phrase in query.scope.required) if one is not None]
        should = self._words_of(query.text) + [
            (tantivy.Occur.Should, tantivy.Query.disjunction_max_query([self._variant(one) for one in group]))
            for group in query.synonyms
        ]
        if self._index is None or not (should or phrases) or (rows is not None and not len(rows)):
            return Found(np.zeros(0, np.int64), np.zeros(0), Total(0))
        if rows is None and not (phrases or excluded):
            return self._top(should, k)  # not wrapped in another query: tantivy then skips what can't be among the best
        clauses = [(tantivy.Occur.Must, tantivy.Query.boolean_query(should))] if should else []
        clauses += [(tantivy.Occur.Must, phrase) for phrase in phrases]
        clauses += self._without(excluded)
        if rows is None:
            return self._top(clauses, k)
        if len(rows) <= _FEW_ROWS:
            keep = tantivy.Query.term_set_query(self._schema, "row", rows.tolist())
            return self._top([*clauses, (tantivy.Occur.Must, tantivy.Query.const_score_query(keep, 0.0))], k)
        return self._top_among(clauses, k, rows)

    def _words_of(self, text: str) -> list[Any]:
        return [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "content", term, "freq"))
            for term in self._query_terms(text)
        ]

    def _variant(self, variant: Variant) -> Any:
        phrase = self._phrase(variant.text, "content") if variant.phrase else None
        found = phrase or tantivy.Query.boolean_query(self._words_of(variant.text))
        return tantivy.Query.boost_query(found, variant.weight)

    def _top(self, clauses: list[Any], limit: int) -> Found:
        result = self._searcher.search(tantivy.Query.boolean_query(clauses), limit)
        hits = result.hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        scores = np.array([score for score, _ in hits], dtype=np.float64) / (
            _K1 + 1
        )  # Lucene left this factor out in version 8
        return Found(np.array(rows, dtype=np.int64), scores, Total(result.count or len(hits)))

    def _top_among(self, clauses: list[Any], k: int, rows: NDArray[np.int64]) -> Found:
        """Take more and more of the best hits until `k` of them are among `rows`: the order doesn't depend on the filter."""
        documents = max(self._searcher.num_docs, 1)
        limit = int(1.3 * k * documents / len(rows)) + 100
        while True:
            found = self._top(clauses, min(limit, documents))
            keep = np.isin(found.rows, rows, assume_unique=True)
            exhausted = len(found.rows) >= found.total.value
            if keep.sum() >= k or exhausted:
                total = Total(int(keep.sum()), "eq" if exhausted else "gte")
                return Found(found.rows[keep][:k], found.scores[keep][:k], total)
            limit *= 3

    def matching(self, required: Sequence[str], excluded: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows with all the required phrases and none of the excluded, ascending."""
        if self._index is None:
            return np.zeros(0, np.int64)
        phrases = [self._literal(phrase) for phrase in required]
        clauses = [(tantivy.Occur.Must, phrase) for phrase in phrases if phrase is not None]
        clauses = clauses or [(tantivy.Occur.Must, tantivy.Query.all_query())]
        hits = self._searcher.search(
            tantivy.Query.boolean_query(clauses + self._without(excluded)), max(self._searcher.num_docs, 1), count=False
        ).hits
        return np.sort(
            np.array(self._searcher.fast_field_values("row", [address for _, address in hits]), dtype=np.int64)
        )

    def _without(self, excluded: Sequence[str]) -> list[Any]:
        phrases = [self._literal(phrase) for phrase in excluded]
        return [(tantivy.Occur.MustNot, phrase) for phrase in phrases if phrase is not None]

    def _literal(self, phrase: str) -> Any:
        """Return a query for what is meant as it is typed; None for a phrase without words."""
        groups = []
        for group in literal_groups(phrase, self._analyzer):
            phrases = [self._phrase(form, "literal") for form in group]
            forms = [(tantivy.Occur.Should, phrase) for phrase in phrases if phrase is not None]
            if forms:
                groups.append(forms[0][1] if len(forms) == 1 else tantivy.Query.boolean_query(forms))
        if len(groups) < 2:
            return groups[0] if groups else None
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, group) for group in groups])

    def _phrase(self, phrase: str, field: str) -> Any:
        """Return a query for words that stand together; in the field `content` stop words leave gaps."""
        words = searchable(phrase).split()
        terms: list[str | tuple[int, str]] = []
        first: int | None = None
        for place, word in enumerate(words):
            if field == "literal" or not is_stop_word(word, self._analyzer):
                first = place if first is None else first
                terms += [(place - first, term) for term in self._analyze([word])]
        if len(terms) < 2:
            return tantivy.Query.term_query(self._schema, field, terms[0][1], "freq") if terms else None
        return tantivy.Query.phrase_query(self._schema, field, terms)

    def _query_terms(self, text: str) -> list[str]:
        """Return the different terms of a text in its order, without stop words, as many as a query may have."""
        words = [word for word in searchable(text).split() if not is_stop_word(word, self._analyzer)]
        return list(dict.fromkeys(self._analyze(words)))[:_MAX_TERMS]

    def _analyze(self, words: Sequence[str]) -> list[str]:
        """Return the terms of words, stop words among them."""
        return [] if self._index is None else [term for word in words for term in self._terms.analyze(word)]

    def statistics(self, text: str) -> TermStatistics:
        """Return how many documents hold each of the text's terms, the deleted included that BM25 counts until a merge."""
        if self._index is None:
            return TermStatistics(0, {})
        frequencies = {term: self._searcher.doc_freq("content", term) for term in sorted(self._query_terms(text))}
        return TermStatistics(self._counted, frequencies, self._counted - self._searcher.num_docs)


def _counted(path: Path) -> int:
    """Return how many documents tantivy's segments hold by its own notes, deleted ones among them."""
    meta = read_json(path / "meta.json") or {}
    return sum(int(one["max_doc"]) for one in meta.get("segments", ()))


@contextmanager
def _tantivy_errors(path: Path) -> Iterator[None]:
    """Say failures of the disk, which tantivy reports as ValueError or OSError, as StorageError."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise StorageError(f"can't use {path}: {error}; check free space and permissions") from error
