"""The background of an index of two languages: queries don't prefer the one they are in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from searchctl.ranking.cosine_baseline import BackgroundMeter, choose_background, foreign_share, without_language
from searchctl.schema import Background, Schema
from searchctl.types import Document, Entry, Passage, Vectors

RANDOM = np.random.default_rng(7)
DIM = 32
LANGUAGE = np.eye(DIM)[0]  # the first number tells the language
MEANINGS = RANDOM.normal(size=(40, DIM)) * (1 - LANGUAGE)


def vectors(language: float) -> Vectors:
    """Return the same 40 meanings in a language: (40, DIM)."""
    rows = MEANINGS / np.linalg.norm(MEANINGS, axis=1, keepdims=True) + language * LANGUAGE
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def entries(text: str, rows: Vectors) -> list[Entry]:
    return [Entry(Document(f"{text}{n}", text), (Passage(0, len(text)),), row[None]) for n, row in enumerate(rows)]


def measured(*groups: list[Entry]) -> Background:
    meter = BackgroundMeter()
    for group in groups:
        meter.add(group)
    background = meter.result()
    assert background is not None
    return background


ENGLISH, RUSSIAN = entries("some words", vectors(1.0)), entries("слова OK", vectors(-1.0))


def test_the_axis_is_where_the_alphabets_differ() -> None:
    background = measured(ENGLISH, RUSSIAN)
    assert np.abs(background.axis) == pytest.approx(LANGUAGE, abs=1e-4)
    assert background.passages == 80
    assert background.centre == pytest.approx(np.concatenate([vectors(1.0), vectors(-1.0)]).mean(axis=0), abs=1e-4)
    assert Schema.from_json(Schema(None, background=background).to_json()).background == background


def test_without_the_axis_a_meaning_is_as_near_in_either_language() -> None:
    background = measured(ENGLISH, RUSSIAN)
    query = vectors(1.0)[3]
    both = np.concatenate([vectors(1.0), vectors(-1.0)])
    before = np.argsort(-(both @ query))
    assert before[0] == 3 and list(before).index(43) > 10
    cleaned = without_language(query, background)
    assert np.linalg.norm(cleaned) == pytest.approx(1.0)
    cosines = both @ cleaned
    assert set(np.argsort(-cosines)[:2]) == {3, 43}
    assert cosines[3] == pytest.approx(cosines[43], abs=1e-4)


@pytest.mark.parametrize("groups", [(ENGLISH,), (RUSSIAN,), (ENGLISH, RUSSIAN[:19])], ids=["en", "ru", "hardly any ru"])
def test_an_index_of_one_language_has_no_axis(groups: tuple[list[Entry], ...]) -> None:
    background = measured(*groups)
    assert background.axis == ()
    query = vectors(1.0)[3]
    assert without_language(query, background) is query


def test_vectors_of_another_length_or_none_left_stay() -> None:
    background = measured(ENGLISH, RUSSIAN)
    other = np.ones(3, np.float32)
    assert without_language(other, background) is other
    assert without_language(other, None) is other
    pure = np.asarray(LANGUAGE, np.float32)
    assert without_language(pure, background) is pure


def test_too_few_documents_have_no_background() -> None:
    meter = BackgroundMeter()
    meter.add(ENGLISH[:19])
    meter.add([Entry(Document("deferred", "text"))])
    assert meter.result() is None


def test_a_background_serves_until_the_index_has_doubled() -> None:
    old = measured(ENGLISH)

    def stored() -> Iterator[list[Entry]]:
        yield ENGLISH
        yield RUSSIAN

    empty = BackgroundMeter()
    assert choose_background(old, empty, 79, stored()) is not None
    assert choose_background(old, empty, 80, stored()) is old
    anew = choose_background(old, empty, 81, stored())
    assert anew is not None and anew.passages == 80 and anew.axis


@pytest.mark.parametrize(
    ("cyrillic", "query", "share"),
    [
        (0.0, "где вернуть товар", 1.0),
        (0.0, "return a parcel", 0.0),
        (1.0, "return a parcel", 1.0),
        (0.5, "где parcel", 0.0),
        (0.025, "где", 0.5),
        (None, "где", 0.0),
        (0.0, "4711", 0.0),
    ],
)
def test_a_query_is_foreign_by_its_letters(cyrillic: float | None, query: str, share: float) -> None:
    assert foreign_share(query, Background(0.7, 0.1, cyrillic=cyrillic)) == pytest.approx(share)
    assert foreign_share(query, None) == 0.0


def test_the_share_of_each_alphabet_is_measured() -> None:
    latin, cyrillic = entries("word", vectors(1.0)), entries("слово", vectors(-1.0))
    found = measured(latin, cyrillic[:10])
    assert found.cyrillic == 0.2
    again = choose_background(replace(found, cyrillic=None), BackgroundMeter(), 50, [cyrillic])
    assert again is not None and again.cyrillic == 1.0, "what older versions didn't measure is measured"
