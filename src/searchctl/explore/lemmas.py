"""Terms as a heading writes them: Russian words in their dictionary form, an adjective in agreement with its noun.

Where pymorphy3 (extra `explore`) isn't installed, and for words that aren't Russian, a term stays as it is mostly written.
"""

from __future__ import annotations

from functools import cache
from typing import Any

_ADJECTIVES = ("ADJF", "PRTF")
_USUAL = {"деньга": "деньги"}  # dictionary forms that nobody writes
_LEAST_SCORE = 0.2  # a reading less likely than that is left alone


def as_heading(term: str) -> str:
    """Return a word, or a phrase of two, as it would stand in a heading: `подарочных карт` is `подарочная карта`."""
    analyzer = _analyzer()
    if analyzer is None or not all("а" <= letter <= "я" or letter in "ё -" for letter in term):
        return term
    words = term.split(" ")
    if len(words) == 1:
        return _dictionary_form(analyzer, words[0])
    first, second = words
    noun, adjective = _reading(analyzer, second, ("NOUN",)), _reading(analyzer, first, _ADJECTIVES)
    if adjective is not None and noun is not None:
        return _agreeing(adjective, noun) or term
    head = _reading(analyzer, first, ("NOUN",))
    if (
        head is not None and noun is not None and "gent" in noun.tag
    ):  # `возвраты товара`: what depends stays in its case
        return f"{head.normal_form} {second}"
    return term


def _dictionary_form(analyzer: Any, word: str) -> str:
    reading = analyzer.parse(word)[0]
    kept = "Pltm" in reading.tag or reading.score < _LEAST_SCORE
    return word if kept else _USUAL.get(reading.normal_form, str(reading.normal_form))


def _reading(analyzer: Any, word: str, kinds: tuple[str, ...]) -> Any:
    """Return the likeliest reading of a word that is of these parts of speech."""
    return next((one for one in analyzer.parse(word) if one.tag.POS in kinds), None)


def _agreeing(adjective: Any, noun: Any) -> str | None:
    """Return the pair in the nominative singular, or in the plural for a noun that has no other."""
    plural = "Pltm" in noun.tag
    wanted = {"plur", "nomn"} if plural else {"sing", "nomn", noun.tag.gender}
    inflected = adjective.inflect(wanted - {None})
    named = noun.inflect({"plur" if plural else "sing", "nomn"})
    return None if inflected is None or named is None else f"{inflected.word} {named.word}"


@cache
def _analyzer() -> Any:
    """Return the morphology; None without the library."""
    try:
        from pymorphy3 import MorphAnalyzer
    except ImportError:
        return None
    return MorphAnalyzer(lang="ru")
