"""Typed fields: guess a type from a value, hold values to it, and turn them into what can be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone

from searchctl.errors import InvalidDocument
from searchctl.schema import FieldType, Schema
from searchctl.types import Document, Scalar, Value

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
_LONG_TEXT = 256  # a longer string is prose to be searched, not a key to filter by
_BOOLEANS = {"true": True, "false": False}


def as_values(value: Value) -> tuple[Scalar, ...]:
    """Return a field's values as a tuple, whether it held one or several."""
    return (value,) if isinstance(value, (str, int, float, bool)) else tuple(value)


def searched_texts(document: Document, schema: Schema) -> list[str]:
    """Return what the lexical leg holds of a document: all of its text, and once more for each time that a boosted field counts.

    So a word counts in a boosted field as if it stood there so often, before BM25 lets its repetitions fade: "Simple BM25
    Extension to Multiple Weighted Fields" (Robertson, Zaragoza and Taylor, CIKM 2004). How common words are, and so the most
    a query can score, stays as it is.
    """
    parts = {"title": document.title, "text": document.text}
    parts |= {
        name: "\n".join(map(str, as_values(document.fields[name])))
        for name in sorted(document.fields)
        if schema.fields.get(name) == "text"
    }
    again = [parts[name] for name, times in sorted(schema.boosts.items()) if parts.get(name) for _ in range(times - 1)]
    return ["\n".join(parts.values()), *again]


def infer_type(value: Value) -> FieldType | None:
    """Guess a field's type from one value; None when the value is an empty list and says nothing."""
    values = as_values(value)
    if not values:
        return None
    if all(isinstance(one, bool) for one in values):
        return "boolean"
    if all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values):
        return "number"
    strings = [str(one) for one in values]
    if all(_DATE.fullmatch(one) and _epoch(one) is not None for one in strings):
        return "date"
    return "text" if max(map(len, strings)) > _LONG_TEXT else "keyword"


def new_fields(fields: Mapping[str, Value], known: Mapping[str, FieldType]) -> dict[str, FieldType]:
    """Return the types of the fields that `known` lacks.

    Raises InvalidDocument when a value doesn't fit the type its field has.
    """
    found: dict[str, FieldType] = {}
    for name, value in fields.items():
        kind = known.get(name)
        if kind is None:
            inferred = infer_type(value)
            if inferred is not None:
                found[name] = inferred
            continue
        for one in as_values(value):
            comparable(name, kind, one)
    return found


def comparable(name: str, kind: FieldType, value: Scalar) -> str | float:
    """Return the value in the form it is stored and compared in: text, or a number (dates as seconds since 1970 UTC).

    Raises InvalidDocument when the value doesn't fit the type.
    """
    if kind in ("keyword", "text"):
        return str(value).lower() if isinstance(value, bool) else str(value)
    number = _as_number(kind, value)
    if number is None:
        raise InvalidDocument(
            f"field '{name}' holds {kind} values, found {value!r}; correct the value, or declare the field as keyword in a recipe"
        )
    return number


def _as_number(kind: FieldType, value: Scalar) -> float | None:
    if kind == "boolean":
        flag = value if isinstance(value, bool) else _BOOLEANS.get(str(value).lower())
        return None if flag is None else float(flag)
    if kind == "date":
        return _epoch(str(value))
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number - number == 0 else None  # neither infinite nor NaN


def _epoch(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
