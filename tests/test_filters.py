"""Filters decided document by document agree with the engine's own, which decides them by its facets."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.engines import open_engine
from searchctl.errors import UsageError
from searchctl.filters import as_conditions, parse_where
from searchctl.index import Index
from searchctl.schema import Schema
from searchctl.types import Document, Entry, Passage, Scope, Value

FIELDS: dict[str, dict[str, Value]] = {
    "a": {"lang": "en", "year": 2019, "day": "2019-05-01", "open": True, "tags": ["red", "blue"]},
    "b": {"lang": "ru", "year": 2020, "day": "2020-05-01T12:00:00Z", "open": False, "tags": ["blue"]},
    "c": {"lang": "en", "year": 2021.5, "tags": []},
    "d": {},
    "e": {"lang": ["ru", "en"], "year": [1999, 2022], "note": "prose " * 60},
}
TYPES = {"lang": "keyword", "year": "number", "day": "date", "open": "boolean", "tags": "keyword", "note": "text"}
CLAUSES = [
    ["lang=en"],
    ["lang=en,ru"],
    ["lang=*"],
    ["note=*"],
    ["tags=blue"],
    ["tags=*"],
    ["year>=2020"],
    ["year>2020", "year<=2021.5"],
    ["year<2020"],
    ["day<2020-05-01"],
    ["day>=2020-05-01T12:00:00+00:00"],
    ["open=true"],
    ["open=false", "lang=ru"],
    ["lang>en"],
    ["lang=de"],
]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    engine = open_engine(tmp_path / "engine")
    engine.create("default", Schema(None, fields=TYPES))  # type: ignore[arg-type]
    engine.write(
        "default", [Entry(Document(id, "text", "", fields), (Passage(0, 4),)) for id, fields in FIELDS.items()]
    )
    engine.refresh("default")
    return Index(engine, "default")


@pytest.mark.parametrize("clauses", CLAUSES, ids=" ".join)
def test_agrees_with_the_engine(clauses: list[str], index: Index) -> None:
    where = parse_where(clauses)
    expected = index.engine.count("default", Scope(as_conditions(where)))
    assert len(list(index.matching_ids(where))) == expected
    index.close()


def test_worked_by_hand(index: Index) -> None:
    assert list(index.matching_ids(parse_where(["year>=2020", "lang=en"]))) == ["c", "e"]
    assert list(index.matching_ids(parse_where(["day=*"]))) == ["a", "b"]
    with pytest.raises(UsageError, match="did you mean 'lang'"):
        list(index.matching_ids(parse_where(["land=en"])))
    index.close()
