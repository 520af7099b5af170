"""Types of fields: guessed, held to, compared; filters as typed."""

from __future__ import annotations

import pytest

from searchctl.errors import InvalidDocument, UsageError
from searchctl.fields import comparable, infer_type, new_fields
from searchctl.filters import as_conditions, check_conditions, parse_where
from searchctl.types import Exists, OneOf, Range


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
    [("number", "cheap"), ("number", True), ("number", "nan"), ("date", "soon"), ("boolean", "maybe")],
)
def test_values_of_another_type_are_refused(kind: str, value: object) -> None:
    with pytest.raises(InvalidDocument, match="'f'"):
        new_fields({"f": value}, {"f": kind})  # type: ignore[dict-item]


def test_only_unknown_fields_are_new() -> None:
    assert new_fields({"a": 1, "b": "x", "c": []}, {"a": "number"}) == {"b": "keyword"}


@pytest.mark.parametrize(
    ("clauses", "conditions"),
    [
        (["lang=ru"], {"lang": OneOf(("ru",))}),
        (["lang=ru, en"], {"lang": OneOf(("ru", "en"))}),
        (["lang=ru", "lang=en"], {"lang": OneOf(("ru", "en"))}),
        (["price>=10", "price<20"], {"price": Range(gte="10", lt="20")}),
        (["rating=*"], {"rating": Exists()}),
        (["url=a=b"], {"url": OneOf(("a=b",))}),
    ],
    ids=str,
)
def test_filters_as_typed(clauses: list[str], conditions: dict[str, object]) -> None:
    assert parse_where(clauses) == conditions


@pytest.mark.parametrize(
    "clauses", [["lang"], ["=x"], ["lang="], ["price>1", "price>2"], ["lang=ru", "lang>a"]], ids=str
)
def test_filters_that_make_no_sense_are_refused(clauses: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_where(clauses)


def test_a_wrong_filter_says_how_to_write_it() -> None:
    with pytest.raises(UsageError, match="no filter excludes"):
        parse_where(["lang!=ru"])
    with pytest.raises(UsageError, match="'yes' isn't one; write true or false"):
        check_conditions(parse_where(["archived=yes"]), {"archived": "boolean"})


def test_plain_values_mean_equals_and_lists_any_of() -> None:
    assert as_conditions({"a": 1, "b": ["x", "y"], "c": Range(gt=2)}) == {
        "a": OneOf((1,)),
        "b": OneOf(("x", "y")),
        "c": Range(gt=2),
    }
