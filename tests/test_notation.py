"""How tables write numbers, and what a column is."""

from __future__ import annotations

import pytest

from searchctl.notation import column_kind, epoch, parse_date, parse_number, read_cell, table_cell


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("-5.50", -5.5),
        ("1e5", 100_000),
        ("9,90", 9.9),
        ("1 290,50", 1290.5),
        ("1.290,50", 1290.5),
        ("1,290.50", 1290.5),
        ("1'000'000", 1_000_000),
        ("0,125", 0.125),
        ("1,290", None),
        ("1_000", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("12А", None),
        ("", None),
    ],
)
def test_numbers_are_understood_where_only_one_reading_is_possible(text: str, number: float | None) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["9,90", "15200,00", "1 290,50"], [9.9, 15200, 1290.5]),
        (["0,125", "1,290"], [0.125, 1.29]),
        (["1,234.50", "1,290"], [1234.5, 1290]),
        (["1,290", "2,500"], ["1,290", "2,500"]),
        (["5", "NULL", "", "12"], [5, None, None, 12]),
        (["007", "12"], ["007", "12"]),
        (["4111111111111111", "5"], ["4111111111111111", "5"]),
        (["+79001234567"], ["+79001234567"]),
        (["true", "False"], [True, False]),
        (["open", "NULL", r"\N"], ["open", "NULL", None]),
    ],
    ids=str,
)
def test_a_column_is_of_one_kind(cells: list[str], read: list[object]) -> None:
    kind = column_kind(cells)
    assert [read_cell(cell, kind) for cell in cells] == read


def test_a_cell_that_comes_later_stays_as_it_is_where_it_is_no_number() -> None:
    assert read_cell("12А", "number") == "12А"
    assert read_cell("007", "number") == "007"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-01-02 23:30:00 UTC", "2026-01-02T23:30:00+00:00"),
        ("5 января 2026 г.", "2026-01-05"),
        ("05 сент. 2026 в 9:15", "2026-09-05T09:15:00"),
        ("March 1st, 2026 12:05 AM", "2026-03-01T00:05:00"),
        ("Mon, 05 Jan 2026 10:00:00 +0300 (MSK)", "2026-01-05T10:00:00+03:00"),
        ("Wed Oct 10 20:19:24 +0000 2018", "2018-10-10T20:19:24+00:00"),
        ("05/Jan/26 1:00 PM", "2026-01-05T13:00:00"),
        ("17-DEC-99", "1999-12-17"),
    ],
)
def test_dates_whose_form_leaves_no_doubt_are_understood(text: str, iso: str) -> None:
    assert parse_date(text) == iso


@pytest.mark.parametrize("text", ["31 Feb 2026", "Mayor 5 2026", "5 ма 2026", "May", "Room 12 10:00 2026"])
def test_words_beside_numbers_are_no_dates(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize("text", ["31.02.2026", "2026-13-40", "9999-12-31T23:59:59+99:99", "1.2", "soon", "2026"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None
    assert epoch(text) is None


@pytest.mark.parametrize("text", ["=cmd|'/C calc'!A0", "+SUM(1)", "@x", "-2+3", " =1", "\t=1", "\uff1dx", "- a list"])
def test_a_formula_is_quoted_in_tables(text: str) -> None:
    assert table_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "-5", "+7 900", "-1 290,50", "a=b", "words"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert table_cell(text) == text
