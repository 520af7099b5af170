"""The stamp every index carries: which encoder made its vectors, how texts were cut and analysed, and the types of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from operator import mul
from typing import Any, Literal, TypeAlias, cast, get_args

from searchctl.conformity import check_types
from searchctl.errors import IndexFormatError, UsageError
from searchctl.translation import _
from searchctl.types import Json, Vector

FieldType: TypeAlias = Literal["keyword", "number", "date", "boolean", "text"]
Analyzer: TypeAlias = Literal["auto", "en", "ru", "standard", "auto-1", "en-1", "ru-1", "standard-1"]
Method: TypeAlias = Literal["weighted", "rrf", "distribution"]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)
ANALYZERS: tuple[Analyzer, ...] = get_args(Analyzer)[:4]  # to choose from; the others are theirs as they were at first
METHODS: tuple[Method, ...] = get_args(Method)
STAMP_FORMAT = 2  # 1 where the encoder has no weights of the index: what earlier versions know is written as they do
ANALYSIS = 2  # of how words are compared: see text/analysis.py
_FIRST = "-1"
MOST_BOOST = 10
_LARGEST_DIM = 65_536
_CALIBRATIONS = (0, 4, 5, 6)  # how many numbers a `relevance.Calibration` has


def is_first_analysis(analyzer: Analyzer) -> bool:
    """Tell whether words are compared as at first: with their accents, and in an index without stop words."""
    return analyzer.endswith(_FIRST)


@dataclass(frozen=True, slots=True)
class WordShares:
    """How frequent an index's most frequent words are: the share in (0, 1] of each of `words`, most frequent first."""

    words: tuple[str, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.words) != len(self.shares):
            raise ValueError(f"{len(self.words)} words have {len(self.shares)} shares")


@dataclass(frozen=True, slots=True)
class EncoderStamp:
    """Identity of an encoder: `revision` is a hash of its files, so equal stamps give equal vectors.

    `weights` are for an encoder that weighs words by the index (see encoders/weighting.py); None for all others.
    """

    name: str
    revision: str
    dim: int
    weights: WordShares | None = None


