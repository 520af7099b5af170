"""Answering queries: both legs, their fusion, and the documents of one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from searchctl.encoders.base import Encoder
from searchctl.engines.base import Engine, Revisions, native_hybrid, term_statistics
from searchctl.filters import as_filter
from searchctl.ranking.fusion import FusionSettings
from searchctl.ranking.relevance import DOUBTFUL
from searchctl.schema import Schema
from searchctl.search.emptied import why_filtered_out
from searchctl.search.facets import count_facets, facets_of
from searchctl.search.highlight import best_passage, sentences_by_meaning, show_passage
from searchctl.search.leg_answers import WINDOW, LegAnswers, Ordered, Question
from searchctl.search.legs import Legs, without_document
from searchctl.search.listing import Listed, Lister
from searchctl.search.query import ParsedQuery, parse_query
from searchctl.search.recent import Recent
from searchctl.search.repair import repairs, spelling_repair, unknown_words, word_repairs
from searchctl.search.request import MAX_HITS, Request
from searchctl.search.rerank import Rerank, rerank
from searchctl.text.analysis import terms_of_words
from searchctl.text.sections import shown_fields
from searchctl.types import (
    Document,
    FacetCounts,
    Hit,
    LegReport,
    LexicalQuery,
    Repair,
    Results,
    Scope,
    TermStatistics,
    Vector,
    VectorQuery,
)

if TYPE_CHECKING:
    from searchctl.engines.base import Technique

__all__ = ["MAX_HITS", "Lists", "Request", "Searcher"]

_MISSPELT = 0.1  # how much more relevant the answer has to be to a word that was probably meant
Lists: TypeAlias = Recent[tuple[LegAnswers, Ordered]]


class Searcher:
    """Answers queries about one index. `encoder` is None when no vectors are wanted or there are none.

    `lists` keeps the fused list of a query that is asked alone, so that its next page needs no search; None keeps nothing.
    """

    def __init__(
        self, engine: Engine, index: str, schema: Schema, encoder: Encoder | None, lists: Lists | None = None
    ) -> None:
        self._engine = engine
        self._index = index
        self._schema = schema
        self._encoder = encoder
        self._lists = lists
        self._legs = Legs(engine, index, schema, encoder)

    def search(self, texts: Sequence[str], request: Request) -> list[Results]:
        """Answer queries, in one round trip for all legs and one for each page of documents."""
        answers = self._answers(texts, request)
        results = [self._results(answer, ordered, request) for answer, ordered in answers]
        if not request.repair:
            return results
        return [self._repaired(answer, own, request) for (answer, _), own in zip(answers, results, strict=True)]

    def ask(self, texts: Sequence[str], request: Request) -> list[LegAnswers]:
        """Put queries to both legs, as far as the request wants them."""
        return self._legs.ask(texts, request)

    def similar(self, text: str, vector: Vector, request: Request, *, without: str | None = None) -> Results:
        """Return the documents nearest to a vector, except one of them."""
        nearest = VectorQuery(vector, WINDOW, Scope(as_filter(request.where)))
        (ranking,) = self._engine.search(self._index, [replace(nearest, k=WINDOW + (without is not None))])
        question = Question(text, ParsedQuery(""), None, nearest, background=self._legs.background(), without=without)
        answer = LegAnswers(question, TermStatistics(0, {}), None, without_document(ranking, without, WINDOW))
        return self._results(answer, self._ordered(answer, request), replace(request, mode="vector"))

    def _answers(self, texts: Sequence[str], request: Request) -> list[tuple[LegAnswers, Ordered]]:
        """Return what the legs said to each query, and the order: as kept, where the index hasn't changed since."""
        if self._lists is None or len(texts) != 1 or not isinstance(self._engine, Revisions):
            return [(answer, self._ordered(answer, request)) for answer in self.ask(texts, request)]
        revision = self._engine.revision(self._index)
        where = repr(as_filter(request.where))  # tells 1 from True, which are equal
        key = (self._index, revision, texts[0], request.mode, where, request.fusion)
        kept = self._lists.get(key)
        if kept is None:
            (answer,) = self.ask(texts, request)
            kept = (answer, self._ordered(answer, request))
            self._lists.put(key, kept)
        return [kept]

    def _ordered(self, answer: LegAnswers, request: Request) -> Ordered:
        return answer.ordered(self._schema, request.fusion or self._schema.fusion or FusionSettings())

    # What may have been meant

    def _repaired(self, answer: LegAnswers, results: Results, request: Request) -> Results:
        """Return the answer to what was probably meant, if that is more relevant; the given one otherwise."""
        text = answer.question.text
        unknown = unknown_words(text, answer.statistics.frequencies, self._schema.analyzer)
        if not unknown and not answer.knows_no_word:
            return results
        for repair in repairs(text) if answer.knows_no_word else word_repairs(text, unknown):
            better = self._if_better(repair, results, request)
            if better is not None:
                return better
        if results.answered and results.best_relevance + _MISSPELT >= 1.0:
            return results  # nothing can be so much better
        spelt = spelling_repair(text, unknown, self._document_counts)
        return (spelt and self._if_better(spelt, results, request, by=_MISSPELT)) or results

    def _document_counts(self, words: Sequence[str]) -> dict[str, int]:
        """Return how many documents hold each word, in any of its forms."""
        frequencies = term_statistics(self._engine, self._index, " ".join(words)).frequencies
        terms = terms_of_words(words, self._schema.analyzer)
        return {word: frequencies.get(term, 0) for word, term in zip(words, terms, strict=True) if term}

    def _if_better(self, repair: Repair, results: Results, request: Request, by: float = 0.0) -> Results | None:
        """Return the answer to the query as repaired, if the index holds its words and it is more relevant."""
        known = term_statistics(self._engine, self._index, parse_query(repair.query).text).frequencies
        if not known or (
            repair.kind != "spelling" and not all(known.values())
        ):  # of spelling, what was changed is known
            return None
        asked = replace(request, repair=False)
        ((answer, ordered),) = self._answers([repair.query], asked)
        best = ordered.best_relevance  # hits are looked up only where it is better
        newly_answered = best >= max(request.floor, DOUBTFUL) and not results.answered
        if best <= results.best_relevance + (0.0 if newly_answered else by):
            return None
        return replace(self._results(answer, ordered, asked), query=results.query, repaired=repair)

    # From an answer to a page

    def _results(self, answer: LegAnswers, ordered: Ordered, request: Request) -> Results:
        reports = answer.reports()
        least = request.floor
        if least > 0.0:
            kept = np.flatnonzero(ordered.relevance >= least)
            listed = replace(ordered.only(kept), total=answer.total_from(len(kept), ordered.unseen, least))
        else:
            listed = ordered
        if request.native is not None:
            listed, reports["native"] = self._joined_natively(answer, listed, request.native)
        if request.rerank is not None:
            listed, reports["rerank"] = self._reranked(answer, listed, request.rerank, request.start)
        lister = Lister(self._engine, self._index, self._schema, self._legs, partial(self._ordered, request=request))
        listing = lister.listed(answer, listed, request, seen=ordered.fused.ids)
        listed, hits = listing.ordered, self._hits(listing, request)
        if request.sentences:
            hits = self._with_sentences(answer, hits)
        parsed = answer.question.parsed
        return Results(
            query=answer.question.text,
            mode=request.mode,
            legs=reports,
            total=listed.total,
            hits=hits,
            best_relevance=listed.best_relevance,
            answered=listed.best_relevance >= max(least, DOUBTFUL),
            unmet=answer.question.unmet,
            synonyms=answer.question.expansion.texts if answer.question.expansion else (),
            required=parsed.required,
            excluded=parsed.excluded,
            ignored=answer.question.ignored,
            remarks=parsed.remarks + listing.remarks,
            filtered_out=None if hits else why_filtered_out(self._engine, self._index, request.where),
            facets=self._facets(answer, request),
            groups=listing.group_total,
        )

    def _facets(self, answer: LegAnswers, request: Request) -> tuple[FacetCounts, ...]:
        fields, question = self._schema.fields, answer.question
        facets = facets_of(request.facets, fields)
        scope = question.vector.scope if question.vector is not None else Scope(as_filter(request.where))
        query = question.lexical or LexicalQuery("", scope=scope)
        return count_facets(self._engine, self._index, query, facets, fields, or_scope=question.vector is not None)

    def _joined_natively(self, answer: LegAnswers, ordered: Ordered, technique: Technique) -> tuple[Ordered, LegReport]:
        """Have the documents ordered and scored by the engine's own hybrid query.

        It has the same candidates, but for ties at the end of a leg: what we don't know of is left out.
        """
        server = native_hybrid(self._engine, technique)
        lexical, vector = answer.question.lexical, answer.question.vector
        if lexical is None or vector is None:
            return ordered, LegReport(False, "there is one leg only, so nothing to join")
        ranking = server.native_ranking(self._index, lexical, vector, technique)
        rows = {id: row for row, id in enumerate(ordered.fused.ids)}
        ranks = [rank for rank, id in enumerate(ranking.ids) if id in rows]
        known = np.array([rows[ranking.ids[rank]] for rank in ranks], dtype=np.int64)
        joined = ordered.only(known)
        fused = replace(joined.fused, scores=ranking.scores[ranks])
        return replace(joined, fused=fused), LegReport(True, None, ranking.took_ms)

    def _reranked(self, answer: LegAnswers, ordered: Ordered, how: Rerank, start: int) -> tuple[Ordered, LegReport]:
        """Have the first documents reordered, each by its title and best passage."""
        if start >= how.depth:
            return ordered, LegReport(False, f"this page lies beyond the {how.depth} documents that are reordered")
        best, weights, analyzer = answer.best_passages, answer.weights, self._schema.analyzer
        literals = answer.question.literals

        def texts(ids: Sequence[str]) -> list[str]:
            read = []
            for id, entry in zip(ids, self._engine.get(self._index, ids), strict=True):
                document = entry.document if entry is not None else Document(id)
                passages = entry.passages if entry is not None else ()
                passage = best_passage(document, passages, best.get(id, -1), weights, analyzer, literals)
                text = document.text[passage.start : passage.end] if passage is not None else ""
                read.append(f"{document.title}\n{text}" if document.title else text)
            return read

        fused, relevance, report = rerank(how, answer.question.parsed.text, ordered.fused, ordered.relevance, texts)
        return replace(ordered, fused=fused, relevance=relevance), report

    def _hits(self, listed: Listed, request: Request) -> tuple[Hit, ...]:
        answer, ordered = listed.answer, listed.ordered
        fused, best = ordered.fused, answer.best_passages
        page = range(request.start, min(request.start + request.k, len(fused.ids)))
        ids = [fused.ids[rank] for rank in page]
        weights, analyzer, literals = answer.weights, self._schema.analyzer, answer.question.literals
        hits = []
        for rank, id, entry in zip(page, ids, self._engine.get(self._index, ids), strict=True):
            if entry is None:  # deleted since the legs answered
                continue
            document = entry.document
            passage = show_passage(document, entry.passages, best.get(id, -1), weights, analyzer, literals)
            score, relevance = float(fused.scores[rank]), float(ordered.relevance[rank])
            hits.append(
                Hit(
                    id,
                    score,
                    relevance,
                    document.title,
                    passage,
                    shown_fields(document.fields),
                    fused.legs(rank),
                    document,
                    listed.groups.get(id),
                )
            )
        return tuple(hits)

    def _with_sentences(self, answer: LegAnswers, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """Choose each passage's sentence by its meaning as well as by its words; one batch for all hits."""
        query = answer.question.vector
        if query is None or self._encoder is None:
            return hits
        passages = sentences_by_meaning(
            [hit.passage for hit in hits], answer.weights, self._schema.analyzer, self._encoder, query.vector
        )
        return tuple(replace(hit, passage=passage) for hit, passage in zip(hits, passages, strict=True))
