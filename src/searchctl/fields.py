"""Typed fields: guess a type from a value, hold values to it, and turn them into what can be compared.

A value that doesn't fit its field's type never costs the document. It stays in the stored document as it came, and no filter
finds it: `fit` gives such values back as `Misfit`s, to be counted and told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor

from searchctl.errors import InvalidDocument
from searchctl.notation import (
    epoch,
    is_nothing,
    iso_of_milliseconds,
    parse_boolean,
    parse_date,
    parse_number,
    without_halves,
)
from searchctl.schema import FieldType
from searchctl.translation import _
from searchctl.types import Scalar, Value

_LONG_TEXT = 256  # a longer string is prose to be searched, not a key to filter by
_WRITTEN: Mapping[FieldType, str] = {"number": "a number", "date": "a date", "boolean": "true or false"}
_EXACT = 2**53  # up to here a double tells whole numbers apart
_HALF_A_TICK = 1e-6  # of a millisecond: what a double loses of a moment
_SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that its field's type has no room for."""

    name: str
    kind: FieldType
    value: Scalar

    def __str__(self) -> str:
        shown = self.value if len(str(self.value)) <= _SHOWN else f"{str(self.value)[:_SHOWN]}…"
        return f"field '{self.name}': {shown!r} isn't {_WRITTEN.get(self.kind, 'a ' + self.kind)}"


def as_values(value: Value) -> tuple[Scalar, ...]:
    """Return a field's values as a tuple, whether it held one or several."""
    return (value,) if isinstance(value, (str, int, float, bool)) else tuple(value)


def infer_type(value: Value) -> FieldType | None:
    """Guess a field's type from one value; None when it says nothing: an empty list, or words like NULL and N/A."""
    values = [item for item in as_values(value) if not (isinstance(item, str) and is_nothing(item))]
    if not values:
        return None
    if all(isinstance(item, bool) for item in values):
        return "boolean"
    if all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in values):
        return "number"
    strings = [str(item) for item in values]
    if all(parse_date(item) is not None for item in strings):
        return "date"
    return "text" if max(map(len, strings)) > _LONG_TEXT else "keyword"


def new_types(fields: Mapping[str, Value], known: Mapping[str, FieldType]) -> dict[str, FieldType]:
    """Return the types of the fields that `known` lacks, as far as their values tell."""
    if fields.keys() <= known.keys():
        return {}
    inferred = {name: infer_type(value) for name, value in fields.items() if name not in known}
    return {name: kind for name, kind in inferred.items() if kind is not None}


def fit(
    fields: Mapping[str, Value], types: Mapping[str, FieldType], patterns: Mapping[str, str] | None = None
) -> tuple[dict[str, Value], list[Misfit]]:
    """Return the fields as they are stored, and the values that don't fit their types.

    Numbers, dates and booleans written as text become numbers, ISO dates and booleans; words such as N/A in such a field are
    nothing. What doesn't fit is stored as it came. `patterns` are formats of `strptime` for fields of dates.
    """
    stored: dict[str, Value] = {}
    misfits: list[Misfit] = []
    for name, value in fields.items():
        kind = types.get(name, "keyword")
        if kind in ("keyword", "text") or _is_stored_form(kind, value):
            stored[name] = value
            continue
        kept: list[Scalar] = []
        for item in as_values(value):
            if isinstance(item, str) and is_nothing(item, typed=True):
                continue
            typed = _typed(kind, item, (patterns or {}).get(name))
            kept.append(item if typed is None else typed)
            if typed is None:
                misfits.append(Misfit(name, kind, item))
        if kept:
            stored[name] = kept if isinstance(value, Sequence) and not isinstance(value, str) else kept[0]
    return stored, misfits


def _is_stored_form(kind: FieldType, value: Value) -> bool:
    """Tell of a number or a boolean whether it is by itself what fields of this type store."""
    if kind == "number":
        return type(value) in (int, float) and value - value == 0  # type: ignore[operator]  # neither infinite nor NaN
    return kind == "boolean" and type(value) is bool


def _typed(kind: FieldType, value: Scalar, pattern: str | None = None) -> Scalar | None:
    """Return a value in the form in which fields of this type store it; None when it doesn't fit."""
    if kind == "boolean":
        return value if isinstance(value, bool) else parse_boolean(str(value))
    if kind == "date":
        return None if isinstance(value, bool) else parse_date(str(value), pattern)
    if kind == "number":
        if isinstance(value, bool):
            return None
        if isinstance(value, str):
            return parse_number(value)
        return value if value - value == 0 else None  # neither infinite nor NaN
    return value


def comparable(name: str, kind: FieldType, value: Scalar) -> str | int | float:
    """Return the value in the form it is compared in: text, or a number (dates as seconds since 1970 UTC, booleans 0 and 1).

    Whole numbers of 64 bits stay exact. Raises InvalidDocument when the value doesn't fit the type.
    """
    typed = value if kind in ("keyword", "text") else _typed(kind, value)
    if typed is None:
        raise InvalidDocument(
            _('{Misfit}; correct it, or declare another type in a recipe: [fields.types] {name} = "keyword"').format(
                Misfit=Misfit(name, kind, value), name=name
            )
        )
    return _compared(kind, typed)


def _compared(kind: FieldType, typed: Scalar) -> str | int | float:
    """Return a value that fits its type in the form it is compared in."""
    if kind in ("keyword", "text"):
        return str(typed).lower() if isinstance(typed, bool) else without_halves(str(typed))
    if kind == "date":
        return epoch(str(typed)) or 0.0
    if kind == "boolean":
        return float(typed)
    return float(typed) if isinstance(typed, int) and abs(typed) >= 2**63 else typed


def shown(kind: FieldType, value: str | int | float) -> Scalar:
    """Return what `comparable` gave as people write it: dates in UTC to the millisecond, which is as far as servers keep them."""
    if kind in ("keyword", "text") or isinstance(value, str):
        return value
    if kind == "boolean":
        return bool(value)
    if kind == "date":
        return iso_of_milliseconds(floor(value * 1000 + _HALF_A_TICK))
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


def comparables(name: str, kind: FieldType, value: Value) -> Iterator[str | int | float]:
    """Yield a field's values in the form they are compared in; those that don't fit its type are left out."""
    for item in as_values(value):
        typed = item if kind in ("keyword", "text") else _typed(kind, item)
        if typed is not None:
            yield _compared(kind, typed)
