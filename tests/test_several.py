"""A single string is one item wherever several are meant, never its letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.several import as_texts
from searchctl.sources import FieldMapping, discover


def test_a_single_string_is_one() -> None:
    assert as_texts("tea") == ["tea"]
    assert as_texts(word for word in ("tea", "milk")) == ["tea", "milk"]
    mapping = FieldMapping(text="body", keep="price", apart="label")  # type: ignore[arg-type]
    assert (mapping.text, mapping.keep, mapping.apart) == (("body",), ("price",), ("label",))


@pytest.mark.parametrize("given", [5, None, b"tea", {"a": 1}, [1], [None]])
def test_what_is_no_text_is_refused(given: object) -> None:
    with pytest.raises(UsageError, match="a query is expected"):
        as_texts(given, "a query")  # type: ignore[arg-type]


def test_an_index_takes_single_strings(tmp_path: Path) -> None:
    with Index.open(tmp_path / "ix", encoder="hashing:16", synonyms="tv, television") as index:
        assert index.schema.synonyms == ("tv, television",)
        index.ingest("a tv set")
        assert len(index.search_many("tv")) == 1
        index.use_synonyms("set, kit")
        assert index.schema.synonyms == ("set, kit",)
        for given in (5, None, b"tv"):
            with pytest.raises(UsageError, match="a query is expected"):
                index.search(given)  # type: ignore[arg-type]
        assert index.delete("nothing") == 0


def test_paths_and_patterns_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.md").write_text("b")
    assert len(discover(tmp_path)) == len(discover([tmp_path])) == 2
    assert [file.uri for file in discover(str(tmp_path), include="*.md")] == ["b.md"]
    assert [file.uri for file in discover(str(tmp_path), exclude="*.md")] == ["a.txt"]


def test_half_a_letter_is_looked_for_like_any_other(tmp_path: Path) -> None:
    with Index.open(tmp_path / "ix", encoder="hashing:16") as index:
        index.ingest({"id": "a", "text": "gift card", "tag": "\ud83d"})
        assert [hit.id for hit in index.search("gift\ud83d card")] == ["a"]
        assert [hit.id for hit in index.similar("gift \ud83d card")] == ["a"]
        assert index.get("\ud83d") is None
        assert index.delete("\ud83d") == 0
        assert index.count({"tag": "\ud83d"}) == 1  # as it is stored
