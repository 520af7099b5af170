"""Asking both legs: from queries as typed to what the engine is asked, in one round trip for all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from searchctl.encoders.base import Encoder
from searchctl.encoders.unread import UNREADABLE, unread_shares
from searchctl.engines.base import Engine, term_statistics
from searchctl.filters import as_filter
from searchctl.filters.checking import OWN
from searchctl.ranking.cosine_baseline import without_language
from searchctl.schema import Background, Schema
from searchctl.search.code_groups import find_codes, weigh_codes
from searchctl.search.leg_answers import WINDOW, LegAnswers, Question
from searchctl.search.prior import general_background
from searchctl.search.query import ParsedQuery, parse_query, without_repetitions
from searchctl.search.request import MAX_HITS, Request
from searchctl.search.synonyms import Weighed, expand, weigh
from searchctl.translation import _
from searchctl.types import LexicalQuery, Mode, Ranking, Scope, TermStatistics, Vector, VectorQuery


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A query's vector, or None and why there is none; and how much of the query the encoder can't read."""

    vector: Vector | None = None
    reason: str | None = None
    unread: float = 0.0


class Legs:
    """Both legs of one index. `encoder` is None when no vectors are wanted or there are none."""

    def __init__(self, engine: Engine, index: str, schema: Schema, encoder: Encoder | None) -> None:
        self._engine = engine
        self._index = index
        self._schema = schema
        self._encoder = encoder

    def background(self) -> Background | None:
        """Return what cosines unrelated texts have: of the index, or where it is too small to tell, by the encoder in general."""
        if self._schema.background is not None or self._encoder is None:
            return self._schema.background
        return general_background(self._encoder)

    def ask(self, texts: Sequence[str], request: Request) -> list[LegAnswers]:
        """Put queries to both legs, as far as the request wants them, in one round trip.

        A query with quoted phrases that no document has takes another, in which they are words like the others.
        """
        answers = self._answers(self._questions(texts, request))
        strict = [number for number, answer in enumerate(answers) if answer.quotes_nothing]
        loose = self._answers([answers[number].question.without_quotes() for number in strict]) if strict else []
        for number, answer in zip(strict, loose, strict=True):
            answers[number] = answer
        return answers

    def deeper(self, answer: LegAnswers, depth: int) -> LegAnswers:
        """Return the answer with the first `depth` documents of each leg; nothing else of it changes."""
        depth = min(depth, MAX_HITS)
        question = answer.question
        by_words = question.lexical if answer.lexical is not None else None
        by_vector = question.vector if answer.vector is not None else None
        spare = question.without is not None  # one document more, since one is left out
        queries = [replace(part, k=depth + spare) for part in (by_words, by_vector) if part is not None]
        rankings = iter(self._engine.search(self._index, queries))
        lexical = next(rankings) if by_words is not None else None
        vector = next(rankings) if by_vector is not None else None
        if vector is not None and spare:
            vector = without_document(vector, question.without, depth)
        return replace(answer, lexical=lexical, vector=vector, depth=depth)

    def _answers(self, questions: Sequence[Question]) -> list[LegAnswers]:
        legs = [
            (question.lexical or LexicalQuery(question.parsed.text, 0), question.vector) for question in questions
        ]  # words are always counted
        rankings = iter(self._engine.search(self._index, [leg for pair in legs for leg in pair if leg is not None]))
        answers = []
        for question in questions:
            lexical = next(rankings)
            vector = next(rankings) if question.vector is not None else None
            statistics = question.expansion.statistics if question.expansion else lexical.statistics
            assert statistics is not None
            answers.append(LegAnswers(question, statistics, lexical if question.lexical is not None else None, vector))
        return answers

    def _questions(self, texts: Sequence[str], request: Request) -> list[Question]:
        names = {*self._schema.fields, *OWN, "text"}
        parsed = [parse_query(text, names).without_ignored(self._schema.analyzer) for text in texts]
        where = as_filter(request.where)
        began = time.perf_counter()
        encoded = self._encode([query for query, _ignored in parsed], request.mode)
        encoding_ms = (time.perf_counter() - began) * 1000 / max(len(texts), 1)
        questions = []
        for text, (query, ignored), vector in zip(texts, parsed, encoded, strict=True):
            scope = Scope(where, query.required + query.quoted, query.excluded)
            rest, expansion = self._expansion(query)
            groups = expansion.groups if expansion else ()
            by_words = LexicalQuery(rest, WINDOW, scope, groups) if request.mode != "vector" else None
            by_vector = VectorQuery(vector.vector, WINDOW, scope) if vector.vector is not None else None
            questions.append(
                Question(
                    text,
                    query,
                    by_words,
                    by_vector,
                    encoding_ms,
                    expansion=expansion,
                    ignored=ignored,
                    background=self.background() if by_vector is not None else None,
                    unread=vector.unread,
                    no_vector=vector.reason,
                )
            )
        return questions

    def _expansion(self, query: ParsedQuery) -> tuple[str, Weighed | None]:
        """Return what of a query is looked for as it is, and what stands for the rest: synonyms, and codes as a whole."""
        analyzer = self._schema.analyzer
        text = without_repetitions(query.text, analyzer)
        synonyms = expand(text, query.required + query.quoted, self._schema.synonyms, analyzer)
        rest = synonyms.rest if synonyms else text
        codes = find_codes(rest)
        if synonyms is None and codes is None:
            return text, None
        words = [synonyms.words if synonyms else "", codes.words if codes else ""]
        statistics = term_statistics(self._engine, self._index, " ".join(words))
        weighed = (
            weigh(replace(synonyms, rest=codes.rest if codes else rest), statistics, analyzer)
            if synonyms
            else Weighed((), TermStatistics(statistics.documents, {}, statistics.deleted), {})
        )
        return weigh_codes(codes, weighed, statistics, analyzer) if codes else (rest, weighed)

    def _encode(self, queries: Sequence[ParsedQuery], mode: Mode) -> list[_Encoded]:
        """Encode what can be read, with no preference for a language."""
        if self._encoder is None or mode == "lexical":
            reason = _("only words were asked for") if mode == "lexical" else _("the index has no vectors")
            return [_Encoded(None, reason) for _ignored in queries]
        encoded = [_Encoded(None, "the query has no words to look for")] * len(queries)
        worded = [number for number, query in enumerate(queries) if query.text]
        shares = dict(
            zip(worded, unread_shares(self._encoder, [queries[number].text for number in worded]), strict=True)
        )
        readable = [number for number in worded if shares[number] <= UNREADABLE]
        vectors = self._encoder.encode_queries([queries[number].text for number in readable])
        for number in worded:
            reason = _("the encoder {name} can't read {shares:.0%} of the query's letters").format(
                name=self._encoder.name, shares=shares[number]
            )
            encoded[number] = _Encoded(None, reason, shares[number])
        for number, vector in zip(readable, vectors, strict=True):
            encoded[number] = _Encoded(without_language(vector, self._schema.background), None, shares[number])
        return encoded


def without_document(ranking: Ranking, id: str | None, depth: int) -> Ranking:
    """Return the ranking without one document, and at most `depth` long."""
    kept = [number for number, one in enumerate(ranking.ids) if one != id][:depth]
    total = ranking.total
    return replace(
        ranking,
        ids=tuple(ranking.ids[number] for number in kept),
        scores=ranking.scores[kept],
        passages=tuple(ranking.passages[number] for number in kept),
        total=replace(total, value=total.value - 1) if id in ranking.ids else total,
    )
