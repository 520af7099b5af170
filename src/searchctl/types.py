"""The values that cross borders: documents, queries, rankings and hits. Frozen, and free of heavy imports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from searchctl.tables import data_frame, html_table

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[np.float32]"  # (dim,)
Vectors: TypeAlias = "NDArray[np.float32]"  # (n, dim), rows of length 1
Scalar: TypeAlias = "str | int | float | bool"
Value: TypeAlias = "Scalar | Sequence[Scalar]"
Mode: TypeAlias = Literal["hybrid", "lexical", "vector"]
FacetScope: TypeAlias = Literal["lexical", "scope"]
Relation: TypeAlias = Literal["eq", "gte"]
DuplicateReason: TypeAlias = Literal["exact", "near", "semantic"]  # from the closest likeness to the loosest
SuggestionKind: TypeAlias = Literal["title", "phrase", "term"]
RepairKind: TypeAlias = Literal["keyboard layout", "transliteration", "spelling"]
MODES: tuple[Mode, ...] = ("hybrid", "lexical", "vector")


@dataclass(frozen=True, slots=True)
class Document:
    """What a user stores: a text, perhaps a title, and typed fields to filter by."""

    id: str
    text: str = ""
    title: str = ""
    fields: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document's text: code points `start` to `end` (exclusive)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as an engine stores it.

    `vectors` has shape (len(passages), dim), rows of length 1, or is None while they're deferred or weren't asked for. There
    are no passages either while vectors are deferred, since it's the encoder that counts how much fits in one.
    `fingerprint` changes when the document's content or the way it's cut changes; `source` names where it came from.
    """

    document: Document
    passages: tuple[Passage, ...] = ()
    vectors: Vectors | None = None
    fingerprint: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A document the engine refused for good, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the field's values equals one of these; without any, no document does."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """The field has each of these values."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """One of the field's values lies between the bounds that are given.

    Dates are ISO 8601 strings. A bound that names a day, a month or a year means all of it: `lte="2026-01-31"` includes that day.
    """

    gte: Scalar | None = None
    gt: Scalar | None = None
    lte: Scalar | None = None
    lt: Scalar | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has any value."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """One of the field's values begins with this text, in the same letter case."""

    text: str


Condition: TypeAlias = "OneOf | AllOf | Range | Exists | Prefix"


@dataclass(frozen=True, slots=True)
class Clause:
    """The condition holds for the field; `id` and `title` are the document's own."""

    field: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part doesn't hold; so `Not(Clause("lang", OneOf(("ru",))))` includes documents that have no `lang`."""

    part: Filter


Filter: TypeAlias = "Clause | And | Or | Not"
Where: TypeAlias = "Filter | str | Mapping[str, Condition | Scalar | Sequence[Scalar]]"


@dataclass(frozen=True, slots=True)
class Scope:
    """The documents that a leg may return: the filter holds, every phrase in `required` occurs, none of `excluded`.

    A phrase of one word is a word. Phrases are analysed like the text they're looked for in.
    """

    filter: Filter | None = None
    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.filter or self.required or self.excluded)


