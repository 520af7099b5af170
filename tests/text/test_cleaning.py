"""Cleaning: each kind of dirt by itself, and that cleaning twice changes nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.text.cleaning import clean


@pytest.mark.parametrize(
    ("dirty", "tidy"),
    [
        ("Вы\u0301ставочный за\u0301мок", "Выставочный замок"),
        ("ё\u0301лка, е\u0308\u0301лка, е\u0301\u0308лка", "ёлка, ёлка, ёлка"),
        ("и\u0306 И\u0306 е\u0308", "й Й ё"),
        ("cafe\u0301, re\u0301sume\u0301", "café, résumé"),
        ("ќ г\u0301", "ќ ѓ"),  # Macedonian letters, not stress
        ("пере\u00adнос, пере\u00ad\nнос, пере\u00ad \n  нос", "перенос, перенос, перенос"),
        ("a\u200bb\ufeffc\u2060d", "abcd"),
        ("\ufefftext", "text"),
        ("left\u200eright\u202aembedded\u202c", "leftrightembedded"),
        ("сло\u200dво", "слово"),
        ("می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"),  # here they are spelling
        ("a\x00b\x07c\x9fd", "abcd"),
        ("a\u00a0b\u2009c\u3000d\te", "a b c d e"),
        ("one\r\ntwo\rthree\x0bfour\x0cfive\u2028six\x85seven", "one\ntwo\nthree\nfour\nfive\nsix\nseven"),
        ("one\u2029two", "one\n\ntwo"),
        ("  a   b \n c \n\n \n\n d  ", "a b\nc\n\nd"),
        ("half \ud83d letter", "half \ufffd letter"),
        ("", ""),
        (" \n\t ", ""),
        ("AT&amp;T < b", "AT&amp;T < b"),  # entities and tags are HTML's business
    ],
)
def test_each_kind_of_dirt(dirty: str, tidy: str) -> None:
    assert clean(dirty) == tidy


def test_clean_text_is_returned_as_it_is() -> None:
    text = "Обычный текст — «с кавычками», ёлкой и йодом.\n\nВторой абзац; 3,14 % café."
    assert clean(text) is text


DIRT = st.text(
    st.sampled_from("аеёий\u0301\u0306\u0308\u00ad\n \t\r\u200b\u200d\u00a0\x00\x1f\x85\u2028\ufeffe\ud800")
    | st.characters(),
    max_size=60,
)


@settings(max_examples=500, deadline=None)
@given(DIRT)
def test_cleaning_twice_changes_nothing_and_the_form_is_kept(text: str) -> None:
    tidy = clean(text)
    assert clean(tidy) == tidy
    assert unicodedata.is_normalized("NFC", tidy)
    assert not any(one in tidy for one in ("  ", " \n", "\n ", "\n\n\n", "\u00ad", "\u200b"))
    assert tidy == tidy.strip()
    assert all(char in " \n" for char in tidy if char.isspace())
    tidy.encode("utf-8")
