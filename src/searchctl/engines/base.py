"""What an engine must do, and what some engines can do beyond that.

`Engine` is what searching and loading need. `Catalogue` handles the names of indexes and aliases. `FullEngine` is both: what
`open_engine` returns. The other protocols are optional: ask `isinstance(engine, NativeHybrid)`, never which engine it is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable

from searchctl.errors import UsageError
from searchctl.schema import Bm25Settings, EncoderStamp, Schema
from searchctl.translation import _
from searchctl.types import (
    Entry,
    Facet,
    FacetCounts,
    IndexInfo,
    Json,
    LexicalQuery,
    Ranking,
    Rejection,
    Scope,
    TermStatistics,
    Vector,
    VectorQuery,
)

Technique: TypeAlias = Literal["weighted", "rrf"]
TECHNIQUES: tuple[Technique, ...] = get_args(Technique)
NATIVE: Mapping[str, Technique] = {"native": "weighted", "native-rrf": "rrf"}  # names of these among ways to search
Level: TypeAlias = Literal["ok", "warning", "error"]


class Engine(Protocol):
    """One place where indexes live.

    `index` is an index's name or an alias. Every method with one raises IndexMissing when there is no such index, and
    IndexFormatError when it isn't searchctl's. Scores for `VectorQuery` are cosines in [-1, 1] on every engine.
    """

    @property
    def url(self) -> str:
        """The engine's address or folder, as the user would type it, without secrets."""

    @property
    def name(self) -> str:
        """Kind and version: "embedded", "opensearch-2.19.1", ..."""

    def schema(self, index: str) -> Schema:
        """Return the index's stamp: its encoder, analyzer, fields and settings."""

    def update_schema(self, index: str, schema: Schema, *, since: Schema | None = None) -> None:
        """Replace the stamp, or with `since`, the stamp it was made of, change what is different in it.

        So what another process has changed meanwhile is kept. Fields may be added; retyped only by
        engines that are `Retyping`.
        """

    def writing(self, index: str) -> AbstractContextManager[None]:
        """Hold the right to write for many calls, as a bulk load needs. At the end everything written is searchable.

        Raises IndexLocked while another process of this machine holds it.
        """

    def write(self, index: str, entries: Sequence[Entry]) -> list[Rejection]:
        """Insert or replace whole documents, durably. Return those that the engine refuses for good.

        The next `search` on this engine finds them, unless `writing` is held: then they are searchable when it ends.
        """

    def delete(self, index: str, ids: Sequence[str]) -> int:
        """Delete documents. Return how many of them there were."""

    def get(
        self,
        index: str,
        ids: Sequence[str],
        *,
        vectors: bool = False,
        content: bool = True,
        fields: Sequence[str] | None = None,
    ) -> list[Entry | None]:
        """Return entries in the order of `ids`, None for a missing one.

        Without `content` an entry has its id and its fingerprint only, which is quicker: see `fingerprints`. With `fields` it
        has its id and these of its fields.
        """

    def scan(self, index: str, *, batch: int = 500, vectors: bool = False) -> Iterator[list[Entry]]:
        """Yield every entry once, in a stable order, at most `batch` at a time."""

    def count(self, index: str, scope: Scope | None = None) -> int:
        """Count the documents, all that are stored or those in `scope`."""

    def search(self, index: str, queries: Sequence[LexicalQuery | VectorQuery]) -> list[Ranking]:
        """Answer all queries in one round trip, in their order.

        The ranking of a `LexicalQuery` has `statistics` of the words in its text. With `k` = 0 it has nothing else. Only where the
        query has synonyms are there none: their weights come from statistics, so these are known before.
        """

    def close(self) -> None:
        """Release files and connections."""


class Catalogue(Protocol):
    """The indexes of an engine and the names that lead to them."""

    def create(self, index: str, schema: Schema) -> None:
        """Make an empty index. Raises IndexExists."""

    def drop(self, index: str) -> None:
        """Delete the index. A missing one is no error."""

    def resolve(self, index: str) -> str:
        """Return the name of the index that a name or alias leads to (see `IndexInfo.name`). Raises IndexMissing."""

    def info(self, index: str) -> IndexInfo:
        """Return counts and size of one index. Raises IndexMissing."""

    def indexes(self) -> list[IndexInfo]:
        """Return every index that searchctl made here, by name."""

    def alias(self, alias: str, index: str, *, keep: str | None = None) -> str | None:
        """Point `alias` at `index` in one step. Return the name of the index it pointed at before.

        Where `alias` is an index's own name, that index is called `keep` from then on, which is returned. No reader finds the
        name missing meanwhile. Without `keep` this raises IndexExists.
        """


