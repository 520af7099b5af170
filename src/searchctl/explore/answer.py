"""Answers taken from the documents: the sentence that says it, where it stands, or that none was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from searchctl.bm25 import idf
from searchctl.index import Index
from searchctl.sentences import sentences
from searchctl.text import analyze
from searchctl.types import Hit, Vectors, Where

LOOKED_AT = 3  # hits whose best passage is read


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

    Its `passage` begins at `passage_start` there. `relevance` in [0, 1] is the hit's, `score` in [0, 1] how well the
    sentence fits the question among those that were read. `span` is what a reader marked in the document's text, None where
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

    Whether there is an answer is told by the relevance of the best hit; `min_relevance` in [0, 1] asks for more than usual.
    The sentences of the three best passages are then compared with the question by meaning and by words.
    """
    results = index.search(question, LOOKED_AT, where=where)
    candidates = [found for hit in results.hits for found in _sentences(hit)]
    ranked = _ranked(index, question, candidates)
    answered = results.answered and results.best_relevance >= min_relevance and bool(ranked)
    if answered and reader is not None:
        ranked = _read(reader, question, ranked)
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
            passage.text[one.start : one.end],
            passage.start + one.start,
            passage.start + one.end,
            passage.text,
            passage.start,
            hit.relevance,
            0.0,
        )
        for one in sentences(passage.text)
    ]


def _ranked(index: Index, question: str, candidates: Sequence[Found]) -> list[Found]:
    """Return the sentences, the best first: half by meaning, half by the words of the question, times the hit's relevance."""
    if not candidates:
        return []
    schema = index.schema
    statistics = index.engine.term_statistics(index.name, question)
    weights = {term: idf(statistics.documents, found) for term, found in statistics.frequencies.items()}
    scores = np.array([_coverage(one, weights) for one in candidates])
    encoder = index.encoder
    if encoder is not None and schema.encoder is not None:
        texts = [f"{one.title}\n{one.sentence}".strip() for one in candidates]
        scores = (scores + _meaning(encoder.encode_queries([question]), encoder.encode_documents(texts))) / 2
    scores *= [one.relevance for one in candidates]
    order = np.argsort(-scores, kind="stable").tolist()
    return [replace(candidates[place], score=round(float(scores[place]), 4)) for place in order]


def _coverage(found: Found, weights: Mapping[str, float]) -> float:
    """Return the share of the question's words that a sentence has, the rare ones counting more."""
    held = {token.term for token in analyze(found.sentence)}
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in held) / total if total else 0.0


def _meaning(question: Vectors, texts: Vectors) -> Vectors:
    """Return the texts' cosines with the question, stretched so that the least is 0 and the highest 1."""
    cosines = texts @ question[0]
    low, high = float(cosines.min()), float(cosines.max())
    stretched: Vectors = (cosines - low) / (high - low) if high > low else np.ones_like(cosines)
    return stretched


def _read(reader: Reader, question: str, ranked: Sequence[Found]) -> list[Found]:
    """Let the reader mark each passage; the sentences it marks come first, the surest one at the top."""
    passages = list(dict.fromkeys(found.passage for found in ranked))
    spans = dict(zip(passages, reader.read(question, passages), strict=True))
    marked = [replace(found, span=_inside(found, spans[found.passage])) for found in ranked]
    return sorted(
        marked, key=lambda found: -(found.span.confidence * found.relevance if found.span else -found.score - 1)
    )


def _inside(found: Found, span: Span | None) -> Span | None:
    """Return the span, given in the passage, in the document, if it begins in this sentence."""
    if span is None:
        return None
    start = found.passage_start + span.start
    if not found.start <= start < max(found.end, found.start + 1):
        return None
    return Span(start, found.passage_start + span.end, span.confidence)