@dataclass(frozen=True, slots=True)
class PassageSettings:
    """How long text is cut: at most `size` tokens of the encoder a passage, about `overlap` of them shared with the one before."""

    size: int = 256
    overlap: int = 32

    def resized(self, size: int) -> PassageSettings:
        """Return passages of this size, which share as much as these, but an eighth at most."""
        return PassageSettings(size, min(self.overlap, size // 8))

    @classmethod
    def usual(cls, max_tokens: int) -> PassageSettings:
        """Return what passages are unless told otherwise: such that an encoder which reads `max_tokens` reads them whole."""
        return cls().resized(min(cls().size, max_tokens))


@dataclass(frozen=True, slots=True)
class Background:
    """Cosines of unrelated texts in this index: what "nothing in common" looks like.

    `mean` and `std` describe such pairs, `centre` (dim,) is the mean of the passages' vectors, not of length 1, and
    `passages` is how many were measured. `axis` (dim,), of length 1, is the direction from the centre of the texts in Latin
    letters to the centre of those in Cyrillic; empty where the index hasn't both. `cyrillic` is the share of passages in
    Cyrillic, None where it wasn't measured.
    """

    mean: float
    std: float
    centre: tuple[float, ...] = ()
    passages: int = 0
    axis: tuple[float, ...] = ()
    cyrillic: float | None = None

    def around(self, vector: Vector) -> Background:
        """Return the background of one query: its mean is what the query's vector has with the centre."""
        if len(self.centre) != len(vector):
            return self
        return replace(self, mean=sum(map(mul, self.centre, vector.tolist())))


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """How legs are joined: by `method`, the legs counting as `lexical` to `vector`.

    "weighted" sums scores scaled against fixed references; "distribution" sums scores scaled between 3 standard
    deviations below and above each leg's mean; "rrf" sums 1 / (60 + rank).
    """

    method: Method = "weighted"
    lexical: float = 0.5
    vector: float = 0.5

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(
                _("no fusion '{method}'; choose one of: {METHODS}").format(
                    method=self.method, METHODS=", ".join(METHODS)
                )
            )
        if not (self.lexical >= 0 and self.vector >= 0 and 0 < self.lexical + self.vector < float("inf")):
            raise UsageError(
                _(
                    "fusion weights {lexical} and {vector} can't be used; give two numbers, not negative, not both zero"
                ).format(lexical=self.lexical, vector=self.vector)
            )


@dataclass(frozen=True, slots=True)
class Bm25Settings:
    """BM25's parameters: how soon a word's repetitions fade, and how much longer texts are held back. Servers only."""

    k1: float = 1.2
    b: float = 0.75

    def __post_init__(self) -> None:
        if not (0.0 <= self.k1 <= 10.0 and 0.0 <= self.b <= 1.0):
            raise UsageError(
                _("BM25 can't have k1 {k1} and b {b}; give k1 from 0 to 10 and b from 0 to 1").format(
                    k1=self.k1, b=self.b
                )
            )


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a version of an index came from: `made_from` tells what filled it, so that the same command can go on.

    `previous` is the version it replaced behind the alias, which a rollback returns to; empty until it did. `unsettled` until
    what others wrote to that one in its last moments has been brought over.
    """

    made_from: str
    previous: str = ""
    unsettled: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where documents that others write keep their title and text: names of fields, dots for what lies deeper.

    `beside` is the name by which their index is asked, where the vectors lie in a companion index beside it; empty where they lie
    in the documents themselves. `match` are the fields that the lexical leg asks, as in "name^3"; none means every text field.
    `body` is the owner's own query in their place, as JSON in which {{query}} stands for the text.
    """

    title: str
    text: tuple[str, ...]
    beside: str = ""
    match: tuple[str, ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """An index's stamp. `encoder` is None for an index without vectors.

    `lineage` is None for an index that documents were loaded into as usual, `layout` for one whose documents are searchctl's own.
    `boosts` says how often the words of the title, the text or a text field count, once unless it's said here. `synonyms` are
    rules for queries (see synonyms.py). What was tuned: `fusion`, `bm25`, `rerank_depth` for rerankers named without one, and
    `relevance`, the numbers of a `relevance.Calibration`; None or empty where nothing was.
    """

    encoder: EncoderStamp | None
    analyzer: Analyzer = "auto"
    passages: PassageSettings = field(default_factory=PassageSettings)
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    background: Background | None = None
    fusion: FusionSettings | None = None
    lineage: Lineage | None = None
    layout: Layout | None = None
    boosts: Mapping[str, int] = field(default_factory=dict)
    synonyms: tuple[str, ...] = ()
    bm25: Bm25Settings | None = None
    rerank_depth: int | None = None
    relevance: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name, times in self.boosts.items():
            if name not in ("title", "text") and self.fields.get(name) != "text":
                raise UsageError(
                    _(
                        "can't boost '{name}', which isn't a text field; boost title or text, or say that it's one: "
                        '[fields.types] {name} = "text"'
                    ).format(name=name)
                )
            if not 1 <= times <= MOST_BOOST:
                raise UsageError(
                    _("can't count '{name}' {times} times; give a whole number from 1 to {MOST_BOOST}").format(
                        name=name, times=times, MOST_BOOST=MOST_BOOST
                    )
                )

    def with_fields(self, fields: Mapping[str, FieldType]) -> Schema:
        """Return the schema that knows these fields as well."""
        return replace(self, fields={**self.fields, **fields})

    def with_analysis(self, number: int) -> Schema:
        """Return the schema with words compared as in this analysis: 1, or `ANALYSIS`."""
        name = self.analyzer.removesuffix(_FIRST) + (_FIRST if number == 1 else "")
        return replace(self, analyzer=cast(Analyzer, name))

    def rebased(self, since: Schema, stored: Schema) -> Schema:
        """Return `stored` with what this stamp changes of `since`, so that two writers don't undo each other's changes.

        Where both changed the same thing, this stamp's counts. Types of fields and boosts are compared name by name.
        """
        changes: dict[str, Any] = {}
        for name in (column.name for column in fields(self)):
            ours, before, theirs = getattr(self, name), getattr(since, name), getattr(stored, name)
            if isinstance(ours, Mapping):
                gone = before.keys() - ours.keys()
                changed = {key: value for key, value in ours.items() if before.get(key) != value}
                changes[name] = {**{key: value for key, value in theirs.items() if key not in gone}, **changed}
            elif ours != before:
                changes[name] = ours
        return replace(stored, **changes)

    def to_json(self) -> Json:
        """Return the stamp as JSON values, with its format number."""
        first = is_first_analysis(self.analyzer)
        named = {"analyzer": self.analyzer.removesuffix(_FIRST), "analysis": 1 if first else ANALYSIS}
        data = {"format": STAMP_FORMAT, **_with_lists(asdict(self)), **named}
        if self.encoder is not None and self.encoder.weights is None:
            del data["encoder"]["weights"]
        return data if self.encoder is not None and self.encoder.weights else {**data, "format": 1}

    @classmethod
    def from_json(cls, data: Json) -> Schema:
        """Read a stamp; raises IndexFormatError when it is newer than this searchctl or damaged."""
        found = data.get("format")
        if not isinstance(found, int) or found > STAMP_FORMAT:
            raise IndexFormatError(
                _(
                    "the index's stamp has format {found!r}, this searchctl reads up to {STAMP_FORMAT}; upgrade "
                    "with: pip install --upgrade searchctl"
                ).format(found=found, STAMP_FORMAT=STAMP_FORMAT)
            )
        try:
            schema = cls(
                encoder=_encoder(data["encoder"]) if data["encoder"] else None,
                analyzer=cast(Analyzer, data["analyzer"]),
                passages=PassageSettings(**data["passages"]),
                fields=dict(data["fields"]),
                background=_background(data["background"]),
                fusion=FusionSettings(**data["fusion"]) if data.get("fusion") else None,
                lineage=Lineage(**data["lineage"]) if data.get("lineage") else None,
                layout=_layout(data.get("layout")),
                boosts=dict(data.get("boosts", {})),
                synonyms=_listed(data.get("synonyms", [])),
                bm25=Bm25Settings(**data["bm25"]) if data.get("bm25") else None,
                rerank_depth=data.get("rerank_depth"),
                relevance=_listed(data.get("relevance", [])),
            )
            schema = schema.with_analysis(int(data.get("analysis", 1)))
            check_types(schema)
            schema.check_ranges()
        except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
            raise IndexFormatError(
                _("the index's stamp is damaged ({error}); rebuild it with: searchctl ingest").format(error=error)
            ) from error
        return schema

    def check_ranges(self) -> None:
        """Raise ValueError where numbers are of the right type and can't be."""
        for what, fits in (
            ("passages", self.passages.size >= 1 and 0 <= self.passages.overlap < self.passages.size),
            ("encoder.dim", self.encoder is None or 1 <= self.encoder.dim <= _LARGEST_DIM),
            ("relevance", len(self.relevance) in _CALIBRATIONS),
            ("rerank_depth", self.rerank_depth is None or self.rerank_depth >= 1),
        ):
            if not fits:
                raise ValueError(f"'{what}' is out of range")


def _with_lists(value: Any) -> Any:
    """Return values with lists in place of tuples, as JSON has them."""
    if isinstance(value, dict):
        return {name: _with_lists(own) for name, own in value.items()}
    return [_with_lists(own) for own in value] if isinstance(value, (tuple, list)) else value


def _listed(value: Any) -> tuple[Any, ...]:
    """Return a list as a tuple; raises TypeError for a string, which would give its letters."""
    if not isinstance(value, list):
        raise TypeError(f"{str(value)[:60]!r} isn't a list")
    return tuple(value)


def _encoder(data: Json) -> EncoderStamp:
    weights = data.get("weights")
    return EncoderStamp(
        **{**data, "weights": weights and WordShares(_listed(weights["words"]), _listed(weights["shares"]))}
    )


def _layout(data: Json | None) -> Layout | None:
    if not data:
        return None
    match = tuple(data.get("match", ()))
    return Layout(data["title"], tuple(data["text"]), data.get("beside", ""), match, data.get("body", ""))


def _background(data: Json | None) -> Background | None:
    if not data:
        return None
    return Background(**{**data, "centre": tuple(data.get("centre", ())), "axis": tuple(data.get("axis", ()))})
