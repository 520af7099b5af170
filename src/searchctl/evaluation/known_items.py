"""Queries without judgements: a piece of a document is the query, and that document is the one to find.

What this measures is only finding a document again by its own words, which favours the lexical leg; it compares
settings of one index, and says little about how real questions fare. Where the documents are indexed for the occasion,
the piece is taken out of them first, so that finding it isn't mere copying.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from searchctl.evaluation.dataset import DataSet, JudgedQuery
from searchctl.text.analysis import analyze
from searchctl.types import Document

Kind: TypeAlias = Literal["title", "sentence", "span"]
_SENTENCE = re.compile(r".+?(?:[.!?…]+(?=\s)|\n|$)", re.DOTALL)
_WORD = re.compile(r"\S+")
_QUOTES = re.compile(r'["«»“”„]|(?<!\S)[+-](?=\w)')
_LEAST_TERMS = 3  # a query with fewer informative words could mean many documents
_SPAN_WORDS = 10
CAVEAT = (
    "queries are pieces of the documents themselves, so numbers are higher than for real questions and favour words over "
    "meaning; use them to compare settings, not to judge quality"
)


@dataclass(frozen=True, slots=True)
class KnownItem:
    """A query made from a document, and the document without the piece that became the query."""

    query: JudgedQuery
    kind: Kind
    rest: Document


def make_known_items(documents: Iterable[Document], count: int, *, seed: int = 0) -> list[KnownItem]:
    """Make at most `count` queries, from documents drawn evenly; each kind a document offers is as likely."""
    random_ = random.Random(seed)  # noqa: S311
    drawn = _sample(documents, 3 * count, random_)
    items = []
    for document in drawn:
        kinds = list(_pieces(document, random_))
        if kinds:
            kind, text, rest = random_.choice(kinds)
            items.append(KnownItem(JudgedQuery(f"{kind}:{document.id}", _plain(text), {document.id: 1}), kind, rest))
        if len(items) == count:
            break
    return items


def as_dataset(items: Sequence[KnownItem], name: str) -> DataSet:
    """Return the queries as a data set which says what it can't tell."""
    return DataSet(name, tuple(item.query for item in items), None, CAVEAT)


def held_apart(documents: Iterable[Document], items: Sequence[KnownItem]) -> Iterator[Document]:
    """Yield the documents, those with a query without the piece that became it."""
    rest = {item.rest.id: item.rest for item in items}
    for document in documents:
        yield rest.get(document.id, document)


def _sample(documents: Iterable[Document], count: int, random_: random.Random) -> list[Document]:
    """Draw `count` documents in one pass (reservoir sampling, Vitter 1985), in random order."""
    kept: list[Document] = []
    for number, document in enumerate(documents):
        if len(kept) < count:
            kept.append(document)
        elif (slot := random_.randrange(number + 1)) < count:
            kept[slot] = document
    random_.shuffle(kept)
    return kept


def _pieces(document: Document, random_: random.Random) -> Iterator[tuple[Kind, str, Document]]:
    if document.text.strip() and _informative(document.title):
        yield "title", document.title.strip(), replace(document, title="")
    sentences = [found.span() for found in _SENTENCE.finditer(document.text)]
    if len(sentences) > 1 and _informative(document.text[slice(*sentences[0])]):
        yield "sentence", document.text[slice(*sentences[0])].strip(), _without(document, *sentences[0])
    words = [found.span() for found in _WORD.finditer(document.text)]
    if len(words) > 4 * _SPAN_WORDS:
        first = random_.randrange(len(words) - _SPAN_WORDS)
        start, end = words[first][0], words[first + _SPAN_WORDS - 1][1]
        if _informative(document.text[start:end]):
            yield "span", document.text[start:end], _without(document, start, end)


def _plain(text: str) -> str:
    """Return the text without what the query language gives a meaning: quotation marks, and signs before words."""
    return " ".join(_QUOTES.sub(" ", text).split())


def _without(document: Document, start: int, end: int) -> Document:
    return replace(document, text=document.text[:start] + document.text[end:])


def _informative(text: str) -> bool:
    return len({token.term for token in analyze(text)}) >= _LEAST_TERMS
