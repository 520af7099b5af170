"""Typed fields: guess a type from a value, hold values to it, and turn them into what can be compared."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

from searchctl.errors import InvalidDocument, UsageError
from searchctl.schema import FieldType, Schema
from searchctl.types import Condition, Document, Exists, OneOf, Range, Scalar, Value

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
