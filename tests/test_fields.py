"""Types of fields: guessed, held to, compared; filters as typed."""

from __future__ import annotations

import pytest

from searchctl.errors import InvalidDocument
from searchctl.fields import comparable, comparables, fit, infer_type, new_types
from searchctl.schema import FieldType
from searchctl.types import Scalar


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("red", "keyword"),
        (["red", "blue"], "keyword"),
        (5, "number"),
        ([1, 2.5], "number"),
        (True, "boolean"),
        ("2026-03-14", "date"),
        ("2026-03-14T10:20:30Z", "date"),
        ("14.03.2026 10:20", "date"),
        ("NULL", None),
        ("2026-13-40", "keyword"),
        ("2026", "keyword"),
        ("word " * 100, "text"),
        ([], None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_types_are_guessed_from_values(value: object, kind: str | None) -> None:
    assert infer_type(value) == kind  # type: ignore[arg-type]


def test_dates_compare_as_moments() -> None:
    assert comparable("day", "date", "1970-01-02") == 86400
    assert comparable("day", "date", "1970-01-01T03:00:00+03:00") == 0


@pytest.mark.parametrize(
    ("kind", "value"),
    [("number", "cheap"), ("number", True), ("number", "1,290"), ("number", "1e999"), ("date", "soon"), ("date", 5)]
    + [("date", "31.02.2026"), ("boolean", "maybe"), ("boolean", 2)],
)
def test_values_of_another_type_are_kept_and_told_but_not_compared(kind: FieldType, value: Scalar) -> None:
    stored, misfits = fit({"f": value, "g": "red"}, {"f": kind, "g": "keyword"})
    assert stored == {"f": value, "g": "red"}
    assert [(misfit.name, misfit.value) for misfit in misfits] == [("f", value)]
    assert list(comparables("f", kind, value)) == []
    with pytest.raises(InvalidDocument, match="'f'"):
        comparable("f", kind, value)


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("number", "15200,00", 15200),
        ("number", "1\u00a0290,50", 1290.5),
        ("number", "0,125", 0.125),
        ("number", "2", 2),
        ("date", "05.03.2026", "2026-03-05"),
        ("date", "5.3.2026 9:10", "2026-03-05T09:10:00"),
        ("date", "2026/03/05", "2026-03-05"),
        ("date", "2026-03-05T10:20:30.123456789+0300", "2026-03-05T10:20:30.123456789+0300"),
        ("boolean", "да", True),
        ("boolean", "false", False),
    ],
)
def test_values_in_other_notations_are_stored_in_one(kind: FieldType, value: Scalar, stored: Scalar) -> None:
    assert fit({"f": value}, {"f": kind}) == ({"f": stored}, [])


@pytest.mark.parametrize("word", ["NULL", r"\N", "N/A", "-", "н/д", "0000-00-00", "0000-00-00 00:00:00", " "])
@pytest.mark.parametrize("kind", ["number", "date", "boolean"])
def test_words_for_nothing_are_nothing_in_typed_fields_only(word: str, kind: FieldType) -> None:
    assert fit({"f": word}, {"f": kind}) == ({}, [])
    assert fit({"f": word}, {"f": "keyword"}) == ({"f": word}, [])


def test_of_a_list_what_fits_is_compared() -> None:
    stored, misfits = fit({"f": [1, "x", "2,5"]}, {"f": "number"})
    assert stored == {"f": [1, "x", 2.5]}
    assert [misfit.value for misfit in misfits] == ["x"]
    assert list(comparables("f", "number", [1, "x", 2.5])) == [1, 2.5]


def test_a_format_can_be_given_for_dates() -> None:
    assert fit({"f": "03/05/2026"}, {"f": "date"}, {"f": "%m/%d/%Y"}) == ({"f": "2026-03-05"}, [])
    assert fit({"f": "03/05/26 7:08"}, {"f": "date"}, {"f": "%d/%m/%y %H:%M"}) == ({"f": "2026-05-03T07:08:00"}, [])


def test_whole_numbers_of_64_bits_stay_exact() -> None:
    assert comparable("n", "number", "1234567890123456702") == 1234567890123456702
    assert comparable("n", "number", 1234567890123456702) != comparable("n", "number", 1234567890123456701)


def test_only_unknown_fields_get_new_types() -> None:
    assert new_types({"a": 1, "b": "x", "c": [], "d": "N/A"}, {"a": "number"}) == {"b": "keyword"}