class FullEngine(Engine, Catalogue, Protocol):
    """An engine with its catalogue."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was examined. `fix` says what to do unless `level` is "ok"."""

    level: Level
    subject: str
    message: str
    fix: str = ""


@runtime_checkable
class Revisions(Protocol):
    """Tells cheaply whether an index has changed, so that answers may be kept."""

    def revision(self, index: str) -> Hashable:
        """Return a value that differs after every change that may change an answer, whoever made it."""

    def mark(self, index: str) -> str:
        """Return a text that differs after every change of the documents, the same in all processes and at all times."""


@runtime_checkable
class Faceting(Protocol):
    """Counts documents by the values of their fields."""

    def facets(self, index: str, query: LexicalQuery, facets: Sequence[Facet]) -> list[FacetCounts]:
        """Count all documents that the lexical leg finds for `query`, whatever its `k`; without words or synonyms its whole scope.

        The bounds of ranges are in the form of `filters.typed`. Facets are of keyword, number, date and boolean fields.
        """


@runtime_checkable
class Retyping(Protocol):
    """Lets `update_schema` change the type of a field, which then holds for the documents that are written from then on."""

    retypes: bool


@runtime_checkable
class Diagnostics(Protocol):
    """Knows of states beyond whether it answers: licence, health, blocks."""

    def diagnose_server(self) -> Finding:
        """Examine the server itself."""

    def diagnose_index(self, index: str) -> Iterator[Finding]:
        """Examine health and settings of an index."""


@runtime_checkable
class Deferring(Protocol):
    """Knows which documents were stored before their vectors, and answers by words meanwhile."""

    def waiting(self, index: str) -> int:
        """Count the documents that wait for their vectors."""


@runtime_checkable
class Upkeep(Protocol):
    """Keeps files of its own, which can be checked and made smaller."""

    def check_files(self, index: str) -> Iterator[Finding]:
        """Read all of an index's files. What is derived and damaged is made anew."""

    def compact(self, index: str) -> None:
        """Give back the space of what was removed. Raises IndexLocked, StorageError."""


@runtime_checkable
class AdjustableBm25(Protocol):
    """Lets BM25's k1 and b be changed."""

    def change_bm25(self, index: str, bm25: Bm25Settings | None) -> None:
        """Change k1 and b; None means the usual ones. The index may answer nothing for a moment."""


@runtime_checkable
class NativeHybrid(Protocol):
    """Has a hybrid query of its own, to compare with searchctl's fusion."""

    def techniques(self) -> tuple[Technique, ...]:
        """Return the ways in which the server joins both legs; none where it lacks a plugin or is too old."""

    def native_ranking(self, index: str, match: LexicalQuery, nearest: VectorQuery, technique: Technique) -> Ranking:
        """Return the first `match.k` documents as the server itself joins both legs. The scores are the server's."""

    def install_pipeline(self, name: str, technique: Technique, *, lexical: float = 0.5) -> Json:
        """Write a search pipeline in which the lexical leg has weight `lexical` in [0, 1]. Return its definition."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read of each document that others wrote.

    `text` fields and a `title` field: None or none for the usual ones, "" for no title. `changed_by` names a field that grows with
    every change, by which later passes look at changed documents only. `match` and `body` are as in `Layout`.
    """

    title: str | None = None
    text: tuple[str, ...] = ()
    changed_by: str | None = None
    match: tuple[str, ...] = ()
    body: str = ""


class ForeignSource(Protocol):
    """The documents that others wrote behind one name, and where their vectors are kept."""

    @property
    def schema(self) -> Schema:
        """The stamp of the vectors, with the layout of the documents."""

    @property
    def home(self) -> str:
        """The index that holds the vectors."""

    @property
    def is_begun(self) -> bool:
        """Whether there are vectors already, of the same encoder."""

    @property
    def needs_version(self) -> bool:
        """Whether there are vectors of another encoder, so that a version beside them has to be filled first."""

    def use_version(self, home: str) -> None:
        """Keep the vectors in this version of the companion index."""

    def check(self) -> Iterator[Finding]:
        """Name everything that could do harm or give less than expected, before anything is written."""

    def prepare(self) -> None:
        """Make the place for the vectors. Doing it again changes nothing."""

    def count(self) -> int:
        """Count the documents that the name shows."""

    def outdated(
        self, size: int, *, since: object = None, pause: float = 0.0, note: bool = True
    ) -> Iterator[tuple[int, list[Entry]]]:
        """Yield, for `size` documents at a time, how many were looked at and those without vectors of their text.

        `since` is a value of `newest`. `pause` is the longest time in seconds between two batches. Without `note` nothing is
        written: otherwise versions of documents that changed in other fields are noted.
        """

    def among(self, index: str, ids: Sequence[str]) -> list[Entry]:
        """Return the documents among `ids` of one index behind the name whose vectors are missing or of another text.

        They are read by their ids, so that they needn't be searchable yet; one that isn't found is left out.
        """

    def write(self, entries: Sequence[Entry]) -> list[Rejection]:
        """Store passages and vectors of documents. Return those that were refused."""

    def show(self) -> None:
        """Make the vectors that were written searchable now."""

    def sweep(self) -> int:
        """Delete the vectors of documents that are gone. Return how many."""

    def newest(self) -> object:
        """Return the highest value of `Reading.changed_by`; None where there is none."""

    def remove(self) -> int:
        """Take away all that was added. Return how many documents had vectors."""


