"""Facets as they are typed, held against an index's fields: "brand,lang:5", "price:..10,10..50,50..", "updated:auto"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from searchctl.engines.base import Engine, Faceting
from searchctl.errors import UsageError
from searchctl.filters import typed
from searchctl.filters.checking import is_own, kind_of
from searchctl.schema import FieldType
from searchctl.search.facet_ranges import suitable_ranges
from searchctl.translation import _
from searchctl.types import Clause, Facet, FacetCounts, FacetValue, LexicalQuery, Range

FacetLike: TypeAlias = "str | Facet"
MAX_FACETS = 20
MAX_VALUES = 1000
MAX_RANGES = 100
_AUTOMATIC = "auto"
_FORM = "write a field, FIELD:N for its N most frequent values, or ranges of numbers or dates, as in price:..10,10..50,50.. or price:auto"


def facets_of(given: FacetLike | Sequence[FacetLike], fields: Mapping[str, FieldType]) -> tuple[Facet, ...]:
    """Return what was asked for. Raises UsageError for what can't be read or counted."""
    listed: Sequence[FacetLike] = [given] if isinstance(given, (str, Facet)) else given
    facets = tuple(facet for one in listed for facet in (_all_in(one, fields) if isinstance(one, str) else [one]))
    if len(facets) > MAX_FACETS:
        raise UsageError(
            _("{count} facets are too many for one query; ask for at most {MAX_FACETS}").format(
                count=len(facets), MAX_FACETS=MAX_FACETS
            )
        )
    for facet in facets:
        _check(facet, fields)
    return tuple(_numbered(facet, fields) for facet in facets)


def count_facets(
    engine: Engine,
    index: str,
    query: LexicalQuery,
    facets: Sequence[Facet],
    fields: Mapping[str, FieldType],
    *,
    or_scope: bool,
) -> tuple[FacetCounts, ...]:
    """Count the documents that a query's words find; with `or_scope`, where they find none, all that its scope allows.

    Raises UsageError where the engine can't count.
    """
    if not facets:
        return ()
    if not isinstance(engine, Faceting):
        raise UsageError(_("{name} can't count facets; leave them out").format(name=engine.name))
    if any(one.automatic for one in facets):
        facets = _with_ranges(engine, index, query, facets, fields, or_scope=or_scope)
    comparable = [replace(one, ranges=tuple(_comparable(one, given, fields) for given in one.ranges)) for one in facets]
    counted = engine.facets(index, query, comparable)
    if or_scope and not counted[0].documents and counted[0].counts == "lexical":
        counted = engine.facets(index, replace(query, text="", synonyms=()), comparable)
    return tuple(map(_as_asked, counted, facets))


def _with_ranges(
    engine: Engine,
    index: str,
    query: LexicalQuery,
    facets: Sequence[Facet],
    fields: Mapping[str, FieldType],
    *,
    or_scope: bool,
) -> list[Facet]:
    """Return the facets with ranges in place of `automatic`, chosen by a count of the most frequent values."""
    looked_at = [Facet(one.field, MAX_VALUES) for one in facets if one.automatic]
    counted = iter(count_facets(engine, index, query, looked_at, fields, or_scope=or_scope))
    chosen = []
    for one in facets:
        if one.automatic:
            ranges = suitable_ranges(fields[one.field], next(counted).values)
            one = Facet(one.field, one.n, ranges)
        chosen.append(one)
    return chosen


def _numbered(facet: Facet, fields: Mapping[str, FieldType]) -> Facet:
    """Return a facet of numbers with its bounds as numbers, however they were typed."""
    if fields[facet.field] != "number":
        return facet
    return replace(facet, ranges=tuple(_comparable(facet, one, fields) for one in facet.ranges))


def _as_asked(counted: FacetCounts, facet: Facet) -> FacetCounts:
    """Return the counts of ranges with the bounds as they were written."""
    if not facet.ranges:
        return counted
    counts = [one.count for one in counted.values]
    return replace(counted, values=tuple(map(FacetValue, facet.ranges, counts)))


def _all_in(text: str, fields: Mapping[str, FieldType]) -> list[Facet]:
    """Return the facets of a list with commas; a range after a comma belongs to the facet before it."""
    pieces: list[str] = []
    for piece in [text] if text in fields else text.split(","):
        begins_one = ".." not in piece or any(piece.strip().startswith(f"{name}:") for name in fields)
        if pieces and not begins_one:
            pieces[-1] += f",{piece}"
        else:
            pieces.append(piece.strip())
    return [_read(piece, fields) for piece in pieces]


def _read(text: str, fields: Mapping[str, FieldType]) -> Facet:
    if text in fields or ":" not in text:
        return Facet(text.strip())
    name, _ignored, rest = (part.strip() for part in text.rpartition(":"))
    while name not in fields and ":" in name and ".." in rest:  # a time has colons, too
        name, _ignored, before = name.rpartition(":")
        rest = f"{before}:{rest}"
    if rest.isdecimal():
        return Facet(name, int(rest))
    if rest == _AUTOMATIC:
        return Facet(name, automatic=True)
    if ".." not in rest:
        raise UsageError(_("the facet '{text}' can't be read; {FORM}").format(text=text, FORM=_FORM))
    return Facet(name, ranges=tuple(_range(text, piece) for piece in rest.split(",")))


def _range(text: str, piece: str) -> Range:
    """Return `A..B`: from A on, below B."""
    low, dots, high = (part.strip() for part in piece.partition(".."))
    if not dots or ".." in high or not (low or high):
        raise UsageError(
            _("'{piece}' in the facet '{text}' isn't a range; {FORM}").format(piece=piece, text=text, FORM=_FORM)
        )
    return Range(gte=low or None, lt=high or None)


def _check(facet: Facet, fields: Mapping[str, FieldType]) -> None:
    kind = kind_of(facet.field, fields)
    if is_own(facet.field, fields):
        raise UsageError(
            _("documents aren't counted by their {field}; ask for facets of: {countable}").format(
                field=facet.field, countable=_countable(fields)
            )
        )
    if kind == "text":
        raise UsageError(
            _(
                "field '{field}' holds text, whose values aren't counted; declare it as a keyword in a recipe "
                "and load again, or ask for facets of: {countable}"
            ).format(field=facet.field, countable=_countable(fields))
        )
    if not 1 <= facet.n <= MAX_VALUES:
        raise UsageError(
            _("{n} values of '{field}' can't be counted; ask for 1 to {MAX_VALUES}").format(
                n=facet.n, field=facet.field, MAX_VALUES=MAX_VALUES
            )
        )
    if len(facet.ranges) > MAX_RANGES:
        raise UsageError(
            _("{count} ranges of '{field}' are too many; give at most {MAX_RANGES}").format(
                count=len(facet.ranges), field=facet.field, MAX_RANGES=MAX_RANGES
            )
        )
    if facet.automatic and kind not in ("number", "date"):
        raise UsageError(
            _("field '{field}' holds {kind} values, which have no ranges; write '{field}' alone").format(
                field=facet.field, kind=kind
            )
        )
    for given in facet.ranges:
        _comparable(facet, given, fields)


def _countable(fields: Mapping[str, FieldType]) -> str:
    return ", ".join(sorted(name for name, kind in fields.items() if kind != "text")) or "no field, since there is none"


def _comparable(facet: Facet, given: Range, fields: Mapping[str, FieldType]) -> Range:
    """Return a range with its bounds in the form that engines compare."""
    clause = typed(Clause(facet.field, given), fields)
    assert isinstance(clause, Clause) and isinstance(clause.condition, Range)
    return clause.condition
