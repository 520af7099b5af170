"""Topics over time: how many documents of each topic fall in each day, week, month, quarter, year, decade or century."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from searchctl.explore.cluster import Labels

MOST_PERIODS = 36
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_Number: TypeAlias = Callable[[date], int]
_Name: TypeAlias = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class TopicTimeline:
    """`counts` (topics + 1, periods): documents of each topic in each period; the last row is of those in none.

    `unit` is the periods' length, such as "month"; periods without documents between the first and the last are there, too.
    `undated` counts documents without a date.
    """

    unit: str
    periods: tuple[str, ...]
    counts: NDArray[np.int64]
    undated: int


def _week(number: int) -> str:
    year, week, _ = date.fromordinal(number * 7 + 1).isocalendar()
    return f"{year}-W{week:02}"


_UNITS: Mapping[str, tuple[_Number, _Name]] = {  # the finest first: a date's number, and that number's name
    "day": (date.toordinal, lambda number: date.fromordinal(number).isoformat()),
    "week": (lambda day: (day.toordinal() - 1) // 7, _week),
    "month": (lambda day: day.year * 12 + day.month - 1, lambda number: f"{number // 12:04}-{number % 12 + 1:02}"),
    "quarter": (lambda day: day.year * 4 + (day.month - 1) // 3, lambda number: f"{number // 4:04}-Q{number % 4 + 1}"),
    "year": (lambda day: day.year, lambda number: f"{number:04}"),
    "decade": (lambda day: day.year // 10, lambda number: f"{number}0–{number}9"),
    "century": (lambda day: day.year // 100, lambda number: f"{number}00–{number}99"),
}


def topic_timeline(labels: Labels, dates: Sequence[float | None]) -> TopicTimeline | None:
    """Return how topics come and go; `labels` (n,) are the documents' topics, -1 for none, `dates` seconds since 1970 in UTC.

    The periods are the finest of which there are at most 36. None where no document has a date of the years 1 to 9999.
    """
    days = [_day(seconds) for seconds in dates]
    known = [day for day in days if day is not None]
    if not known:
        return None
    first, last = min(known), max(known)
    unit, (number, name) = next(
        (one for one in _UNITS.items() if one[1][0](last) - one[1][0](first) < MOST_PERIODS), [*_UNITS.items()][-1]
    )
    begin = number(first)
    counts = np.zeros((int(labels.max(initial=-1)) + 2, number(last) - begin + 1), np.int64)
    for label, day in zip(labels.tolist(), days, strict=True):
        if day is not None:
            counts[label, number(day) - begin] += 1  # -1 is the last row
    return TopicTimeline(
        unit, tuple(name(begin + place) for place in range(counts.shape[1])), counts, len(days) - len(known)
    )


def _day(seconds: float | None) -> date | None:
    if seconds is None:
        return None
    try:
        return (_EPOCH + timedelta(seconds=seconds)).date()
    except OverflowError:
        return None
