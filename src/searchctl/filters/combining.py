"""Filters joined: all of them, one of them, and the parts that each have to hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from searchctl.types import And, Clause, Filter, Or, Range, Scalar

LOWER, UPPER = ("gte", "gt"), ("lte", "lt")


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
    return len({name in LOWER for name in bounds_of(clause.condition)})


def _joined(left: Filter, other: Filter) -> Filter | None:
    if not (isinstance(left, Clause) and isinstance(other, Clause) and left.field == other.field):
        return None
    first, second = left.condition, other.condition
    if not (isinstance(first, Range) and isinstance(second, Range)):
        return None
    bounds = bounds_of(first), bounds_of(second)
    sides = [{name in LOWER for name in held} for held in bounds]
    if len(sides[0]) != 1 or len(sides[1]) != 1 or sides[0] == sides[1]:
        return None
    return Clause(left.field, replace(first, **bounds[1]))


def bounds_of(condition: Range) -> dict[str, Scalar]:
    """Return the bounds that a range has, by name: gt, gte, lt, lte."""
    return {name: value for name in (*LOWER, *UPPER) if (value := getattr(condition, name)) is not None}
