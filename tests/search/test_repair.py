"""Queries typed on the wrong keyboard layout or in the wrong alphabet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from searchctl.index import Index
from searchctl.search.repair import repairs, to_cyrillic, to_latin
from searchctl.types import Repair


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ghbdtn", "привет"),
        ("Rfr dthyenm njdfh?", "Как вернуть товар,"),  # the key of "?" gives a comma there
        ("kjubcnbrf ,tp j,]tpljd", "логистика без объездов"),
        ("руддщ цщкдв", "hello world"),
        ("шЗрщту", "iPhone"),
    ],
)
def test_keyboard_layouts(typed: str, meant: str) -> None:
    assert next(iter(repairs(typed))) == Repair(meant, "keyboard layout")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dostavka", "доставка"),
        ("vozvrat tovara", "возврат товара"),
        ("borshch", "борщ"),
        ("novyy chayka", "новый чайка"),
        ("podklyuchenie", "подключение"),
        ("syr", "сыр"),
    ],
)
def test_russian_in_latin_letters(typed: str, meant: str) -> None:
    assert to_cyrillic(typed) == meant


def test_names_in_cyrillic_letters() -> None:
    assert [to_latin(name) for name in ("Самсунг", "тойота", "Адидас")] == ["samsung", "toyota", "adidas"]


@pytest.mark.parametrize("text", ["", "4711", "купить iphone", "!?"])
def test_nothing_to_repair(text: str) -> None:
    assert list(repairs(text)) == []


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("repair") / "engine", encoder="hashing:64") as opened:
        opened.ingest(
            [
                {"id": "ru", "text": "Как вернуть товар и получить деньги обратно"},
                {"id": "en", "text": "The delivery takes three days"},
                *({"id": f"other{n}", "text": f"unrelated words of number{n}"} for n in range(30)),
            ]
        )
        yield opened


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_a_query_that_finds_no_word_is_repaired_and_says_so(index: Index, mode: str) -> None:
    for typed, meant, kind, found in (
        ("dthyenm njdfh", "вернуть товар", "keyboard layout", "ru"),
        ("vernut tovar", "вернут товар", "transliteration", "ru"),
        ("вудшмукн", "delivery", "keyboard layout", "en"),
        ("деливери", "deliveri", "transliteration", "en"),
    ):
        results = index.search(typed, mode=mode)  # type: ignore[arg-type]
        assert results.repaired == Repair(meant, kind)  # type: ignore[arg-type]
        assert results.query == typed
        assert results[0].id == found


def test_repair_can_be_declined(index: Index) -> None:
    results = index.search("dthyenm njdfh", mode="lexical", repair=False)
    assert results.repaired is None
    assert not results.hits


@pytest.mark.parametrize("text", ["delivery zxqw", "деньги", "zxqw vbnm", "qwerty"])
def test_what_is_known_or_unknown_either_way_stays(index: Index, text: str) -> None:
    assert index.search(text).repaired is None


def test_only_the_words_that_the_index_lacks_are_read_in_another_way(index: Index) -> None:
    results = index.search("delivery njdfh")
    assert results.repaired == Repair("delivery товар", "keyboard layout")


def test_pages_of_a_repaired_query_fit_together(index: Index) -> None:
    whole = [hit.id for hit in index.search("dthyenm njdfh", 20)]
    pages = [hit.id for start in (0, 5, 10, 15) for hit in index.search("dthyenm njdfh", 5, start=start)]
    assert pages == whole
