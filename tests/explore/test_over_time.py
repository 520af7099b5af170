"""Topics over time: every document with a date is counted once, in the period that it falls in."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchctl.explore.over_time import MOST_PERIODS, topic_timeline


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("first", "last", "unit", "periods"),
    [
        ("2024-05-01", "2024-05-03", "day", ["2024-05-01", "2024-05-02", "2024-05-03"]),
        ("2024-12-30", "2025-02-09", "week", ["2025-W01", "2025-W02", "2025-W03", "2025-W04", "2025-W05", "2025-W06"]),
        (
            "2023-11-02",
            "2024-09-01",
            "month",
            ["2023-11", *(f"2023-{n}" for n in (12,)), *(f"2024-0{n}" for n in range(1, 10))],
        ),
        ("2019-02-01", "2019-02-01", "day", ["2019-02-01"]),
    ],
)
def test_periods_are_the_finest_that_are_few_enough(first: str, last: str, unit: str, periods: list[str]) -> None:
    found = topic_timeline(np.array([0, 0]), [seconds(first), seconds(last)])
    assert found is not None and found.unit == unit
    assert list(found.periods) == (periods if unit != "day" or len(periods) < MOST_PERIODS else found.periods)
    assert found.counts.sum() == 2 and found.counts[0, 0] >= 1 and found.counts[0, -1] >= 1


def test_topics_have_rows_and_those_in_none_the_last() -> None:
    days = [seconds("2024-01-01"), seconds("2024-01-02"), None, seconds("2024-01-02")]
    found = topic_timeline(np.array([0, 1, 1, -1]), days)
    assert found is not None and found.undated == 1
    assert found.counts.tolist() == [[1, 0], [0, 1], [0, 1]]
    assert topic_timeline(np.array([0]), [None]) is None
    assert topic_timeline(np.array([0]), [1e18]) is None


@given(st.lists(st.floats(-6e10, 2.5e11), min_size=1, max_size=30))
def test_whatever_the_dates_each_is_counted_once(dates: list[float]) -> None:
    found = topic_timeline(np.zeros(len(dates), np.int64), list(dates))
    assert found is not None and found.counts.sum() == len(dates)
    assert len(found.periods) == found.counts.shape[1] <= 101 and len(set(found.periods)) == len(found.periods)
