"""What the HTTP API takes and gives, as types: requests are checked against them, and /openapi.json is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

MAX_QUERY = 10_000  # characters
MAX_NAME = 1_000  # characters of fields' names
MAX_HITS = 100  # hits of one page
MAX_FIRST = 10_000  # how deep paging goes
MAX_TEXTS = 1_000  # texts routed by one request

Query = Annotated[str, Meta(min_length=1, max_length=MAX_QUERY)]
Count = Annotated[int, Meta(ge=1, le=MAX_HITS)]
Start = Annotated[int, Meta(ge=0, lt=MAX_FIRST)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Label = Annotated[str, Meta(min_length=1, max_length=200)]
ModeName = Literal["hybrid", "lexical", "vector"]


class RequestBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all requests: a field that isn't known is an error, not a thing to pass over."""


class SearchRequest(RequestBody, frozen=True):
    """A search. `where` is a filter such as "lang=ru AND price>=10"; hits less relevant than `min_relevance` are left out.

    `facets` are fields to count by, as in "brand,lang:5,price:..10,10..50,50..". `sort` is an order by fields, as in
    "-updated,relevance", of all documents that are relevant enough; `group_by` is a field of which each value is shown once.
    """

    q: Query
    k: Count = 10
    start: Start = 0
    mode: ModeName = "hybrid"
    where: Annotated[str, Meta(max_length=MAX_QUERY)] | None = None
    min_relevance: Share = 0.0
    repair: bool = True
    sentences: bool = False
    facets: Annotated[str, Meta(max_length=MAX_QUERY)] | None = None
    sort: Annotated[str, Meta(max_length=MAX_NAME)] | None = None
    group_by: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)] | None = None


class SimilarRequest(RequestBody, frozen=True):
    """What a stored document (`id`) or a text is like; exactly one of the two is given."""

    id: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    text: Query | None = None
    k: Count = 10
    start: Start = 0
    where: Annotated[str, Meta(max_length=MAX_QUERY)] | None = None


class AnswerRequest(RequestBody, frozen=True):
    """A question whose answer stands in a sentence of the documents."""

    q: Query
    where: Annotated[str, Meta(max_length=MAX_QUERY)] | None = None
    others: Annotated[int, Meta(ge=0, le=20)] = 2


class SuggestRequest(RequestBody, frozen=True):
    """What was typed so far; a blank at its end says that the last word is whole."""

    q: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    k: Annotated[int, Meta(ge=1, le=50)] = 8


class DocumentBody(Struct, frozen=True):
    """A document to store: `text` or `title`, and any other keys as fields."""

    text: str = ""
    title: str = ""


class PredictRequest(RequestBody, frozen=True):
    """Texts to route. With `target_precision`, labels that are less sure are withheld."""

    texts: Annotated[list[Query], Meta(min_length=1, max_length=MAX_TEXTS)]
    target_precision: Annotated[float, Meta(gt=0.0, lt=1.0)] | None = None


class ExamplesRequest(RequestBody, frozen=True):
    """Example texts of one label, effective at once."""

    label: Label
    texts: Annotated[list[Query], Meta(min_length=1, max_length=MAX_TEXTS)]


class RemoveExamplesRequest(RequestBody, frozen=True):
    """Example texts to remove, or a label with all of its examples."""

    label: Label | None = None
    texts: Annotated[list[Query], Meta(max_length=MAX_TEXTS)] = []


class IndexSummary(Struct, frozen=True):
    """One index that the caller may read."""

    name: str
    documents: int
    passages: int
    encoder: str | None
    fields: dict[str, str]
    writable: bool


class IndexesBody(Struct, frozen=True):
    """The indexes that the caller may read."""

    indexes: list[IndexSummary]


class PlaceBody(Struct, frozen=True):
    """Code points `start` to `end` (exclusive) of the document's text."""

    start: int
    end: int


class SentenceBody(Struct, frozen=True):
    """A sentence and its place in the document's text."""

    text: str
    start: int
    end: int


class PassageBody(Struct, frozen=True):
    """The best passage of a hit, where the query's words stand, and the sentence that says most."""

    text: str
    start: int
    end: int
    marks: list[PlaceBody]
    sentence: SentenceBody | None


class LegScoreBody(Struct, frozen=True):
    """What one leg thought of a hit; `rank` and `raw` are null where it didn't find it."""

    rank: int | None
    raw: float | None
    normalised: float
    weight: float


class TotalBody(Struct, frozen=True):
    """How many documents match: exactly ("eq") or at least ("gte") that many."""

    value: int
    relation: Literal["eq", "gte"]
    counts: ModeName | None


class GroupBody(Struct, frozen=True):
    """The documents with the same value of a field, of which one is shown."""

    field: str
    value: Any
    total: TotalBody


