"""Pairs to learn from, mined from an index: its titles, its judged queries, its labels, and near neighbours that are no answers."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from searchctl.encoders.base import Encoder
from searchctl.errors import UsageError
from searchctl.evaluation.dataset import DataSet
from searchctl.fields import as_values
from searchctl.index import Index
from searchctl.ingest.encoding import passage_texts
from searchctl.routing.examples import LABEL, is_own
from searchctl.text.analysis import analyze
from searchctl.types import Document, Entry, Json, Vector

PairSource: TypeAlias = Literal["title", "judgement", "label"]
_BATCH = 32
_CANDIDATES = 30  # of the fused list of both legs, among which negatives are looked for
_LEAST_TERMS = 3  # of a title that is worth being a question
_LEAST_CHARACTERS = 40  # of a text that can answer one


@dataclass(frozen=True, slots=True)
class PairMining:
    """What is mined: which sources, at most `limit` pairs of each, and so many hard negatives a pair.

    A text is no negative where its cosine with the question is more than `1 - margin` times the answer's: it may well be an
    answer that nobody judged.
    """

    titles: bool = True
    labels: bool = True
    negatives: int = 3
    margin: float = 0.05
    limit: int = 10_000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class MinedPair:
    """A question with the text that answers it, out of a document, and texts of others that are near and don't."""

    query: str
    positive: str
    document: str
    source: PairSource
    negatives: tuple[str, ...] = ()
    negative_documents: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return the line of a file of pairs."""
        return {
            "query": self.query,
            "positive": self.positive,
            "negatives": list(self.negatives),
            "document": self.document,
            "negative_documents": list(self.negative_documents),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class MinedPairs:
    """The pairs, how many each source gave, and how many near texts were left out since they may be answers."""

    pairs: tuple[MinedPair, ...]
    sources: Mapping[str, int]
    doubtful: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A question before its negatives are known. `right` are all documents that answer it."""

    query: str
    document: str
    source: PairSource
    right: frozenset[str]
    label: str = ""


def mine_pairs(
    index: Index,
    mining: PairMining,
    judged: DataSet | None = None,
    *,
    left_out: Callable[[str], bool] = lambda document: False,
    tell: Callable[[int, int], None] | None = None,
) -> MinedPairs:
    """Mine an index; `left_out` tells of a document's id whether nothing of it may be shown, as answer or as negative.

    Raises UsageError where the index has no vectors or gives no pair.
    """
    encoder = index.encoder
    if encoder is None:
        raise UsageError(f"index '{index.name}' has no vectors to find negatives by; add them: searchctl vectorize")
    wanted = list(_wanted(index, mining, judged, left_out))
    if not wanted:
        raise UsageError(
            f"no pairs can be mined from '{index.name}': no document has a title of {_LEAST_TERMS} words above a text, none has a "
            "label; give judged queries with --judgements DATA"
        )
    pairs: list[MinedPair] = []
    doubtful = 0
    for start in range(0, len(wanted), _BATCH):
        for pair, doubts in _complete(index, encoder, wanted[start : start + _BATCH], mining, left_out):
            pairs.append(pair)
            doubtful += doubts
        if tell is not None:
            tell(min(start + _BATCH, len(wanted)), len(wanted))
    return MinedPairs(tuple(pairs), dict(Counter(pair.source for pair in pairs)), doubtful)


def _wanted(
    index: Index, mining: PairMining, judged: DataSet | None, left_out: Callable[[str], bool]
) -> Iterator[_Wanted]:
    if judged is not None:
        for query in judged.queries:
            right = frozenset(id for id, grade in query.grades.items() if grade > 0)
            for id in sorted(right, key=lambda id: (-query.grades[id], id)):
                if not left_out(id):
                    yield _Wanted(query.text, id, "judgement", right)
    if mining.titles or mining.labels:
        yield from _from_documents(index, mining, left_out)


