"""What is left out of what a model wrote, and why."""

from __future__ import annotations

import pytest

from searchctl.generation.agreement import agreement_of
from searchctl.generation.sifting import KnownTexts, WrittenText, is_in_language, longest_copy, sift

SOURCE = "Members of the workshop may take hand tools home for three days and bring them back clean"


def kept(
    *texts: str, examples: tuple[str, ...] = (), held_out: tuple[str, ...] = (), before: tuple[str, ...] = ()
) -> list[str]:
    written = [WrittenText(text, SOURCE, "en") for text in texts]
    rows, left_out = sift(written, KnownTexts(examples), KnownTexts(held_out), before)
    assert len(rows) + left_out.total() == len(texts)
    return [texts[row] for row in rows]


def reason(text: str, language: str = "en", **known: tuple[str, ...]) -> str:
    rows, left_out = sift(
        [WrittenText(text, SOURCE, language)],
        KnownTexts(known.get("examples", ())),
        KnownTexts(known.get("held_out", ())),
    )
    assert not rows
    return next(iter(left_out))


def test_each_reason_has_its_name() -> None:
    assert reason("?!") == "too short"
    assert reason("drill " * 100) == "too long"
    assert reason("I'm sorry, I can't do that") == "refused"
    assert reason("можно ли взять дрель домой") == "wrong language"
    assert reason("borrow a drill", "ru", examples=()) == "wrong language"
    assert reason("Late fee: workshop hammer!", examples=("late fee workshop hammer",)) == "an example of the prompt"
    assert reason("how long may I keep a saw", held_out=("how long may I keep a saw?",)) == "held out"
    assert reason("so I may take hand tools home for how long") == "copied"


def test_repetitions_keep_the_first() -> None:
    assert kept("borrow a drill", "Borrow a drill!", "rent a sander", "borrow a  DRILL") == [
        "borrow a drill",
        "rent a sander",
    ]
    assert kept("borrow a drill", "rent a sander", before=("Rent a sander?",)) == ["borrow a drill"]
    near = "how long may members keep the tools they have taken home"
    assert kept(near, near + " now", "another thing altogether") == [near, "another thing altogether"]


@pytest.mark.parametrize(
    ("text", "language", "fits"),
    [
        ("iPhone 15", "ru", True),
        ("замена стекла Samsung Galaxy S24 Ultra", "ru", True),
        ("how to return", "ru", False),
        ("як повернути товар", "ru", True),  # no letter that Russian hasn't
        ("як змінити адресу доставки", "ru", False),
        ("E-17", "ru", True),
        ("404", "en", True),
        ("возврат", "en", False),
        ("如何退货", "en", False),
        ("wie gebe ich das zurück", "de", True),
    ],
)
def test_languages_are_told_by_letters(text: str, language: str, fits: bool) -> None:
    assert is_in_language(text, language) is fits


def test_the_longest_copy_is_counted_in_words() -> None:
    assert longest_copy("one two three four", "zero ONE, two; three! five four") == 3
    assert longest_copy("a a b", "a b a a a b") == 3
    assert longest_copy("nothing", "else") == 0


def test_agreement_is_cohens() -> None:
    """The example of Wikipedia's article on Cohen's kappa: 20 and 15 of 50 agreed upon, 5 and 10 not."""
    human = ["yes"] * 25 + ["no"] * 25
    model = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = agreement_of(human, model)
    assert found.raw == pytest.approx(0.7) and found.kappa == pytest.approx(0.4) and found.count == 50
    assert agreement_of([1, 1], [1, 1]).kappa is None
