"""Ranges that suit a field's values."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchctl.search.facet_ranges import MOST, suitable_ranges
from searchctl.types import FacetValue, Range


def counted(values: list[float]) -> list[FacetValue]:
    return [FacetValue(value, count) for value, count in Counter(values).most_common()]


def of_days(*days: str) -> tuple[Range, ...]:
    return suitable_ranges("date", [FacetValue(f"{day}T00:00:00Z", 1) for day in days])


def test_few_values_need_no_ranges() -> None:
    assert suitable_ranges("number", counted([1, 2, 3, 4, 5, 5])) == ()
    assert suitable_ranges("date", [FacetValue("2024-01-01T00:00:00Z", 3)]) == ()


def test_bounds_are_round_and_the_parts_about_as_large() -> None:
    rng = random.Random(1)
    prices = [rng.randint(1, 500) for _ in range(1000)]
    ranges = suitable_ranges("number", counted(list(map(float, prices))))
    assert ranges == (
        Range(lt=100),
        Range(gte=100, lt=200),
        Range(gte=200, lt=300),
        Range(gte=300, lt=400),
        Range(gte=400),
    )


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=60))
def test_every_value_is_in_exactly_one_range(values: list[float]) -> None:
    ranges = suitable_ranges("number", counted(values))
    assert len(ranges) <= MOST
    for value in values if ranges else []:
        assert sum((one.gte is None or one.gte <= value) and (one.lt is None or value < one.lt) for one in ranges) == 1


@pytest.mark.parametrize(
    ("days", "bounds"),
    [
        ([f"20{year}-0{month}-01" for year in (21, 22, 23) for month in (1, 5, 9)], ["2022", "2023"]),
        ([f"2024-0{month}-0{day}" for month in (1, 2, 3, 4) for day in (1, 2)], ["2024-02", "2024-03", "2024-04"]),
        ([f"2024-01-1{day}" for day in range(8)], ["2024-01-12", "2024-01-14", "2024-01-15", "2024-01-17"]),
    ],
    ids=["years", "months", "days"],
)
def test_dates_are_parted_at_years_months_or_days(days: list[str], bounds: list[str]) -> None:
    assert [one.gte for one in of_days(*days)] == [None, *bounds]
    assert [one.lt for one in of_days(*days)] == [*bounds, None]
