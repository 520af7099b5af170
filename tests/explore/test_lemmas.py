"""Terms as headings: Russian words in their dictionary form, phrases in agreement, others as they are."""

from __future__ import annotations

import pytest

from searchctl.explore import lemmas
from searchctl.explore.lemmas import as_heading
from searchctl.explore.terms import terms_of


@pytest.mark.parametrize(
    ("written", "heading"),
    [
        ("возврата", "возврат"),
        ("заказы", "заказ"),
        ("паролем", "пароль"),
        ("денег", "деньги"),
        ("ножницы", "ножницы"),
        ("подарочных карт", "подарочная карта"),
        ("стиральной машины", "стиральная машина"),
        ("личном кабинете", "личный кабинет"),
        ("детских ножниц", "детские ножницы"),
        ("возврата товара", "возврат товара"),
        ("refunds", "refunds"),
        ("gift cards", "gift cards"),
        ("доставка usb", "доставка usb"),
    ],
)
def test_a_term_becomes_a_heading(written: str, heading: str) -> None:
    assert as_heading(written) == heading


def test_without_the_library_terms_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lemmas, "_analyzer", lambda: None)
    assert as_heading("подарочных карт") == "подарочных карт"


def test_topics_are_named_by_dictionary_forms() -> None:
    texts = ["Не помню пароля", "Письма с паролем нет", "Без пароля не войти", "Курьера ждали", "Курьеру звонили"]
    names = [term.text for terms in terms_of(texts, [0, 0, 0, 1, 1]).values() for term in terms]
    assert "пароль" in names
    assert "курьер" in names
    assert not {"пароля", "курьера", "курьеру"} & set(names)
