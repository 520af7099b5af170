"""Sentences and passages: worked examples, and properties that hold for any text."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.text.passages import CountTokens, cut, cut_many, sentences
from searchctl.types import Passage


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def letters(texts: Sequence[str]) -> list[int]:
    """Every character that isn't white space is a token: the most tokens any text can have, and additive."""
    return [sum(not char.isspace() for char in text) for text in texts]


def parts(text: str, passages: Sequence[Passage]) -> list[str]:
    return [text[one.start : one.end] for one in passages]


@pytest.mark.parametrize(
    "expected",
    [
        ["Это город.", "Он большой!", "Правда?", "Да…", "Хорошо."],
        ["Родился А. С. Пушкин в г. Москве, т. е. в столице.", "Потом уехал."],
        ["Адрес: ул. Ленина, д. 5, кв. 12.", "Звоните."],
        ["В 1812 г. Наполеон вошёл в Москву.", "См. рис. 3 и табл. 4 на стр. 12."],
        ["Мы купили хлеб, молоко и т. д.", "Потом пошли домой."],
        ["Цена 3.14 руб. за шт., т.е. дёшево.", "Берём!"],
        ["«Что это?» — спросил он.", "«Не знаю!»", "— «А кто знает?»", "Тишина."],
        ["Mr. Smith met Dr. J. R. Jones, e.g. in St. Louis.", "They talked."],
        ["It costs $3.50, i.e. nothing.", "See fig. 2 and vol. 3.", "He said no.", "Then he left."],
        ['"Is it you?" she asked.', '"Yes!"', "(He lied.)", "So what?!"],
        ["Visit www.example.com or a.b@c.de today.", "Version 2.0.1 is out."],
        ["Wait... what?", "He paused... and went on."],
        ["Сноска.[12]", "Новое предложение."],
    ],
)
def test_sentences_end_where_readers_say(expected: list[str]) -> None:
    text = " ".join(expected)
    assert parts(text, sentences(text)) == expected


def test_lines_are_sentences_in_lists_headings_and_tables_but_not_in_wrapped_text() -> None:
    text = (
        "# Заголовок\nЭто длинная строка обычного текста, которая перенесена по ширине\n"
        "страницы и кончается здесь. Да.\n1. Первый пункт\n2. Второй пункт\n- Третий\n\nname | age\n\nконец без точки"
    )
    assert parts(text, sentences(text)) == [
        "# Заголовок",
        "Это длинная строка обычного текста, которая перенесена по ширине\nстраницы и кончается здесь.",
        "Да.",
        "1. Первый пункт",
        "2. Второй пункт",
        "- Третий",
        "name | age",
        "конец без точки",
    ]


def test_other_scripts_end_sentences_without_spaces() -> None:
    text = "これは文です。次の文です！終わり"
    assert parts(text, sentences(text)) == ["これは文です。", "次の文です！", "終わり"]


def test_short_text_is_one_passage_and_empty_text_has_none() -> None:
    assert cut("  One. Two.\n", words, size=16, overlap=4) == (Passage(2, 11),)
    assert cut_many(["", " \n\t", "x"], words, size=16, overlap=4) == [(), (), (Passage(0, 1),)]


def test_passages_are_filled_with_sentences_and_share_the_last_ones() -> None:
    text = "A a a a. B b b b. C c. D d. E e e e. F f f f."
    assert parts(text, cut(text, words, size=10, overlap=2)) == [
        "A a a a. B b b b. C c.",
        "C c. D d. E e e e.",
        "F f f f.",
    ]
    assert parts(text, cut(text, words, size=10, overlap=0)) == ["A a a a. B b b b. C c.", "D d. E e e e. F f f f."]


def test_a_paragraph_border_is_worth_a_little_space() -> None:
    text = "A a a a. B b b b.\n\nC c. D d d d d. E e."
    assert parts(text, cut(text, words, size=10, overlap=0)) == ["A a a a. B b b b.", "C c. D d d d d. E e."]


