"""Filters decided for one document, the same as every engine decides them for all."""

from __future__ import annotations

from collections.abc import Mapping

from searchctl.fields import as_values, comparables
from searchctl.filters.checking import is_own, kind_of
from searchctl.schema import FieldType
from searchctl.types import And, Clause, Document, Exists, Filter, Not, OneOf, Or, Prefix, Range, Scalar


def holds(document: Document, given: Filter, fields: Mapping[str, FieldType]) -> bool:
    """Tell whether a filter holds for a document. `given` is of `typed`, with the same `fields`."""
    if isinstance(given, And):
        return all(holds(document, part, fields) for part in given.parts)
    if isinstance(given, Or):
        return any(holds(document, part, fields) for part in given.parts)
    if isinstance(given, Not):
        return not holds(document, given.part, fields)
    return _clause_holds(document, given, fields)


def _clause_holds(document: Document, clause: Clause, fields: Mapping[str, FieldType]) -> bool:
    values = _values_of(document, clause.field, fields)
    condition = clause.condition
    if isinstance(condition, Exists):
        return bool(values)
    kind = kind_of(clause.field, fields)
    held = list(comparables(clause.field, kind, values))  # what doesn't fit its type is in no engine's index
    if isinstance(condition, Prefix):
        return any(str(value).startswith(condition.text) for value in held)
    if isinstance(condition, Range):
        return any(_lies_in(value, condition) for value in held if not isinstance(value, str))
    assert isinstance(condition, OneOf)  # `typed` leaves no other
    return any(value in condition.values for value in held)


def _values_of(document: Document, name: str, fields: Mapping[str, FieldType]) -> tuple[Scalar, ...]:
    if is_own(name, fields):
        text = document.id if name == "id" else document.title
        return (text,) if text else ()
    return as_values(document.fields.get(name, ()))


def _lies_in(value: float, bounds: Range) -> bool:
    low, above, high, below = (
        None if bound is None else bound if isinstance(bound, int) else float(bound)
        for bound in (bounds.gte, bounds.gt, bounds.lte, bounds.lt)
    )
    return (
        (low is None or value >= low)
        and (above is None or value > above)
        and (high is None or value <= high)
        and (below is None or value < below)
    )
