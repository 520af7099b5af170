"""Which documents a filter means, decided document by document; works on every engine at the price of reading them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from searchctl.fields import as_conditions, as_values, check_conditions, comparable
from searchctl.schema import FieldType
from searchctl.types import Condition, Exists, OneOf, Scalar, Value, Where

if TYPE_CHECKING:
    from searchctl.index import Index


def matching_ids(index: Index, where: Where) -> Iterator[str]:
    """Yield the ids of the documents for which all conditions hold, in the engine's order. Raises UsageError."""
    conditions = as_conditions(where)
    types = index.schema.fields
    check_conditions(conditions, types)
    for entries in index.engine.scan(index.name):
        for entry in entries:
            if holds(entry.document.fields, conditions, types):
                yield entry.document.id


def holds(fields: Mapping[str, Value], conditions: Mapping[str, Condition], types: Mapping[str, FieldType]) -> bool:
    """Tell whether every condition holds for one of the values of its field."""
    return all(
        any(_meets(name, types[name], value, condition) for value in as_values(fields.get(name, ())))
        for name, condition in conditions.items()
    )


def _meets(name: str, kind: FieldType, value: Scalar, condition: Condition) -> bool:
    if isinstance(condition, Exists):
        return True
    if kind == "text":  # prose is searched; only its presence can be asked for
        return False
    held = comparable(name, kind, value)
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
