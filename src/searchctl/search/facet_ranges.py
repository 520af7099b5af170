"""Ranges that suit a field's values, where none were given: round bounds with about as many documents in each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import floor, log10
from typing import Any

from searchctl.schema import FieldType
from searchctl.types import FacetValue, Range, Scalar

MOST = 5  # ranges
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_LENGTHS = (4, 7, 10)  # letters of a date that are its year, its month and its day


def suitable_ranges(kind: FieldType, values: Sequence[FacetValue]) -> tuple[Range, ...]:
    """Return ranges that together hold every value, the lowest first; none where the values are too few to need any.

    `values` are a field's most frequent ones with their counts. Where there are others, the ranges hold them as well.
    """
    if len(values) <= MOST + 1:
        return ()
    bounds: list[str] | list[int | float] = _days(values) if kind == "date" else _numbers(values)
    if not bounds:
        return ()
    ends: list[Scalar | None] = [None, *bounds, None]
    return tuple(Range(gte=low, lt=high) for low, high in pairwise(ends))


def _numbers(values: Sequence[FacetValue]) -> list[int | float]:
    """Return at most `MOST - 1` bounds, rising, each rounded as far as the distance between them allows."""
    counts = Counter({one.value: one.count for one in values if isinstance(one.value, int | float)})
    quantiles: list[int | float] = _quantiles(counts)
    if len(quantiles) < 2:
        return quantiles
    unit = _round_unit(min(high - low for low, high in pairwise(quantiles)))
    lowest = min(counts)
    return sorted({_whole(rounded) for one in quantiles if (rounded := _round_to(one, unit)) > lowest})


def _round_unit(step: float) -> float:
    """Return the largest of …, 0.1, 0.2, 0.5, 1, 2, 5, 10, … that hardly exceeds a distance."""
    power = 10.0 ** floor(log10(step))
    return max(unit for factor in (0.5, 1, 2, 5, 10) if (unit := factor * power) <= 1.1 * step)


def _round_to(number: float, unit: float) -> float:
    """Return the multiple of `unit` next to a number, without the traces of binary fractions."""
    return round(round(number / unit) * unit, max(0, 1 - floor(log10(unit))))


def _whole(number: float) -> int | float:
    return int(number) if float(number).is_integer() else number


def _days(values: Sequence[FacetValue]) -> list[str]:
    """Return at most `MOST - 1` bounds, rising: years where the values lie in three or more of them, else months, else days."""
    dates = [(match[0], one.count) for one in values if (match := _DATE.match(str(one.value)))]
    for length in _LENGTHS:
        counts: Counter[str] = Counter()
        for date, count in dates:
            counts[date[:length]] += count
        if len(counts) >= 3 or length == _LENGTHS[-1]:
            every = sorted(counts)[1:]
            return every if len(every) < MOST else _quantiles(counts)
    return []


def _quantiles(counts: Counter[Any]) -> list[Any]:
    """Return the values below which 1/5, 2/5, … of the documents lie, each once and none of them the lowest."""
    ordered = sorted(counts)
    total, seen, passed = sum(counts.values()), 0, 0
    bounds = []
    for value in ordered:
        if seen * MOST // total > passed:
            passed = seen * MOST // total
            bounds.append(value)
        seen += counts[value]
    return bounds