@dataclass(frozen=True, slots=True)
class Variant:
    """Words that stand for a part of a query: their BM25 counts `weight` times. Of a `phrase` the words have to stand together."""

    text: str
    weight: float
    phrase: bool


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """A question for the lexical leg: the `k` best documents by BM25.

    To the score of `text`'s words each group of `synonyms` adds that of its best variant.
    """

    text: str
    k: int = 10
    scope: Scope = field(default_factory=Scope)
    synonyms: tuple[tuple[Variant, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """A question for the vector leg: the `k` documents whose best passage has the highest cosine with `vector` (dim,)."""

    vector: Vector
    k: int = 10
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True, slots=True)
class Total:
    """How many documents match: exactly `value` ("eq") or at least that ("gte").

    `counts` says which leg's documents these are, or with "hybrid" that they are both legs'; None is the leg's that gives it.
    """

    value: int
    relation: Relation = "eq"
    counts: Mode | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """How many documents have each value of a field: the `n` most frequent values, or those within each of `ranges`.

    Ranges may overlap; a document with several values counts once in each that holds one of them. `automatic` ranges of numbers and
    dates are chosen so that they suit the values; a field of a few values is counted by these.
    """

    field: str
    n: int = 10
    ranges: tuple[Range, ...] = ()
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet, or a range of them, and how many documents have it. Dates are ISO 8601 in UTC."""

    value: Scalar | Range
    count: int


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """How many of `documents` have each value of `field`: the most frequent first, ties by value; ranges as they were asked for.

    `missing` documents have no value. `more` tells whether there are further values. `error` is how many documents a count may
    lack, and a value that isn't there may have: 0 unless a server with several shards can't tell exactly. `counts` says which
    documents these are: those with words of the query ("lexical"), or all that the filter and the signs of the query allow ("scope").
    """

    field: str
    values: tuple[FacetValue, ...]
    missing: int
    documents: int
    more: bool = False
    error: int = 0
    counts: FacetScope = "lexical"


@dataclass(frozen=True, slots=True)
class Gap:
    """What of an index a leg couldn't look at, and why, as the end of a sentence. `whole`: it couldn't look at anything."""

    reason: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """One leg's answer, best first, ties by id.

    `scores` (n,) are BM25 for `LexicalQuery` and cosine in [-1, 1] for `VectorQuery`; `passages[i]` is the ordinal of the best passage
    of document i, or -1 where the leg knows none. `took_ms` is the engine's own time. `statistics` are those of a lexical
    query's words. `gap` is None where the leg has looked at the whole index.
    """

    ids: tuple[str, ...]
    scores: NDArray[np.float64]
    passages: tuple[int, ...]
    total: Total
    took_ms: float = 0.0
    statistics: TermStatistics | None = None
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """How common a query's analysed terms are: documents that hold each term, out of `documents`.

    `deleted` of these are counted only until the engine has tidied up.
    """

    documents: int
    frequencies: Mapping[str, int]
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index holds. `size` is in bytes; `aliases` are other names it answers to.

    `folder` is where this machine keeps what belongs to the index: the index itself, or for one on a server locks and journals.
    """

    name: str
    documents: int
    passages: int
    size: int
    folder: Path
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LegScore:
    """What one leg thought of a hit.

    Rank from 1 and raw score (None where it didn't return the document), the score normalised to [0, 1], and the weight
    with which that counts.
    """

    rank: int | None
    raw: float | None
    normalised: float
    weight: float


@dataclass(frozen=True, slots=True)
class LegReport:
    """Whether a leg ran, why not, and how long it took."""

    ran: bool
    reason: str | None = None
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class HitPassage:
    """The best passage of a hit, where it stands in the document, and the spans of its text that answer the query's words.

    `sentence` is the span of the sentence in it that answers best; None where nothing tells (see `Request.sentences`).
    `section` is the heading above it, on `line` of the source; `page` is that of a PDF or the number of a slide. Both are
    from 1, and None where the document's format has none.
    """

    text: str
    start: int
    end: int
    marks: tuple[tuple[int, int], ...] = ()
    sentence: tuple[int, int] | None = None
    section: str = ""
    line: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The documents of an answer that have the same value of a field, of which one is shown, and how many they are."""

    field: str
    value: Scalar
    total: Total


@dataclass(frozen=True, slots=True, repr=False)
class Hit:
    """One document of an answer. `score` orders the hits; `relevance` in [0, 1] is how likely it answers the query.

    `group` is None where hits aren't grouped, and for a document without a value, which stands for itself. `index` is the name
    of the document's index where several were asked, otherwise empty.
    """

    id: str
    score: float
    relevance: float
    title: str
    passage: HitPassage | None
    fields: Mapping[str, Value]
    legs: Mapping[str, LegScore]
    document: Document
    group: Group | None = None
    index: str = ""

    def __repr__(self) -> str:
        return f"<Hit {self.id!r}: {self.title[:60]!r}, relevance {self.relevance:.2f}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the hit as a flat row: its own values and its fields, of which one with such a name comes as `fields.NAME`."""
        passage = self.passage
        own: dict[str, Any] = {
            "id": self.id,
            "score": self.score,
            "relevance": self.relevance,
            "title": self.title,
            "passage": passage.text if passage is not None else None,
            "sentence": passage.text[slice(*passage.sentence)] if passage is not None and passage.sentence else None,
        }
        if self.index:
            own["index"] = self.index
        if self.group is not None:
            own |= {"group": self.group.value, "group_size": self.group.total.value}
        return own | {f"fields.{name}" if name in own else name: value for name, value in self.fields.items()}


@dataclass(frozen=True, slots=True)
class Repair:
    """Another way to read a query, and what would have gone wrong in typing it."""

    query: str
    kind: RepairKind


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the beginning of a query may become: a title (`id` is its document's), or a frequent phrase or term of the index.

    `repair` says which typing error was corrected for that, if any. `index` is the name of the index that it comes from where
    several were asked, otherwise empty.
    """

    text: str
    kind: SuggestionKind
    id: str | None = None
    repair: RepairKind | None = None
    index: str = ""


@dataclass(frozen=True, slots=True)
class Suggestions(Sequence["Suggestion"]):
    """Suggestions for what was `typed`, best first. `ready` is False while they are being gathered for the first time."""

    typed: str
    suggestions: tuple[Suggestion, ...]
    ready: bool = True

    def __len__(self) -> int:
        return len(self.suggestions)

    @overload
    def __getitem__(self, index: int) -> Suggestion: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Suggestion, ...]: ...
    def __getitem__(self, index: int | slice) -> Suggestion | tuple[Suggestion, ...]:
        return self.suggestions[index]


@dataclass(frozen=True, slots=True, repr=False)
class Results(Sequence["Hit"]):
    """The answer to one query: its hits, and an honest account of how they were found.

    `best_relevance` is the highest of all pages' hits, `answered` whether that is enough to speak of an answer. `repaired`
    is what was looked for in place of a `query` with words that the index doesn't hold; `unmet` are its quoted phrases where no
    document has them all, so that their words were looked for singly; `synonyms` is what stands for its words by the index's rules.
    Each hit has what is `required` and nothing that is `excluded`; signs before `ignored` words this index can't honour. `remarks` tell
    what means nothing in a query, and `filtered_out` which filter left an empty answer. `facets` are in the order asked for.
    `total` counts documents, `groups` the groups that they make; it is None where nothing was grouped.
    """

    query: str
    mode: Mode
    legs: Mapping[str, LegReport]
    total: Total
    hits: tuple[Hit, ...]
    best_relevance: float
    answered: bool
    repaired: Repair | None = None
    unmet: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    filtered_out: str | None = None
    facets: tuple[FacetCounts, ...] = ()
    groups: Total | None = None

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]

    def __repr__(self) -> str:
        least = "at least " if self.total.relation == "gte" else ""
        best = f", best relevance {self.best_relevance:.2f}" if self.hits else ""
        return f"<Results of {self.query!r}: {len(self.hits)} hits of {least}{self.total.value:,}{best}>"

    def _repr_html_(self) -> str:
        caption = repr(self).strip("<>") + ("" if self.answered else "; no good answer")
        return html_table(caption, self.to_dicts(), ["id", "title", "relevance", "passage"])

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return a flat row for each hit (see `Hit.to_dict`)."""
        return [hit.to_dict() for hit in self.hits]

    def to_pandas(self) -> Any:
        """Return these rows as a DataFrame; raises MissingExtra."""
        return data_frame(self.to_dicts())


Json: TypeAlias = "dict[str, Any]"
