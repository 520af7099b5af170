"""What a question asks for, and which sentences name it, in English and Russian."""

from __future__ import annotations

import pytest

from searchctl.explore.expected import expectation


@pytest.mark.parametrize(
    ("question", "naming", "other"),
    [
        (
            "How much does a third attempt cost?",
            "A third attempt is £3.50.",
            "Ask for a third attempt within the week.",
        ),
        ("What does the courier cost?", "Members pay four pounds.", "The courier comes at night."),
        ("Сколько стоит экспресс?", "Экспресс стоит 490 рублей.", "Экспресс привозят на велосипеде."),
        ("Какой залог за детектор?", "Детектор выдают под залог 1 000 рублей.", "Детектор найдёт провод."),
        ("How long is the code valid?", "It is good for ten days.", "Type 123 456."),
        ("When does the shop open?", "It opens at 10 am.", "It opens with a key."),
        ("Сколько времени даётся на примерку?", "На примерку — пятнадцать минут.", "Примерка — в кабинке 7."),
        ("До какого числа принимают заказы?", "Заказы — до 25 ноября.", "Заказы принимает менеджер."),
        ("How many lockers are there?", "There are 612 of them.", "They are dark green."),
        ("Какой вес выдерживает полка?", "Полка держит двенадцать килограммов.", "Полка из дуба."),
    ],
)
def test_sentences_that_name_the_kind_of_thing_fit_better(question: str, naming: str, other: str) -> None:
    fits = expectation(question)
    assert fits is not None and fits(naming) == 1.0 > fits(other)


@pytest.mark.parametrize(
    "question",
    [
        "How do I return a sofa?",
        "What happens when I close my account?",
        "Как вернуть диван?",
        "Что делать, когда пищит?",
    ],
)
def test_other_questions_ask_for_no_kind_of_thing(question: str) -> None:
    assert expectation(question) is None


def test_words_within_words_are_no_numbers() -> None:
    fits = expectation("Сколько их?")
    assert fits is not None
    assert fits("Семья стоит у столба, трибуна пятна не скрыла.") == 0.0 and fits("Их сорок.") == 1.0
