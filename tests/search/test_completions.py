"""Completions: random titles are found by their beginnings, right and with one error."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.search.completions import Completion, CompletionTable
from searchctl.search.suggesting import suggest_from

WORDS = [
    "return",
    "returns",
    "delivery",
    "gift",
    "card",
    "возврат",
    "доставка",
    "товар",
    "чайник",
    "kettle",
    "red",
    "blue",
]


def table(seed: int, count: int = 300) -> tuple[CompletionTable, list[str]]:
    rng = random.Random(seed)
    titles = sorted({" ".join(rng.sample(WORDS, rng.randint(1, 4))) for _ in range(count)})
    return CompletionTable.of(Completion(title, "title", 0.5, title) for title in titles), titles


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 5), place=st.integers(0, 10_000), length=st.integers(1, 30))
def test_what_is_found_exactly_is_what_a_loop_finds(seed: int, place: int, length: int) -> None:
    completions, titles = table(seed)
    typed = titles[place % len(titles)][:length]
    *whole, last = typed.split() or [""]
    expected = {
        title
        for title in titles
        if set(whole) <= set(title.split()) and any(word.startswith(last) for word in title.split())
    }
    if typed.endswith(" "):
        expected = {title for title in titles if set(typed.split()) <= set(title.split())}
    found = {completions.texts[one.row] for one in completions.find(typed, len(titles)) if not one.corrected}
    assert found == expected


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 10_000), error=st.sampled_from(["drop", "double", "swap"]), at=st.integers(0, 40))
def test_one_error_anywhere_in_a_long_word_is_corrected(place: int, error: str, at: int) -> None:
    completions, titles = table(1)
    title = titles[place % len(titles)]
    at %= len(title)
    if title[at] == " " or len(title.split()[title[:at].count(" ")]) < 5:
        return
    after = title[at + 1 :]
    typed = {"drop": title[:at] + after, "double": title[: at + 1] + title[at:], "swap": title}[error]
    if error == "swap" and after[:1].strip():
        typed = title[:at] + after[0] + title[at] + after[1:]
    assert title in {completions.texts[one.row] for one in completions.find(typed, len(titles))}


def test_the_more_frequent_comes_first_and_places_are_shared_by_kinds() -> None:
    completions = CompletionTable.of(
        [Completion(f"card {number}", "title", number / 20, str(number)) for number in range(20)]
        + [Completion(f"cards{letter}", "term", 0.5) for letter in "abcdefgh"]
    )
    given = suggest_from(completions, "card", 6)
    assert [one.text for one in given if one.kind == "title"] == ["card 19", "card 18", "card 17"]
    assert sum(one.kind == "term" for one in given) == 3
    assert len(suggest_from(completions, "card 1", 8)) == 8  # no terms, so titles take all places


def test_a_table_survives_its_arrays() -> None:
    completions, titles = table(2)
    again = CompletionTable.of_arrays(completions.arrays())
    assert [again.find(title[:5], 8) for title in titles] == [completions.find(title[:5], 8) for title in titles]
    arrays = completions.arrays()
    with pytest.raises(ValueError, match="differ in length"):
        CompletionTable.of_arrays({**arrays, "kinds": arrays["kinds"][:-1]})


def test_an_empty_table_finds_nothing() -> None:
    assert CompletionTable.of([]).find("card", 8) == []
