"""Conditions on one field as a server's queries."""

from __future__ import annotations

import math

from searchctl.schema import FieldType
from searchctl.types import Clause, Exists, Json, OneOf, Prefix, Range, Scalar


def clause(field: str, kind: FieldType, wanted: Clause) -> Json:
    """Return a condition of `filters.typed` about one field as a query."""
    condition = wanted.condition
    if isinstance(condition, Exists):
        return {"exists": {"field": field}}
    if isinstance(condition, Prefix):
        return {"prefix": {field: {"value": condition.text}}}
    if isinstance(condition, OneOf):
        return {"terms": {field: [_value(kind, value) for value in condition.values]}}
    assert isinstance(condition, Range)  # `typed` leaves no other
    bounds = {"gte": condition.gte, "gt": condition.gt, "lte": condition.lte, "lt": condition.lt}
    values: Json = {word: _value(kind, bound) for word, bound in bounds.items() if bound is not None}
    return {"range": {field: {**values, "format": "epoch_millis"} if kind == "date" else values}}


def _value(kind: FieldType, value: Scalar) -> Scalar:
    """Return a value of `filters.typed` as servers compare it; dates as milliseconds since 1970."""
    if kind == "boolean":
        return bool(value)
    return math.floor(float(value) * 1000 + 1e-6) if kind == "date" else value
