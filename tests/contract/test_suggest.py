"""Suggestions as one types, on every engine: made of what the index holds, and anew after each change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from searchctl.engines.base import FullEngine
from searchctl.errors import UsageError
from searchctl.index import Index
from searchctl.schema import Schema
from searchctl.types import Document, Entry, Suggestion

NAMES = [
    ("Returning an item", "Send the item back within 30 days. Express delivery takes one day."),
    ("Return policy", "Our return policy. Express delivery takes one day."),
    ("Gift cards", "A gift card never expires, nor can you return it. Express delivery takes one day."),
    ("Возврат товара", "Верните товар за 30 дней."),
    ("Ёлочные игрушки", "Верните товар за 30 дней."),
    ("Доставка за рубеж", "Верните товар за 30 дней, если доставка опоздала."),
]


@pytest.fixture
def index(engine: FullEngine) -> Index:
    engine.create("shop", Schema(None))
    engine.write("shop", [Entry(Document(f"d{place}", text, title)) for place, (title, text) in enumerate(NAMES)])
    return Index(engine, "shop")


def texts(index: Index, typed: str, k: int = 8) -> list[str]:
    return [one.text for one in index.suggest(typed, k)]


def test_titles_come_first_with_the_document_they_name(index: Index) -> None:
    given = index.suggest("ret")
    assert given[0] == Suggestion("Return policy", "title", "d1") and given.ready
    assert {"Returning an item", "return"} <= {one.text for one in given}


@pytest.mark.parametrize(
    ("typed", "meant", "repair"),
    [
        ("item ret", "Returning an item", None),
        ("RETURN P", "Return policy", None),
        ("елоч", "Ёлочные игрушки", None),
        ("express d", "express delivery", None),
        ("retrun", "Return policy", "spelling"),
        ("etur", "Return policy", "spelling"),
        ("gft car", "Gift cards", "spelling"),
        ("дотсав", "Доставка за рубеж", "spelling"),
        ("djpdhfn", "Возврат товара", "keyboard layout"),
        ("пшае", "Gift cards", "keyboard layout"),
        ("vozvr", "Возврат товара", "transliteration"),
    ],
)
def test_a_beginning_becomes_what_was_meant(index: Index, typed: str, meant: str, repair: str | None) -> None:
    found = {one.text: one.repair for one in index.suggest(typed)}
    assert meant in found and found[meant] == repair


def test_the_last_word_is_completed_after_words_that_stand_in_no_title(index: Index) -> None:
    assert "how do i return" in texts(index, "how do i ret")


def test_nothing_like_it_and_nothing_typed_give_nothing(index: Index) -> None:
    assert [texts(index, typed) for typed in ("qqqzzz", "", "   ", "[];", "\x00\ud800")] == [[], [], [], [], []]
    with pytest.raises(UsageError, match="1 to 50"):
        index.suggest("ret", 0)


def test_no_phrase_leaves_out_what_stands_between(index: Index) -> None:
    index.engine.write(
        "shop", [Entry(Document(f"n{number}", "Even in a storm, within 30 days.")) for number in range(5)]
    )
    given = {one.text for typed in ("even", "within", "storm", "days", "in") for one in index.suggest(typed)}
    assert "even in a storm" not in given and not {"within days", "storm within", "in storm"} & given


def test_a_blank_ends_a_word(index: Index) -> None:
    assert "Returning an item" in texts(index, "return") and "Returning an item" not in [
        one.text for one in index.suggest("return ") if one.repair is None
    ]


def test_what_is_written_is_suggested_and_what_is_deleted_is_not(index: Index) -> None:
    assert texts(index, "warr") == []
    index.engine.write("shop", [Entry(Document("new", "Two years.", "Warranty"))])
    assert texts(index, "warr") == ["Warranty"]
    index.delete("new")
    assert texts(index, "warr") == []


def test_another_process_reads_what_one_has_gathered(index: Index) -> None:
    expected = list(index.suggest("ret"))
    (kept,) = index.info().folder.glob("completions.npz")
    other = Index(index.engine, "shop")
    assert list(other.suggest("ret")) == expected
    for damaged in (b"", b"PK nonsense", kept.read_bytes()[:200]):
        kept.write_bytes(damaged)
        assert list(Index(index.engine, "shop").suggest("ret")) == expected


def test_a_file_of_a_later_format_is_made_anew(index: Index, tmp_path: Path) -> None:
    expected = list(index.suggest("ret"))
    (kept,) = index.info().folder.glob("completions.npz")
    with np.load(kept, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    note = arrays["note"].tobytes().replace(b'"format": 1', b'"format": 9')
    np.savez(kept, **{**arrays, "note": np.frombuffer(note, np.uint8)})  # type: ignore[arg-type]
    assert list(Index(index.engine, "shop").suggest("ret")) == expected