@pytest.mark.parametrize("heading", ["# Next part", "Next part"])
def test_a_heading_goes_with_what_follows_it(heading: str) -> None:
    text = f"A a a a. B b b.\n\n{heading}\n\nC c c c. D d d d d."
    first, second = parts(text, cut(text, words, size=12, overlap=0))
    assert first == "A a a a. B b b." and second.startswith(heading)


def test_a_tiny_rest_is_evened_out() -> None:
    text = "A a a a. B b b b. C c c c. D d d d. E e."
    assert parts(text, cut(text, words, size=16, overlap=0)) == ["A a a a. B b b b.", "C c c c. D d d d. E e."]


def test_a_long_sentence_is_split_at_clauses_then_words_then_anywhere() -> None:
    clauses = "one two three, four five six, seven eight nine, ten eleven twelve"
    assert all(part.endswith((",", "twelve")) for part in parts(clauses, cut(clauses, words, size=8, overlap=0)))
    run = "word " * 40
    assert all(set(part.split()) == {"word"} for part in parts(run, cut(run, words, size=16, overlap=4)))
    solid = "x" * 1000
    assert [len(part) for part in parts(solid, cut(solid, letters, size=100, overlap=10))] == [100] * 10


def test_no_overlap_inside_a_sentence() -> None:
    text = "word " * 100
    passages = cut(text, words, size=16, overlap=8)
    assert all(one.end <= two.start for one, two in zip(passages, passages[1:], strict=False))


def test_many_texts_are_counted_in_few_calls() -> None:
    calls: list[int] = []

    def counting(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        return words(texts)

    texts = ["One two three four. Five six seven. Eight nine ten eleven twelve."] * 300 + ["x " * 5000]
    many = cut_many(texts, counting, size=8, overlap=2)
    assert len(calls) <= 4
    assert many == [cut(text, words, size=8, overlap=2) for text in texts]


def test_one_call_never_gets_a_whole_large_text() -> None:
    longest = 0

    def counting(texts: Sequence[str]) -> list[int]:
        nonlocal longest
        longest = max(longest, sum(map(len, texts)))
        return words(texts)

    text = "слово " * 500_000
    passages = cut(text, counting, size=256, overlap=32)
    assert longest < 1_200_000
    assert sum(words(parts(text, passages))) == 500_000


TEXTS = st.lists(
    st.sampled_from(
        [
            "слово",
            "word",
            "Я",
            "a",
            "т.е.",
            "г.",
            "Mr.",
            "x" * 70,
            "1.",
            "- ",
            "# ",
            "\n",
            "\n\n",
            " ",
            "  ",
            ". ",
            "! ",
            "?»",
            "… ",
        ]
        + ["«", ", ", "; ", " — ", "\t", "。", "é", "😀", "[1]", "\u00a0", "\x0b", "."]
    ),
    max_size=120,
).map("".join) | st.text(max_size=200)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.sampled_from([words, letters]), st.integers(1, 40), st.integers(0, 20))
def test_properties_of_passages(text: str, count: CountTokens, size: int, overlap: int) -> None:
    overlap = min(overlap, size - 1)
    passages = cut(text, count, size=size, overlap=overlap)
    covered = {place for one in passages for place in range(one.start, one.end)}
    assert covered >= {place for place, char in enumerate(text) if not char.isspace()}
    for one in passages:
        assert 0 <= one.start < one.end <= len(text)
        assert not text[one.start].isspace() and not text[one.end - 1].isspace()
        assert count([text[one.start : one.end]])[0] <= size
    starts = {one.start for one in sentences(text)}
    for one, two in zip(passages, passages[1:], strict=False):
        assert one.start < two.start and one.end < two.end
        if two.start < one.end:
            assert two.start in starts
            assert count([text[two.start : one.end]])[0] <= overlap
    if letters([text])[0] <= size:
        assert len(passages) == bool(text.strip())


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_properties_of_sentences(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(part.split()) for part in parts(text, found)) == "".join(text.split())
    assert all(one.end <= two.start for one, two in zip(found, found[1:], strict=False))
    assert all(part == part.strip() and part for part in parts(text, found))
