"""Answering queries: one round trip to the engine for both legs, fusion, and the documents of one page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from searchctl.encoders.base import Encoder
from searchctl.engines.base import Engine, Revisions, native_hybrid, term_statistics
from searchctl.errors import UsageError
from searchctl.filters import as_filter
from searchctl.ranking.cosine_baseline import without_language
from searchctl.ranking.fusion import FusionSettings
from searchctl.ranking.relevance import DOUBTFUL
from searchctl.schema import Schema
from searchctl.search.highlight import best_passage, best_sentence, sentence_shares, show_passage
from searchctl.search.leg_answers import WINDOW, Answer, Ordered, Question
from searchctl.search.query import ParsedQuery, parse_query
from searchctl.search.recent import Recent
from searchctl.search.repair import repairs
from searchctl.search.rerank import Rerank, rerank
from searchctl.search.synonyms import Weighed, expand, weigh
from searchctl.text.analysis import matching
from searchctl.text.sentences import sentences
from searchctl.types import (
    MODES,
    Document,
    Hit,
    LegReport,
    Match,
    Mode,
    Nearest,
    Ranking,
    Results,
    Scope,
    TermStatistics,
    Vector,
    Where,
)

if TYPE_CHECKING:
    from searchctl.engines.base import Technique

Lists: TypeAlias = Recent[tuple[Answer, Ordered]]
MAX_HITS = 10_000  # how deep paging may go
_WORDS_OF_SENTENCE = (
    0.2  # what all of a query's words in a sentence are worth beside its cosine, which spreads over about 0.2
)


@dataclass(frozen=True, slots=True)
class Request:
    """How to answer: `k` hits from number `start` (0 is the best) among the documents that `where` allows.

    Hits less relevant than `min_relevance` are left out. With `repair`, a query none of whose words the index holds is read as
    typed on the other keyboard layout or in the other alphabet, if that answers better. `sentences` has the sentences of the
    hits' passages encoded, so that the one which answers is found by its meaning as well. `rerank` reorders the best. `fusion` is
    as the index was tuned unless given; with `native` the order is that of the engine's own hybrid query, which OpenSearch has.
    """

    k: int = 10
    mode: Mode = "hybrid"
    where: Where | None = None
    start: int = 0
    fusion: FusionSettings | None = None
    min_relevance: float = 0.0
    repair: bool = True
    sentences: bool = False
    rerank: Rerank | None = None
    native: Technique | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"no mode '{self.mode}'; choose one of: {', '.join(MODES)}")
        if self.native is not None and self.mode != "hybrid":
            raise UsageError(f"a native fusion joins both legs, and mode '{self.mode}' asks one; leave one of them out")
        if self.k < 1 or self.start < 0 or self.start + self.k > MAX_HITS:
            raise UsageError(
                f"can't give {self.k} hits from number {self.start} on; ask for one or more within the first {MAX_HITS}"
            )
        if not 0.0 <= self.min_relevance <= 1.0:
            raise UsageError(f"a relevance of {self.min_relevance} can't be asked for; give a number from 0 to 1")


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

    def search(self, texts: Sequence[str], request: Request) -> list[Results]:
        """Answer queries, in one round trip for all legs and one for each page of documents."""
        found = self._found(texts, request)
        results = [self._results(answer, ordered, request) for answer, ordered in found]
        if not request.repair:
            return results
        return [self._repaired(answer, one, request) for (answer, _), one in zip(found, results, strict=True)]

    def similar(self, text: str, vector: Vector, request: Request, *, without: str | None = None) -> Results:
        """Return the documents nearest to a vector, except one of them."""
        nearest = Nearest(vector, WINDOW + (without is not None), Scope(as_filter(request.where)))
        (ranking,) = self._engine.search(self._index, [nearest])
        question = Question(text, ParsedQuery(""), None, replace(nearest, k=WINDOW))
        answer = Answer(question, TermStatistics(0, {}), None, _without(ranking, without))
        return self._results(answer, self._ordered(answer, request), replace(request, mode="vector"), without)

    def _found(self, texts: Sequence[str], request: Request) -> list[tuple[Answer, Ordered]]:
        """Return what was found for each query and its order: as kept, where the index hasn't changed since."""
        if self._lists is None or len(texts) != 1 or not isinstance(self._engine, Revisions):
            return [(answer, self._ordered(answer, request)) for answer in self.ask(texts, request)]
        revision = self._engine.revision(self._index)
        where = repr(as_filter(request.where))  # tells 1 from True, which are equal
        key = (self._index, revision, texts[0], request.mode, where, request.fusion, request.min_relevance)
        found = self._lists.get(key)
        if found is None:
            (answer,) = self.ask(texts, request)
            found = (answer, self._ordered(answer, request))
            self._lists.put(key, found)
        return [found]

    def _ordered(self, answer: Answer, request: Request) -> Ordered:
        settings = request.fusion or self._schema.fusion or FusionSettings()
        return answer.ordered(self._schema, settings, request.min_relevance)

    def ask(self, texts: Sequence[str], request: Request) -> list[Answer]:
        """Put queries to both legs, as far as the request wants them, in one round trip.

        A query with quoted phrases that no document has takes another, in which they are words like the others.
        """
        answers = self._answers(self._questions(texts, request))
        strict = [place for place, answer in enumerate(answers) if answer.quotes_nothing]
        loose = self._answers([answers[place].question.without_quotes() for place in strict]) if strict else []
        for place, answer in zip(strict, loose, strict=True):
            answers[place] = answer
        return answers

    def _answers(self, questions: Sequence[Question]) -> list[Answer]:
        legs = [(one.match or Match(one.parsed.text, 0), one.nearest) for one in questions]  # words are always counted
        rankings = iter(self._engine.search(self._index, [leg for pair in legs for leg in pair if leg is not None]))
        answers = []
        for question in questions:
            lexical = next(rankings)
            vector = next(rankings) if question.nearest is not None else None
            statistics = question.synonyms.statistics if question.synonyms else lexical.statistics
            assert statistics is not None
            answers.append(Answer(question, statistics, lexical if question.match is not None else None, vector))
        return answers

    def _questions(self, texts: Sequence[str], request: Request) -> list[Question]:
        parsed = [parse_query(text) for text in texts]
        conditions = as_filter(request.where)
        began = time.perf_counter()
        vectors = self._encode(parsed, request.mode)
        encoding_ms = (time.perf_counter() - began) * 1000 / max(len(texts), 1)
        questions = []
        for text, one, vector in zip(texts, parsed, vectors, strict=True):
            scope = Scope(conditions, one.required + one.quoted, one.excluded)
            rest, synonyms = self._synonyms(one)
            match = (
                Match(rest, WINDOW, scope, synonyms.groups if synonyms else ()) if request.mode != "vector" else None
            )
            nearest = Nearest(vector, WINDOW, scope) if vector is not None else None
            questions.append(Question(text, one, match, nearest, encoding_ms, synonyms=synonyms))
        return questions

    def _synonyms(self, parsed: ParsedQuery) -> tuple[str, Weighed | None]:
        """Return what of a query no rule changes, and what stands for the rest by the index's rules."""
        analyzer = self._schema.analyzer
        found = expand(parsed.text, parsed.required + parsed.quoted, self._schema.synonyms, analyzer)
        if found is None:
            return parsed.text, None
        return found.rest, weigh(found, term_statistics(self._engine, self._index, found.words), analyzer)

    def _encode(self, parsed: Sequence[ParsedQuery], mode: Mode) -> list[Vector | None]:
        """Encode what can be encoded, with no preference for a language; None elsewhere."""
        vectors: list[Vector | None] = [None] * len(parsed)
        if self._encoder is None or mode == "lexical":
            return vectors
        places = [place for place, one in enumerate(parsed) if one.text]
        encoded = self._encoder.encode_queries([parsed[place].text for place in places])
        for place, vector in zip(places, encoded, strict=True):
            vectors[place] = without_language(vector, self._schema.background)
        return vectors

    def _repaired(self, answer: Answer, results: Results, request: Request) -> Results:
        """Return the answer to what was probably meant, if that is more relevant; the given one otherwise."""
        if not answer.knows_no_word:
            return results
        for repair in repairs(answer.question.text):
            known = term_statistics(self._engine, self._index, parse_query(repair.query).text).frequencies
            if known and all(known.values()):
                (found,) = self.search([repair.query], replace(request, repair=False))
                if found.best_relevance > results.best_relevance:
                    return replace(found, query=results.query, repaired=repair)
        return results

    def _results(self, answer: Answer, ordered: Ordered, request: Request, without: str | None = None) -> Results:
        reports = answer.reports(request.mode)
        if request.native is not None:
            ordered, reports["native"] = self._joined_natively(answer, ordered, request.native)
        if request.rerank is not None:
            ordered, reports["rerank"] = self._reranked(answer, ordered, request.rerank, request.start)
        if request.start + request.k > len(ordered.fused.ids) and request.min_relevance <= 0.0:
            ordered = self._continued(answer, ordered, request.start + request.k, without)
        hits = self._hits(answer, ordered, request)
        return Results(
            query=answer.question.text,
            mode=request.mode,
            legs=reports,
            total=ordered.total,
            hits=self._with_sentences(answer, hits) if request.sentences else hits,
            best_relevance=ordered.best_relevance,
            answered=ordered.best_relevance >= max(request.min_relevance, DOUBTFUL),
            unmet=answer.question.unmet,
            synonyms=answer.question.synonyms.texts if answer.question.synonyms else (),
        )

    def _joined_natively(self, answer: Answer, ordered: Ordered, technique: Technique) -> tuple[Ordered, LegReport]:
        """Have the documents ordered and scored by the engine's own hybrid query.

        It has the same candidates, but for ties at the end of a leg: what we don't know of is left out.
        """
        native = native_hybrid(self._engine, technique)
        match, nearest = answer.question.match, answer.question.nearest
        if match is None or nearest is None:
            return ordered, LegReport(False, "there is one leg only, so nothing to join")
        ranking = native.native_ranking(self._index, match, nearest, technique)
        rows = {id: row for row, id in enumerate(ordered.fused.ids)}
        places = [place for place, id in enumerate(ranking.ids) if id in rows]
        known = np.array([rows[ranking.ids[place]] for place in places], dtype=np.int64)
        fused = replace(ordered.fused.only(known), scores=ranking.scores[places])
        return replace(ordered, fused=fused, relevance=ordered.relevance[known]), LegReport(True, None, ranking.took_ms)

    def _reranked(self, answer: Answer, ordered: Ordered, how: Rerank, start: int) -> tuple[Ordered, LegReport]:
        """Have the first documents reordered, each by its title and best passage."""
        if start >= how.depth:
            return ordered, LegReport(False, f"this page lies beyond the {how.depth} documents that are reordered")
        best, weights, analyzer = answer.best_passages, answer.weights, self._schema.analyzer

        def texts(ids: Sequence[str]) -> list[str]:
            found = []
            for id, entry in zip(ids, self._engine.get(self._index, ids), strict=True):
                document = entry.document if entry is not None else Document(id)
                passages = entry.passages if entry is not None else ()
                passage = best_passage(document, passages, best.get(id, -1), weights, analyzer)
                text = document.text[passage.start : passage.end] if passage is not None else ""
                found.append(f"{document.title}\n{text}" if document.title else text)
            return found

        fused, relevance, report = rerank(how, answer.question.parsed.text, ordered.fused, ordered.relevance, texts)
        return replace(ordered, fused=fused, relevance=relevance), report

    def _continued(self, answer: Answer, ordered: Ordered, wanted: int, without: str | None) -> Ordered:
        """Return the list continued beyond the window by both legs' further documents in turn.

        The order of such a list doesn't depend on how far it goes, as the fused part's doesn't: that is left as it is.
        """
        cut = [
            part
            for part, ranking in ((answer.question.match, answer.lexical), (answer.question.nearest, answer.vector))
            if part is not None and ranking is not None and len(ranking.ids) >= WINDOW
        ]
        if not cut:
            return ordered
        depth = WINDOW
        while depth < wanted + (without is not None):  # few depths, so that pages nearby are cut from the same list
            depth *= 2
        rankings = self._engine.search(self._index, [replace(part, k=min(depth, MAX_HITS)) for part in cut])
        seen = {*ordered.fused.ids, without}
        turns = chain.from_iterable(zip_longest(*(ranking.ids for ranking in rankings)))
        later = tuple(dict.fromkeys(id for id in turns if id is not None and id not in seen))
        relevance = np.concatenate([ordered.relevance, np.zeros(len(later))])
        return replace(ordered, fused=ordered.fused.followed_by(later), relevance=relevance)

    def _hits(self, answer: Answer, ordered: Ordered, request: Request) -> tuple[Hit, ...]:
        fused, best = ordered.fused, answer.best_passages
        page = range(request.start, min(request.start + request.k, len(fused.ids)))
        ids = [fused.ids[place] for place in page]
        weights = answer.weights
        hits = []
        for place, id, entry in zip(page, ids, self._engine.get(self._index, ids), strict=True):
            if entry is None:  # deleted since the legs answered
                continue
            document = entry.document
            passage = show_passage(document, entry.passages, best.get(id, -1), weights, self._schema.analyzer)
            score, relevance = float(fused.scores[place]), float(ordered.relevance[place])
            hits.append(
                Hit(id, score, relevance, document.title, passage, document.fields, fused.legs(place), document)
            )
        return tuple(hits)

    def _with_sentences(self, answer: Answer, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """Choose each passage's sentence by cosine with the query and by its words; one batch for all hits."""
        nearest = answer.question.nearest
        if nearest is None or self._encoder is None:
            return hits
        spans = [sentences(hit.passage.text) if hit.passage is not None else [] for hit in hits]
        texts = [
            hit.passage.text[span.start : span.end]
            for hit, found in zip(hits, spans, strict=True)
            if hit.passage is not None and len(found) > 1
            for span in found
        ]
        cosines = iter((self._encoder.encode_documents(texts) @ nearest.vector).tolist())
        shown = []
        for hit, found in zip(hits, spans, strict=True):
            if hit.passage is None or not found:
                shown.append(hit)
                continue
            words = matching(hit.passage.text, answer.weights, self._schema.analyzer)
            shares = sentence_shares(words, found, answer.weights)
            meaning = [next(cosines) if len(found) > 1 else 1.0 for _ in found]
            scores = [_WORDS_OF_SENTENCE * share + cosine for share, cosine in zip(shares, meaning, strict=True)]
            shown.append(replace(hit, passage=replace(hit.passage, sentence=best_sentence(found, scores))))
        return tuple(shown)


def _without(ranking: Ranking, id: str | None) -> Ranking:
    """Return the ranking without one document, and at most WINDOW long."""
    kept = [place for place, one in enumerate(ranking.ids) if one != id][:WINDOW]
    total = ranking.total
    return replace(
        ranking,
        ids=tuple(ranking.ids[place] for place in kept),
        scores=np.asarray(ranking.scores)[kept],
        passages=tuple(ranking.passages[place] for place in kept),
        total=replace(total, value=total.value - 1) if id in ranking.ids else total,
    )
