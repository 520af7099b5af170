"""Filters of an embedded index: a document's values by field, and filters on them as SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from searchctl.fields import as_values, comparables
from searchctl.filters.checking import is_own
from searchctl.schema import FieldType
from searchctl.types import And, Clause, Document, Exists, Filter, Not, OneOf, Or, Prefix, Range

_JOINED = {And: "INTERSECT", Or: "UNION"}
_BOUND = 400  # values bound one by one: below every SQLite's limit
_ALL = "SELECT row FROM documents"


def facets(
    row: int | None, document: Document, fields: Mapping[str, FieldType]
) -> Iterator[tuple[str, str | float, int | None]]:
    """Yield (field, value, row) for each value that filters can ask for; of texts only that they are there."""
    for name, value in document.fields.items():
        kind = fields.get(name)
        if kind is None:
            continue
        for held in ("",) if kind == "text" and as_values(value) else comparables(name, kind, value):
            yield name, held, row


def filter_sql(wanted: Filter, fields: Mapping[str, FieldType]) -> tuple[str, list[Any]]:
    """Return a SELECT of the rows for which a filter holds, each once, and its values; the filter is of `filters.typed`."""
    if isinstance(wanted, Not):
        sql, values = filter_sql(wanted.part, fields)
        return f"{_ALL} EXCEPT SELECT * FROM ({sql})", values
    if isinstance(wanted, (And, Or)):
        parts = [filter_sql(part, fields) for part in wanted.parts]
        joined = f" {_JOINED[type(wanted)]} ".join(f"SELECT * FROM ({sql})" for sql, _ in parts)
        return joined, [value for _, values in parts for value in values]
    if is_own(wanted.field, fields):
        clause, values = _condition_sql(wanted.field, wanted)
        return f"{_ALL} WHERE {wanted.field} <> '' {clause}", values
    clause, values = _condition_sql("value", wanted)
    return f"SELECT DISTINCT document FROM facets WHERE field = ? {clause}", [wanted.field, *values]


def _condition_sql(column: str, wanted: Clause) -> tuple[str, list[Any]]:
    """Return what a condition demands of a column; `column` is one of ours."""
    condition = wanted.condition
    if isinstance(condition, Exists):
        return "", []
    if isinstance(condition, OneOf):
        if len(condition.values) > _BOUND:
            return f"AND {column} IN (SELECT value FROM json_each(?))", [json.dumps(condition.values)]
        return f"AND {column} IN ({','.join('?' * len(condition.values))})", list(condition.values)
    if isinstance(condition, Prefix):  # the first comparison lets SQLite use the table's order
        return f"AND {column} >= ? AND substr({column}, 1, ?) = ?", [
            condition.text,
            len(condition.text),
            condition.text,
        ]
    assert isinstance(condition, Range)  # `typed` leaves no other
    bounds = {">=": condition.gte, ">": condition.gt, "<=": condition.lte, "<": condition.lt}
    given = {operator: value for operator, value in bounds.items() if value is not None}
    return "".join(f" AND {column} {operator} ?" for operator in given), list(given.values())