class HitBody(Struct, frozen=True):
    """A document that was found, with its `index` where several were asked.

    `relevance` in [0, 1] can be compared between queries, `score` only within one.
    """

    id: str
    score: float
    relevance: float
    title: str
    passage: PassageBody | None
    fields: dict[str, Any]
    group: GroupBody | None
    legs: dict[str, LegScoreBody]
    index: str | None = None


class LegStateBody(Struct, frozen=True):
    """Whether a leg ran, and why it gave nothing."""

    ran: bool
    reason: str | None
    took_ms: float


class RepairBody(Struct, frozen=True):
    """How the query was read instead, when no word of it is in the index."""

    query: str
    kind: str


class FacetValueBody(Struct, frozen=True):
    """A value of a facet, or a range with the bounds `gte` and `lt`, and how many documents have it."""

    value: Any
    range: dict[str, Any] | None
    count: int


class FacetBody(Struct, frozen=True):
    """How many of `documents` have each value of a field; `error` is how many a count may lack.

    `counts` is "lexical" for the documents with words of the query, and "scope" for all that the filter allows.
    """

    field: str
    values: list[FacetValueBody]
    missing: int
    documents: int
    more: bool
    error: int
    counts: Literal["lexical", "scope"]


class SearchAnswer(Struct, frozen=True):
    """Hits, best first. `answered` is false when even the best one is unlikely to be relevant."""

    query: str
    mode: ModeName
    legs: dict[str, LegStateBody]
    total: TotalBody
    groups: TotalBody | None
    answered: bool
    best_relevance: float
    repaired: RepairBody | None
    unmet: list[str]
    synonyms: list[str]
    remarks: list[str]
    facets: list[FacetBody]
    hits: list[HitBody]


class SuggestionBody(Struct, frozen=True):
    """A title (`id` is its document's), or a frequent phrase or term; `repair` is the typing error that was corrected for it.

    `index` is where it comes from, where several were asked.
    """

    text: str
    kind: Literal["title", "phrase", "term"]
    id: str | None
    repair: str | None
    index: str | None = None


class SuggestionsBody(Struct, frozen=True):
    """What may have been meant, best first; `ready` is false while suggestions are gathered for the first time."""

    typed: str
    ready: bool
    suggestions: list[SuggestionBody]


class TopicBody(Struct, frozen=True):
    """A topic with its name, telling terms, and how many documents it has."""

    id: int
    name: str
    terms: list[str]
    size: int


class PlacedDocument(Struct, frozen=True):
    """A document on the map: how it begins, its place, and its topic (-1 for none)."""

    id: str
    text: str
    x: float
    y: float
    topic: int


class TopicsBody(Struct, frozen=True):
    """The topics of an index and its documents on a map; `ready` is false while the map is being drawn."""

    ready: bool
    topics: list[TopicBody]
    documents: list[PlacedDocument]


class AnswerSentence(Struct, frozen=True):
    """A sentence of the document `id`, and its place in that document's text."""

    id: str
    title: str
    sentence: str
    start: int
    end: int
    relevance: float
    score: float


class AnswerBody(Struct, frozen=True):
    """The sentence that answers, or null; `others` are the next best."""

    question: str
    answered: bool
    best: AnswerSentence | None
    others: list[AnswerSentence]


class StoredDocument(Struct, frozen=True):
    """A document as it is stored."""

    id: str
    title: str
    text: str
    fields: dict[str, Any]


class FailureBody(Struct, frozen=True):
    """A line of a bulk request that wasn't stored, counted from 1."""

    line: int
    id: str | None
    reason: str


class WriteReport(Struct, frozen=True):
    """What a write came to."""

    written: int
    unchanged: int
    failed: list[FailureBody]


class DeleteReport(Struct, frozen=True):
    """How many documents were deleted."""

    deleted: int


class NeighbourBody(Struct, frozen=True):
    """An example that speaks for a label, and its cosine with the text."""

    text: str
    labels: list[str]
    similarity: float


class RoutedText(Struct, frozen=True):
    """The label of a text, or null where none is sure enough; `top` is the nearest label all the same."""

    label: str | None
    top: str | None
    confidence: float
    why: str
    neighbours: list[NeighbourBody]


class RoutesBody(Struct, frozen=True):
    """One entry a text, in the order of the request."""

    routes: list[RoutedText]


class LabelSummary(Struct, frozen=True):
    """A label, its number of examples and its description."""

    label: str
    examples: int
    description: str


class LabelsBody(Struct, frozen=True):
    """All labels by name."""

    labels: list[LabelSummary]


class ChangedBody(Struct, frozen=True):
    """How many examples changed, or what was undone."""

    changed: int = 0
    undone: str | None = None


class HealthBody(Struct, frozen=True):
    """Whether the service can answer."""

    status: Literal["ok", "failing"]
    engine: str
    version: str


class ProblemBody(Struct, frozen=True, omit_defaults=True):
    """An error, as RFC 9457 has it (application/problem+json)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""


def encode(value: Any) -> bytes:
    """Return the value as JSON."""
    return msgspec.json.encode(value)
