"""Filters as values: from what a program hands over to one canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from searchctl.errors import UsageError
from searchctl.filters.combining import all_hold, any_holds, bounds_of
from searchctl.filters.grammar import parse_filter
from searchctl.translation import _
from searchctl.types import AllOf, And, Clause, Exists, Filter, Not, OneOf, Or, Prefix, Range, Scalar, Where

_CONDITIONS = (OneOf, AllOf, Range, Exists, Prefix)


def as_filter(where: Where | None) -> Filter | None:
    """Return a filter in its canonical form, None where nothing is filtered.

    A mapping means that all its conditions hold; a plain value in it means "equals", a list "any of". A string is read as
    `grammar` says. Raises UsageError for what can't be a filter.
    """
    if where is None:
        return None
    if isinstance(where, str):
        return parse_filter(where)
    if isinstance(where, Mapping):
        return all_hold([_clause(str(name), value) for name, value in where.items()])
    return _canonical(where)


def as_scalar(field: str, value: Any) -> Scalar:
    """Return one value as it is compared: dates as ISO text, numbers of numpy and `decimal` as plain ones. Raises UsageError."""
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, date):  # a datetime is one as well
        return value.isoformat()
    plain = value.item() if hasattr(value, "item") and not getattr(value, "shape", ()) else value
    if isinstance(plain, (str, bool, int, float)):
        return plain
    if type(value).__name__ == "Decimal":
        return str(value)
    if value is None:
        raise UsageError(
            _(
                "a filter can't compare '{field}' with None; for documents without a value write \"{field}!=*\", "
                "or Not(Clause({field!r}, Exists()))"
            ).format(field=field)
        )
    raise UsageError(
        _(
            "a filter can't compare '{field}' with {name} {value!r}; give a text, a number, a date, true or "
            "false, a list of them, or a condition such as Range(gte=1)"
        ).format(field=field, name=type(value).__name__, value=str(value)[:40])
    )


def _canonical(given: Any) -> Filter:
    if isinstance(given, Clause):
        return _clause(given.field, given.condition)
    if isinstance(given, Not):
        return Not(_canonical(given.part))
    if isinstance(given, (And, Or)) and given.parts:
        parts = [_canonical(part) for part in given.parts]
        whole = all_hold(parts) if isinstance(given, And) else any_holds(parts)
        assert whole is not None  # there are parts
        return whole
    raise UsageError(
        _(
            'can\'t filter by {name} {given!r}; give a mapping, a text such as "lang=ru AND year>=2020", or '
            "And, Or, Not and Clause with parts"
        ).format(name=type(given).__name__, given=str(given)[:60])
    )


def _clause(field: str, value: Any) -> Filter:
    if isinstance(value, AllOf):
        whole = all_hold([Clause(field, OneOf((as_scalar(field, one),))) for one in value.values])
        if whole is None:
            raise UsageError(
                _("all of nothing says nothing about '{field}'; give AllOf the values it must have").format(field=field)
            )
        return whole
    if isinstance(value, Range):
        bounds = {name: as_scalar(field, bound) for name, bound in bounds_of(value).items()}
        if not bounds:
            raise UsageError(_("the range of '{field}' has no bound; give one, as in Range(gte=1)").format(field=field))
        return Clause(field, Range(**bounds))
    if isinstance(value, OneOf):
        return Clause(field, OneOf(tuple(as_scalar(field, one) for one in value.values)))
    if isinstance(value, _CONDITIONS):
        return Clause(field, value)
    if isinstance(value, Mapping):
        raise UsageError(
            _(
                "a filter can't compare '{field}' with {dict!r}; a range is written Range(gte=1), or as text: "
                '"{field}>=1"'
            ).format(field=field, dict=dict(value))
        )
    several = (
        isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and getattr(value, "shape", True) != ()
    )
    values = tuple(value) if several else (value,)
    return Clause(field, OneOf(tuple(as_scalar(field, one) for one in values)))