@runtime_checkable
class ForeignIndexes(Protocol):
    """Gives vectors to indexes that others made and feed."""

    def foreign_source(self, name: str, stamp: EncoderStamp, reading: Reading, *, in_place: bool) -> ForeignSource:
        """Return the documents behind a name. Raises IndexMissing, UsageError where they can't be read."""

    def vectors_of(self, name: str) -> str | None:
        """Return the companion index that holds the vectors of a name's documents; None where there is none."""

    def companions_of(self, index: str) -> dict[str, EncoderStamp]:
        """Return the encoders whose vectors lie beside an index, by the name they were made under: its own, or an alias of it."""


def native_hybrid(engine: Engine, technique: Technique) -> NativeHybrid:
    """Return the engine if it can join the legs in this way itself. Raises UsageError."""
    offered = engine.techniques() if isinstance(engine, NativeHybrid) else ()
    if not isinstance(engine, NativeHybrid) or not offered:
        raise UsageError(
            _(
                "{name} has no hybrid query of its own; that takes OpenSearch 2.10 or later with neural-search, "
                "and searchctl's own fusion needs nothing"
            ).format(name=engine.name)
        )
    if technique not in offered:
        raise UsageError(
            _("{name} is too old for the native fusion '{technique}'; it has: {offered}").format(
                name=engine.name, technique=technique, offered=", ".join(offered)
            )
        )
    return engine


def technique_of(fusion: str) -> Technique:
    """Return what the name of a native fusion asks of the server. Raises UsageError."""
    if fusion not in NATIVE:
        raise UsageError(
            _("no fusion '{fusion}' by name; give FusionSettings('{fusion}'), or one of: {NATIVE}").format(
                fusion=fusion, NATIVE=", ".join(NATIVE)
            )
        )
    return NATIVE[fusion]


def fingerprints(engine: Engine, index: str, ids: Sequence[str]) -> list[str | None]:
    """Return the stored `Entry.fingerprint` of each id, None for a missing document."""
    return [None if entry is None else entry.fingerprint for entry in engine.get(index, ids, content=False)]


def term_statistics(engine: Engine, index: str, text: str) -> TermStatistics:
    """Analyse a text as the lexical leg does. Return how common its terms are."""
    (ranking,) = engine.search(index, [LexicalQuery(text, 0)])
    assert ranking.statistics is not None
    return ranking.statistics


class VectorLeg(Protocol):
    """The vector leg of a server's indexes as JSON, for whoever speaks to the server without an engine."""

    @property
    def covered(self) -> Json:
        """The query of the documents that have vectors of their present text."""

    def nearest(self, schema: Schema, vector: Vector, k: int, filters: Sequence[Json]) -> Json:
        """Return a search body: the `k` documents nearest to a vector (dim,) among those for which the filters hold."""

    def ranking(self, answer: Json, k: int) -> Ranking:
        """Return the answer to `nearest`, its scores as cosines."""

    def companions(self, name: str, indexes: Sequence[str]) -> tuple[str, list[str]]:
        """Return where the vectors of a name's documents may lie: for the name as a whole, or for each of its indexes."""

    def is_companion(self, index: str) -> bool:
        """Tell whether an index holds nothing but the vectors of another one's documents."""

    def nearest_beside(self, vector: Vector, k: int, ids: Sequence[str] | None, *, passages: bool) -> Json:
        """Return a search of a companion: the `k` documents nearest to a vector (dim,), of these ids only unless None."""

    def beside_hits(self, answer: Json) -> list[Json]:
        """Return the hits of such a search under the index and the id of the documents they stand for, with their `mark`."""

    def is_version(self, mark: str, version: int) -> bool:
        """Tell whether a document in this version is the one that was encoded; otherwise its text has to be looked at."""

    def is_text(self, schema: Schema, mark: str, hit: Json) -> bool:
        """Tell whether a hit with its `texts` says what was encoded."""

    def texts(self, schema: Schema) -> list[str]:
        """Return the fields of an owner's document that were encoded."""

    def added(self, schema: Schema) -> tuple[str, ...]:
        """Return the names of the fields at the top of a document that the index's owner knows nothing of."""
