"""What Python hands over: the values that files may hold, and errors that name document and field."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from uuid import UUID

import numpy as np
import pytest

from searchctl.errors import InvalidDocument
from searchctl.index import Index
from searchctl.ingest.given import as_document, given_documents
from searchctl.types import Document


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, None),
        ("", None),
        (float("nan"), None),
        (Decimal("NaN"), None),
        (np.float32("nan"), None),
        ([], None),
        (datetime.date(2026, 3, 5), "2026-03-05"),
        (datetime.datetime(2026, 3, 5, 14, 22, tzinfo=datetime.timezone.utc), "2026-03-05T14:22:00+00:00"),
        (np.datetime64("2026-03-05"), "2026-03-05"),
        (np.datetime64("NaT", "s"), None),
        (Decimal("9.90"), 9.9),
        (Decimal("5"), 5),
        (np.int64(1234567890123456702), 1234567890123456702),
        (np.float64(2.5), 2.5),
        (np.bool_(True), True),
        (np.str_("word"), "word"),
        (np.array([1, 2]), [1, 2]),
        ((1, "a", None), [1, "a"]),
        ({"b", "a"}, ["a", "b"]),
        (10**30, str(10**30)),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (PurePosixPath("/a/b"), "/a/b"),
        (Colour.RED, "red"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_taken_in_their_plain_form(value: object, stored: object) -> None:
    for given in ({"id": "a", "text": "t", "f": value}, Document("a", "t", "", {"f": value})):  # type: ignore[dict-item]
        fields = as_document(given).fields
        assert fields == ({} if stored is None else {"f": stored})
        assert stored is None or type(fields["f"]) is type(stored)


def test_inner_mappings_are_flattened() -> None:
    given = {"text": "t", "author": OrderedDict(name="Ann", born={"year": 1970}), "author.name": "wins"}
    assert as_document(given).fields == {"author.name": "wins", "author.born.year": 1970}


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"id": "a", "text": "t", "f": b"x"}, ["document 0 ('a')", "'f'", "a bytes"]),
        pytest.param(
            {"id": "a", "text": "t", "f": {"g": object()}}, ["document 0 ('a')", "'f.g'", "an object"], id="object"
        ),
        ({"id": "a", "text": "t", "f": [[1]]}, ["document 0 ('a')", "'f'", "a list"]),
        ({"id": "a", "text": b"t"}, ["document 0 ('a')", "'text'", "a bytes"]),
        ({"id": ["a"], "text": "t"}, ["document 0", "'id'", "a list"]),
        ({"id": True, "text": "t"}, ["document 0", "'id'", "a bool"]),
        ({"id": "a", "text": "t", 5: "x"}, ["document 0 ('a')", "5", "an int"]),
        ({"name": "x"}, ["document 0", "'text' or a 'title'", "name"]),
        (5, ["document 0", "an int"]),
        (Document("a", "t", "", {"f": b"x"}), ["document 0 ('a')", "'f'"]),  # type: ignore[dict-item]
    ],
    ids=lambda value: str(value).partition(" object at")[0],
)
def test_errors_name_document_and_field(given: object, parts: list[str]) -> None:
    with pytest.raises(InvalidDocument) as raised:
        as_document(given)  # type: ignore[arg-type]
    assert [part for part in parts if part not in str(raised.value)] == []


def test_a_cycle_ends_in_an_error() -> None:
    given: dict[str, object] = {"text": "t"}
    given["self"] = given
    with pytest.raises(InvalidDocument, match="nested deeper"):
        as_document(given)


@pytest.mark.parametrize(
    "single", ["a text", {"text": "a text"}, Document("a", "a text")], ids=["str", "dict", "Document"]
)
def test_a_single_document_needs_no_list(single: object, index: Index) -> None:
    assert index.ingest(single).written == 1  # type: ignore[arg-type]
    assert [hit.document.text for hit in index.search("text")] == ["a text"]


def test_a_table_of_pandas_gives_its_rows() -> None:
    class Table:
        columns = ("text", "price")

        def to_dict(self, orient: str) -> list[dict[str, object]]:
            assert orient == "records"
            return [{"text": "lamp", "price": np.float64(5.5)}]

    (document,) = given_documents(Table())  # type: ignore[arg-type]
    assert (document.text, document.fields) == ("lamp", {"price": 5.5})


def test_what_is_no_document_is_refused() -> None:
    for given in (b"bytes", 5, None):
        with pytest.raises(InvalidDocument, match="strings, mappings or Documents"):
            list(given_documents(given))  # type: ignore[arg-type]


def test_dates_and_numbers_are_typed_fields(index: Index) -> None:
    index.ingest([{"id": "1", "text": "lamp", "day": datetime.date(2026, 3, 5), "price": Decimal("9.90"), "f": None}])
    assert dict(index.schema.fields) == {"day": "date", "price": "number"}
    assert index.count({"price": 9.9}) == 1


def test_half_a_letter_in_any_place_is_replaced_or_refused(index: Index) -> None:
    index.ingest([{"id": "1", "text": "half \ud83d", "title": "\ude00", "f\ud83d": "v\ud83d"}])
    with pytest.raises(InvalidDocument, match="half a letter"):
        index.ingest([{"id": "\ud83d", "text": "t"}])
    assert index.count() == 1


@pytest.mark.parametrize("nothing", [float("nan"), np.float64("nan"), None])
def test_nan_is_no_word(nothing: object) -> None:
    document = as_document({"id": nothing, "text": nothing, "title": "Lamp"})
    assert (document.text, document.title) == ("", "Lamp") and "nan" not in document.id
    with pytest.raises(InvalidDocument, match="needs a 'text' or a 'title'"):
        as_document({"id": "a", "text": nothing, "title": nothing})


def test_lists_of_mappings_can_be_filtered_by_as_in_files(index: Index) -> None:
    labels = [{"name": "bug", "by": {"login": "ann"}}, {"name": "ui", "n": 5}]
    index.ingest([{"id": "1", "text": "lamp", "labels": labels}, {"id": "2", "text": "lamp", "labels": ()}])
    found = index.get("1")
    assert found is not None
    assert found.fields == {"labels.name": ["bug", "ui"], "labels.by.login": ["ann"], "labels.n": [5]}
    assert index.count("labels.name=ui") == 1