def _from_documents(index: Index, mining: PairMining, left_out: Callable[[str], bool]) -> Iterator[_Wanted]:
    """Yield questions made of titles, and texts that have a label as questions for another text with it."""
    draw = random.Random(mining.seed)  # noqa: S311
    titled: list[_Wanted] = []
    by_label: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for batch in index.engine.scan(index.name):
        for entry in batch:
            document = entry.document
            if left_out(document.id):
                continue
            if mining.titles and _is_question(document):
                titled.append(_Wanted(document.title.strip(), document.id, "title", frozenset((document.id,))))
            label = next(iter(map(str, as_values(document.fields.get(LABEL, ())))), "")
            if mining.labels and label and document.text.strip():
                by_label[label].append((document.id, document.text))
    yield from draw.sample(titled, min(mining.limit, len(titled)))
    labelled = [
        _Wanted(
            text,
            draw.choice([other for other, _ in rows if other != id]),
            "label",
            frozenset(id for id, _ in rows),
            label,
        )
        for label, rows in sorted(by_label.items())
        if len(rows) > 1
        for id, text in rows
    ]
    yield from draw.sample(labelled, min(mining.limit, len(labelled)))


def _is_question(document: Document) -> bool:
    if is_own(document.id) or len(document.text.strip()) < _LEAST_CHARACTERS:
        return False
    return len({token.term for token in analyze(document.title)}) >= _LEAST_TERMS


def _complete(
    index: Index,
    encoder: Encoder,
    wanted: Sequence[_Wanted],
    mining: PairMining,
    left_out: Callable[[str], bool],
) -> Iterator[tuple[MinedPair, int]]:
    """Yield the pairs with their answers and negatives, and how many texts were too near to be negatives."""
    asked = [question.query for question in wanted]
    vectors = encoder.encode_queries(asked)
    lists = index.search_many(asked, _CANDIDATES, repair=False) if mining.negatives else [()] * len(asked)
    near = [[hit.id for hit in hits if not left_out(hit.id)] for hits in lists]
    ids = sorted({*(id for row in near for id in row), *(question.document for question in wanted)})
    entries = dict(zip(ids, index.engine.get(index.name, ids, vectors=True), strict=True))
    for question, vector, others in zip(wanted, vectors, near, strict=True):
        entry = entries.get(question.document)
        if entry is None or entry.vectors is None or not len(entry.vectors):
            continue
        positive, cosine = _answer(question, entry, vector, encoder)
        most = cosine - abs(cosine) * mining.margin
        negatives: list[tuple[str, str]] = []
        doubts = 0
        for id in others:
            other = entries.get(id)
            if id in question.right or other is None or other.vectors is None or not len(other.vectors):
                continue
            if _same_label(question, other.document):
                continue
            text, own = _nearest(other, vector)
            if own > most:
                doubts += 1
            elif text != positive and len(negatives) < mining.negatives:
                negatives.append((id, text))
        yield (
            MinedPair(
                question.query,
                positive,
                question.document,
                question.source,
                tuple(text for _, text in negatives),
                tuple(id for id, _ in negatives),
            ),
            doubts,
        )


def _answer(question: _Wanted, entry: Entry, vector: Vector, encoder: Encoder) -> tuple[str, float]:
    """Return the passage of the answer that is nearest, and its cosine; for a title the beginning without that title."""
    if question.source != "title":
        return _nearest(entry, vector)
    first = entry.passages[0]
    text = entry.document.text[first.start : first.end].strip() or entry.document.text.strip()
    return text, float(encoder.encode_documents([text])[0] @ vector)


def _nearest(entry: Entry, vector: Vector) -> tuple[str, float]:
    assert entry.vectors is not None
    cosines = entry.vectors @ vector
    place = int(np.argmax(cosines))
    return passage_texts(entry)[place], float(cosines[place])


def _same_label(question: _Wanted, document: Document) -> bool:
    return bool(question.label) and question.label in map(str, as_values(document.fields.get(LABEL, ())))
