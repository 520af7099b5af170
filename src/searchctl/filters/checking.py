"""Filters held against an index's fields: values take the form they are compared in, and what makes no sense is refused."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence

from searchctl.errors import InvalidDocument, UsageError
from searchctl.fields import comparable
from searchctl.filters.combining import any_holds
from searchctl.schema import FieldType
from searchctl.suggest import did_you_mean
from searchctl.translation import _
from searchctl.types import And, Clause, Exists, Filter, Not, OneOf, Or, Prefix, Range, Scalar

OWN: Mapping[str, FieldType] = {"id": "keyword", "title": "keyword"}  # of the document, unless a field has the name
MAX_VALUES = 10_000  # in one condition
_WRITTEN: Mapping[FieldType, str] = {
    "boolean": "true or false",
    "date": "a date like 2026-01-31",
    "number": "a number like 4.5",
    "keyword": "a word",
    "text": "a text",
}
_DAY_SECONDS = 86_400.0
_YEAR = re.compile(r"\s*(\d{4})\s*")
_MONTH = re.compile(r"\s*(\d{4})-(\d{2})\s*")
_MINUTE = re.compile(r".*[T ]\d{2}:\d{2}(Z|[+-]\d{2}:?\d{2})?\s*", re.DOTALL)


def check_filter(given: Filter | None, fields: Mapping[str, FieldType]) -> None:
    """Raise UsageError when a filter names an unknown field, a value its field can't hold, or an order that a field hasn't."""
    if given is not None:
        typed(given, fields)


def typed(given: Filter, fields: Mapping[str, FieldType]) -> Filter:
    """Return the filter with its values as `fields.comparable` gives them; a period of a date becomes a range of seconds.

    Numbers are int or float, booleans 1.0 or 0.0. Engines only translate the result. Raises UsageError as `check_filter`.
    """
    if isinstance(given, And):
        return And(tuple(typed(part, fields) for part in given.parts))
    if isinstance(given, Or):
        return Or(tuple(typed(part, fields) for part in given.parts))
    if isinstance(given, Not):
        return Not(typed(given.part, fields))
    kind = kind_of(given.field, fields)
    condition = given.condition
    if isinstance(condition, Exists):
        return given
    if kind == "text":
        raise UsageError(
            _(
                "field '{field}' holds text, which is searched and not compared; search for its words with a + "
                "before each, or filter by {field}=* for documents that have it"
            ).format(field=given.field)
        )
    if isinstance(condition, Prefix):
        if kind != "keyword":
            raise UsageError(
                _("field '{field}' holds {kind} values, which have no beginning; write a range or a value").format(
                    field=given.field, kind=kind
                )
            )
        return given
    if isinstance(condition, Range):
        return _range(given.field, kind, condition)
    values = condition.values
    if len(values) > MAX_VALUES:
        raise UsageError(
            _("{count:,} values of '{field}' are too many for a filter; give at most {MAX_VALUES:,}").format(
                count=len(values), field=given.field, MAX_VALUES=MAX_VALUES
            )
        )
    if kind == "date" and values:
        return any_holds([_within(given.field, *_period(given.field, value)) for value in values])
    return Clause(given.field, OneOf(tuple(_comparable(given.field, kind, value) for value in values)))


def kind_of(name: str, fields: Mapping[str, FieldType]) -> FieldType:
    """Return the type of a field, or of the document's own `id` and `title`. Raises UsageError for an unknown name."""
    kind = fields.get(name) or OWN.get(name)
    if kind is None:
        raise UsageError(
            _("no field '{name}' in this index; {suggest}").format(
                name=name, suggest=_suggest(name, [*(field for field in fields if not field.startswith("_")), *OWN])
            )
        )
    return kind


def is_own(name: str, fields: Mapping[str, FieldType]) -> bool:
    """Tell whether a name means the document's own id or title."""
    return name in OWN and name not in fields


def _range(field: str, kind: FieldType, condition: Range) -> Filter:
    if kind in ("keyword", "boolean"):
        raise UsageError(
            _(
                "field '{field}' holds {kind} values, which have no order; name the values: {field}=a,b, or "
                "declare the field as number or date in a recipe and load again"
            ).format(field=field, kind=kind)
        )
    if kind == "date":
        low = max(
            (
                _period(field, bound)[after]
                for after, bound in enumerate((condition.gte, condition.gt))
                if bound is not None
            ),
            default=None,
        )
        high = min(
            (
                _period(field, bound)[before]
                for before, bound in ((1, condition.lte), (0, condition.lt))
                if bound is not None
            ),
            default=None,
        )
        return Clause(field, Range(gte=low, lt=high))
    bounds = {"gte": condition.gte, "gt": condition.gt, "lte": condition.lte, "lt": condition.lt}
    return Clause(
        field, Range(**{name: _comparable(field, kind, bound) for name, bound in bounds.items() if bound is not None})
    )


def _within(field: str, begin: float, end: float) -> Filter:
    return Clause(field, Range(gte=begin, lt=end))


def _period(field: str, value: Scalar) -> tuple[float, float]:
    """Return the first second of what a date names, and the first after it: a year, a month, a day, a minute or a moment."""
    text = str(value)
    if parts := _YEAR.fullmatch(text):
        year = int(parts[1])
        return _day(field, value, year, 1, 1), _day(field, value, year + 1, 1, 1)
    if parts := _MONTH.fullmatch(text):
        year, month = int(parts[1]), int(parts[2])
        begin = _day(field, value, year, month, 1)
        return begin, begin + calendar.monthrange(year, month)[1] * _DAY_SECONDS
    begin = float(_comparable(field, "date", value))
    if ":" not in text:
        return begin, begin + _DAY_SECONDS
    return begin, begin + (60.0 if _MINUTE.fullmatch(text) else 0.001)  # servers keep milliseconds


def _day(field: str, value: Scalar, year: int, month: int, day: int) -> float:
    if not (1 <= year <= 9998 and 1 <= month <= 12):
        raise _wrong(field, "date", value)
    return float(_comparable(field, "date", f"{year:04}-{month:02}-{day:02}"))


def _comparable(field: str, kind: FieldType, value: Scalar) -> str | float:
    try:
        return comparable(field, kind, value)
    except InvalidDocument as error:
        raise _wrong(field, kind, value) from error


def _wrong(field: str, kind: FieldType, value: Scalar) -> UsageError:
    return UsageError(
        _("field '{field}' holds {kind} values, and {value!r} isn't one; write {WRITTEN}").format(
            field=field, kind=kind, value=value, WRITTEN=_WRITTEN[kind]
        )
    )


def _suggest(name: str, known: Sequence[str]) -> str:
    return did_you_mean(name, known, f"it has: {', '.join(sorted(known))}")
