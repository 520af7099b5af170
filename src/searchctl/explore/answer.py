"""Answers taken from the documents: the sentence that says it, where it stands, or that none was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from searchctl.engines.base import term_statistics
from searchctl.explore.evidence import TokenEvidence, answer_chances, token_evidence
from searchctl.explore.expected import expectation
from searchctl.explore.plain_evidence import lacks_telling_word, plain_chances
from searchctl.index import Index
from searchctl.ranking.bm25 import idf
from searchctl.ranking.fusion import vector_scores
from searchctl.rerankers.base import TokenEncoder
from searchctl.text.analysis import analyze
from searchctl.text.sentences import sentences
from searchctl.types import Hit, TermStatistics, Where

LOOKED_AT = 5  # hits whose best passage is read
DOUBTFUL = 0.5  # a best sentence that answers less likely than that is no answer


class Reader(Protocol):
    """A model that marks the answer in a text."""

    def read(self, question: str, texts: Sequence[str]) -> list[Span | None]:
        """Return the answer's place in each text, None where the model finds none there."""


@dataclass(frozen=True, slots=True)
class Span:
    """Code points `start` to `end` (exclusive) of a text, and how sure a model is of them, in [0, 1]."""

    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Found:
    """A sentence that may answer: code points `start` to `end` of the document `id`'s text.

    Its `passage` begins at `passage_start` there. `relevance` in [0, 1] is the hit's, `score` in [0, 1] how likely the
    sentence answers the question (see `evidence`). `span` is what a reader marked in the document's text, None where
    there is no reader or it marked nothing in this sentence.
    """

    id: str
    title: str
    sentence: str
    start: int
    end: int
    passage: str
    passage_start: int
    relevance: float
    score: float
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for a question. `best` is None when nothing is relevant enough to speak of an answer.

    `others` are the next best sentences, of other documents too; without an answer, the nearest that there is.
    `relevance` in [0, 1] is the best hit's.
    """

    question: str
    best: Found | None
    others: tuple[Found, ...]
    relevance: float

    @property
    def answered(self) -> bool:
        """Whether there is an answer."""
        return self.best is not None


def answer(
    index: Index,
    question: str,
    *,
    where: Where | None = None,
    min_relevance: float = 0.0,
    others: int = 2,
    reader: Reader | None = None,
) -> Answer:
    """Answer a question from an index.

    The sentences of the five best passages are compared with the question by meaning, by words, by whether they name what it
    asks for (a sum, a time, a number, a person), and by what of the question has no like in the passage. There is no answer
    where none of them likely is one, or where the best hit's relevance in [0, 1] is below `min_relevance`.
    """
    results = index.search(question, LOOKED_AT, where=where)
    query = results.repaired.query if results.repaired else question
    candidates = [found for hit in results.hits for found in _sentences(hit)]
    statistics = term_statistics(index.engine, index.name, query)
    ranked = _ranked(index, query, candidates, statistics)
    answered = bool(ranked) and ranked[0].score >= DOUBTFUL and results.best_relevance >= min_relevance
    if answered and reader is not None:
        ranked = _read(reader, query, ranked)
        answered = any(found.span is not None for found in ranked)
    best = ranked[0] if answered else None
    rest = ranked[1:] if answered else ranked
    return Answer(question, best, tuple(rest[:others]), results.best_relevance)


def _sentences(hit: Hit) -> list[Found]:
    """Return the sentences of a hit's best passage; a document without text has its title alone."""
    passage = hit.passage
    if passage is None or not passage.text.strip():
        return [Found(hit.id, hit.title, hit.title, 0, 0, hit.title, 0, hit.relevance, 0.0)] if hit.title else []
    return [
        Found(
            hit.id,
            hit.title,
            passage.text[sentence.start : sentence.end],
            passage.start + sentence.start,
            passage.start + sentence.end,
            passage.text,
            passage.start,
            hit.relevance,
            0.0,
        )
        for sentence in sentences(passage.text)
    ]


def _ranked(index: Index, question: str, candidates: Sequence[Found], statistics: TermStatistics) -> list[Found]:
    """Return the sentences with how likely each answers, the likeliest first."""
    if not candidates:
        return []
    weights = {term: idf(statistics.documents, found) for term, found in statistics.frequencies.items()}
    relevance = np.array([one.relevance for one in candidates])
    coverage = np.array([_coverage(one, weights) for one in candidates])
    fits = expectation(question)
    named = np.array([fits(one.sentence) if fits else 1.0 for one in candidates])
    if (tokens := _tokens(index, question, candidates)) is not None:
        scores = answer_chances(relevance, coverage, named == 0, tokens)
    else:
        texts = [f"{one.title}\n{one.passage}" for one in candidates]
        missed = (named == 0) | np.array([lacks_telling_word(text, statistics) for text in texts])
        clues = coverage + (named if fits else 0.0)
        scores = plain_chances(_likeness(index, question, candidates), relevance, clues, missed, statistics.documents)
    order = np.argsort(-scores, kind="stable").tolist()
    return [replace(candidates[place], score=round(float(scores[place]), 4)) for place in order]


def _coverage(sentence: Found, weights: Mapping[str, float]) -> float:
    """Return the share of the question's words that a sentence has, the rare ones counting more."""
    held = {token.term for token in analyze(sentence.sentence)}
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in held) / total if total else 0.0


def _tokens(index: Index, question: str, candidates: Sequence[Found]) -> TokenEvidence | None:
    """Return how each sentence, read under its document's title, agrees with the question; None without an encoder's tokens."""
    encoder = index.encoder
    if not isinstance(encoder, TokenEncoder):
        return None
    return token_evidence(encoder, question, _titled(candidates), [(one.id, one.passage_start) for one in candidates])


def _likeness(index: Index, question: str, candidates: Sequence[Found]) -> NDArray[np.float64]:
    """Return how near in meaning each sentence is to the question: (n,), in [0, 1]; 0 for an index without vectors."""
    encoder, schema = index.encoder, index.schema
    if encoder is None:
        return np.zeros(len(candidates))
    vector = encoder.encode_queries([question])[0]
    background = schema.background.around(vector) if schema.background is not None else None
    return vector_scores((encoder.encode_documents(_titled(candidates)) @ vector).astype(np.float64), background)


def _titled(candidates: Sequence[Found]) -> list[str]:
    return [f"{one.title}\n{one.sentence}".strip() for one in candidates]


def _read(reader: Reader, question: str, ranked: Sequence[Found]) -> list[Found]:
    """Let the reader mark each passage; the sentences it marks come first, the surest one at the top."""
    passages = list(dict.fromkeys(found.passage for found in ranked))
    spans = dict(zip(passages, reader.read(question, passages), strict=True))
    marked = [replace(found, span=_inside(found, spans[found.passage])) for found in ranked]
    return sorted(
        marked,
        key=lambda sentence: -(sentence.span.confidence * sentence.relevance if sentence.span else -sentence.score - 1),
    )


def _inside(sentence: Found, span: Span | None) -> Span | None:
    """Return the span, given in the passage, in the document, if it begins in this sentence."""
    if span is None:
        return None
    start = sentence.passage_start + span.start
    if not sentence.start <= start < max(sentence.end, sentence.start + 1):
        return None
    return Span(start, sentence.passage_start + span.end, span.confidence)
