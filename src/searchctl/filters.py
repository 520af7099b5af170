"""Filters: how they are typed, checked against an index's fields, and held against one document."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from searchctl.errors import InvalidDocument, UsageError
from searchctl.fields import as_values, comparable, comparables
from searchctl.schema import FieldType
from searchctl.types import Condition, Exists, OneOf, Range, Scalar, Value, Where

if TYPE_CHECKING:
    from searchctl.engines.base import Engine


def check_conditions(conditions: Mapping[str, Condition], fields: Mapping[str, FieldType]) -> None:
    """Raise UsageError when a condition names an unknown field or a value its field can't hold."""
    for name, condition in conditions.items():
        if name not in fields:
            raise UsageError(f"no field '{name}' in this index; {_suggest(name, list(fields))}")
        for value in condition_values(condition):
            try:
                comparable(name, fields[name], value)
            except InvalidDocument as error:
                raise UsageError(
                    f"field '{name}' holds {fields[name]} values, and {value!r} isn't one; write {_WRITTEN[fields[name]]}"
                ) from error


def condition_values(condition: Condition) -> tuple[Scalar, ...]:
    """Return every value a condition names."""
    if isinstance(condition, OneOf):
        return condition.values
    if isinstance(condition, Exists):
        return ()
    return tuple(one for one in (condition.gte, condition.gt, condition.lte, condition.lt) if one is not None)


def _suggest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"it has: {', '.join(sorted(known))}" if known else "it has none"


_WRITTEN: Mapping[FieldType, str] = {
    "boolean": "true or false",
    "date": "a date like 2026-01-31",
    "number": "a number like 4.5",
    "keyword": "a word",
    "text": "a text",
}
_OPERATORS = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}
_CLAUSE = re.compile(r"\s*([^<>=]+?)\s*(>=|<=|=|>|<)(.*)", re.DOTALL)


def as_conditions(where: Mapping[str, Condition | Scalar | Sequence[Scalar]] | None) -> dict[str, Condition]:
    """Return a filter in its full form: a plain value means "equals", a list "any of"."""
    conditions: dict[str, Condition] = {}
    for name, value in (where or {}).items():
        conditions[name] = value if isinstance(value, (OneOf, Range, Exists)) else OneOf(as_values(value))
    return conditions


def parse_where(clauses: Sequence[str]) -> dict[str, Condition]:
    """Read filters as typed on a command line: `lang=ru`, `category=a,b`, `price>=10`, `updated<2026-01-01`, `rating=*`.

    Clauses about the same field join: `price>=10` and `price<20` are one range. Raises UsageError.
    """
    conditions: dict[str, Condition] = {}
    for clause in clauses:
        found = _CLAUSE.fullmatch(clause)
        if not found or not found[3].strip():
            raise UsageError(f"can't read the filter {clause!r}; write field=value, field=a,b, field>=10 or field=*")
        name, operator, value = found[1], found[2], found[3].strip()
        if name.endswith("!"):
            raise UsageError(
                f"can't read the filter {clause!r}: no filter excludes; name the values that are wanted: field=a,b"
            )
        conditions[name] = _join(conditions.get(name), _condition(operator, value), clause)
    return conditions


def _condition(operator: str, value: str) -> Condition:
    if operator != "=":
        return Range(**{_OPERATORS[operator]: value})
    return Exists() if value == "*" else OneOf(tuple(part.strip() for part in value.split(",")))


def _join(old: Condition | None, new: Condition, clause: str) -> Condition:
    if old is None or old == new:
        return new
    if isinstance(old, OneOf) and isinstance(new, OneOf):
        return OneOf(old.values + new.values)
    if isinstance(old, Range) and isinstance(new, Range):
        taken = {key: getattr(old, key) for key in _OPERATORS.values() if getattr(old, key) is not None}
        added = {key: getattr(new, key) for key in _OPERATORS.values() if getattr(new, key) is not None}
        if not taken.keys() & added.keys():
            return Range(**taken, **added)
    raise UsageError(f"the filter {clause!r} contradicts an earlier one about the same field; give only one of them")


def matching_ids(engine: Engine, index: str, where: Where) -> Iterator[str]:
    """Yield the ids of the documents for which all conditions hold, in the engine's order. Raises UsageError.

    Works on every engine at the price of reading all documents.
    """
    conditions = as_conditions(where)
    types = engine.schema(index).fields
    check_conditions(conditions, types)
    for entries in engine.scan(index):
        for entry in entries:
            if holds(entry.document.fields, conditions, types):
                yield entry.document.id


def holds(fields: Mapping[str, Value], conditions: Mapping[str, Condition], types: Mapping[str, FieldType]) -> bool:
    """Tell whether every condition holds for one of the values of its field."""
    return all(
        any(
            _meets(name, types[name], value, condition)
            for value in comparables(name, types[name], fields.get(name, ()))
        )
        for name, condition in conditions.items()
    )


def _meets(name: str, kind: FieldType, held: str | int | float, condition: Condition) -> bool:
    if isinstance(condition, Exists):
        return True
    if kind == "text":  # prose is searched; only its presence can be asked for
        return False
    if isinstance(condition, OneOf):
        return any(held == comparable(name, kind, wanted) for wanted in condition.values)
    low, above, high, below = (
        None if bound is None else comparable(name, kind, bound)
        for bound in (condition.gte, condition.gt, condition.lte, condition.lt)
    )
    return not (
        (low is not None and _order(held, low) < 0)
        or (above is not None and _order(held, above) <= 0)
        or (high is not None and _order(held, high) > 0)
        or (below is not None and _order(held, below) >= 0)
    )


def _order(one: str | float, other: str | float) -> int:
    """Return -1, 0 or 1; both are of the same type, since they belong to the same field."""
    if isinstance(one, str) or isinstance(other, str):
        return (str(one) > str(other)) - (str(one) < str(other))
    return (one > other) - (one < other)
