"""Filters as values: from what a program hands over to one canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from searchctl.errors import UsageError
from searchctl.types import AllOf, And, Clause, Exists, Filter, Not, OneOf, Or, Prefix, Range, Scalar, Where

LOWER, UPPER = ("gte", "gt"), ("lte", "lt")
_CONDITIONS = (OneOf, AllOf, Range, Exists, Prefix)


def as_filter(where: Where | None) -> Filter | None:
    """Return a filter in its canonical form, None where nothing is filtered.

    A mapping means that all its conditions hold; a plain value in it means "equals", a list "any of". A string is read as
    `grammar` says. Raises UsageError for what can't be a filter.
    """
    if where is None:
        return None
    if isinstance(where, str):
        from searchctl.filters.grammar import parse_filter

        return parse_filter(where)
    if isinstance(where, Mapping):
        return all_hold([_clause(str(name), value) for name, value in where.items()])
    return _canonical(where)


def all_hold(parts: Iterable[Filter | None]) -> Filter | None:
    """Return the filter that holds where all parts hold; None stands for "everything".

    Nested conjunctions become one, and a lower and an upper bound of the same field one range, which one value has to meet.
    A single bound comes last where its field has a range too, so that as text it isn't taken for a half of that one.
    """
    flat: list[Filter] = []
    for part in parts:
        for piece in part.parts if isinstance(part, And) else (part,):
            if piece is not None:
                _add(flat, piece)
    ranged = {piece.field for piece in flat if isinstance(piece, Clause) and _sides(piece) == 2}
    flat.sort(key=lambda piece: isinstance(piece, Clause) and piece.field in ranged and _sides(piece) == 1)
    if len(flat) > 1:
        return And(tuple(flat))
    return flat[0] if flat else None


def any_holds(parts: Sequence[Filter]) -> Filter:
    """Return the filter that holds where one of the parts holds; nested alternatives become one. `parts` aren't empty."""
    flat = tuple(piece for part in parts for piece in (part.parts if isinstance(part, Or) else (part,)))
    return Or(flat) if len(flat) > 1 else flat[0]


def conjuncts(given: Filter | None) -> tuple[Filter, ...]:
    """Return the parts of which each has to hold."""
    if given is None:
        return ()
    return given.parts if isinstance(given, And) else (given,)


def as_scalar(field: str, value: Any) -> Scalar:
    """Return one value as it is compared: dates as ISO text, numbers of numpy and `decimal` as plain ones. Raises UsageError."""
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, date):  # a datetime is one as well
        return value.isoformat()
    plain = value.item() if hasattr(value, "item") and not getattr(value, "shape", ()) else value
    if isinstance(plain, (str, bool, int, float)):
        return plain
    if type(value).__name__ == "Decimal":
        return str(value)
    if value is None:
        raise UsageError(
            f"a filter can't compare '{field}' with None; for documents without a value write \"{field}!=*\", "
            f"or Not(Clause({field!r}, Exists()))"
        )
    raise UsageError(
        f"a filter can't compare '{field}' with {type(value).__name__} {str(value)[:40]!r}; give a text, a number, a date, "
        "true or false, a list of them, or a condition such as Range(gte=1)"
    )


def _add(flat: list[Filter], piece: Filter) -> None:
    """Append a part, or join it with the other half of a range."""
    for number, held in enumerate(flat):
        joined = _joined(held, piece)
        if joined is not None:
            flat[number] = joined
            return
    if piece not in flat:
        flat.append(piece)


def _sides(clause: Clause) -> int:
    """Count on how many sides a range is bounded; 0 for other conditions."""
    if not isinstance(clause.condition, Range):
        return 0
    return len({name in LOWER for name in _bounds(clause.condition)})


def _joined(left: Filter, other: Filter) -> Filter | None:
    if not (isinstance(left, Clause) and isinstance(other, Clause) and left.field == other.field):
        return None
    first, second = left.condition, other.condition
    if not (isinstance(first, Range) and isinstance(second, Range)):
        return None
    bounds = _bounds(first), _bounds(second)
    sides = [{name in LOWER for name in held} for held in bounds]
    if len(sides[0]) != 1 or len(sides[1]) != 1 or sides[0] == sides[1]:
        return None
    return Clause(left.field, replace(first, **bounds[1]))


def _bounds(condition: Range) -> dict[str, Scalar]:
    return {name: value for name in (*LOWER, *UPPER) if (value := getattr(condition, name)) is not None}


def _canonical(given: Any) -> Filter:
    if isinstance(given, Clause):
        return _clause(given.field, given.condition)
    if isinstance(given, Not):
        return Not(_canonical(given.part))
    if isinstance(given, (And, Or)) and given.parts:
        parts = [_canonical(part) for part in given.parts]
        whole = all_hold(parts) if isinstance(given, And) else any_holds(parts)
        assert whole is not None  # there are parts
        return whole
    raise UsageError(
        f'can\'t filter by {type(given).__name__} {str(given)[:60]!r}; give a mapping, a text such as "lang=ru AND year>=2020", '
        "or And, Or, Not and Clause with parts"
    )


def _clause(field: str, value: Any) -> Filter:
    if isinstance(value, AllOf):
        whole = all_hold([Clause(field, OneOf((as_scalar(field, one),))) for one in value.values])
        if whole is None:
            raise UsageError(f"all of nothing says nothing about '{field}'; give AllOf the values it must have")
        return whole
    if isinstance(value, Range):
        bounds = {name: as_scalar(field, bound) for name, bound in _bounds(value).items()}
        if not bounds:
            raise UsageError(f"the range of '{field}' has no bound; give one, as in Range(gte=1)")
        return Clause(field, Range(**bounds))
    if isinstance(value, OneOf):
        return Clause(field, OneOf(tuple(as_scalar(field, one) for one in value.values)))
    if isinstance(value, _CONDITIONS):
        return Clause(field, value)
    if isinstance(value, Mapping):
        raise UsageError(
            f"a filter can't compare '{field}' with {dict(value)!r}; a range is written Range(gte=1), or as text: \"{field}>=1\""
        )
    several = (
        isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and getattr(value, "shape", True) != ()
    )
    values = tuple(value) if several else (value,)
    return Clause(field, OneOf(tuple(as_scalar(field, one) for one in values)))
