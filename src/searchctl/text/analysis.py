"""Analysis of English and Russian text: tokens, stop words and stems, the same for highlighting as for the lexical leg.

An analyzer named "auto" chooses by script, token by token: each Snowball stemmer leaves the other script alone, so the
English one is followed by the Russian one.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

import Stemmer

from searchctl.schema import Analyzer

# Lucene's English list and Snowball's Russian one: what `_english_` and `_russian_` mean on OpenSearch and Elasticsearch.
STOP_WORDS_EN = frozenset(
    """a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to
    was will with""".split()
)
STOP_WORDS_RU = frozenset(
    """и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня еще нет о из ему
    теперь когда даже ну вдруг ли если уже или ни быть был него до вас нибудь опять уж вам сказал ведь там потом себя ничего ей может
    они тут где есть надо ней для мы тебя их чем была сам чтоб без будто человек чего раз тоже себе под жизнь будет ж тогда кто этот
    говорил того потому этого какой совсем ним здесь этом один почти мой тем чтобы нее кажется сейчас были куда зачем сказать всех
    никогда сегодня можно при наконец два об другой хоть после над больше тот через эти нас про всего них какая много разве сказала
    три эту моя впрочем хорошо свою этой перед иногда лучше чуть том нельзя такой им более всегда конечно всю между""".split()
)
LANGUAGES: dict[Analyzer, tuple[str, ...]] = {
    "auto": ("english", "russian"),
    "en": ("english",),
    "ru": ("russian",),
    "standard": (),
}
_STOP_WORDS = {"english": STOP_WORDS_EN, "russian": STOP_WORDS_RU}
_TOKEN = re.compile(r"[^\W_]+")


class Token(NamedTuple):
    """An analysed word and where it stands in the text, in code points."""

    term: str
    start: int
    end: int


def fold(text: str) -> str:
    """Write ё as е; every code point keeps its place."""
    return text.replace("ё", "е").replace("Ё", "Е")  # many times quicker than str.translate


def stop_words(analyzer: Analyzer) -> list[str]:
    """Return the words an analyzer leaves out, sorted."""
    return sorted({word for language in LANGUAGES[analyzer] for word in _STOP_WORDS[language]})


def analyze(text: str, analyzer: Analyzer = "auto") -> Iterator[Token]:
    """Yield the text's terms: lower case, ё as е, without stop words, stemmed."""
    for found in _TOKEN.finditer(fold(text)):
        term = _term(found.group().lower(), analyzer)
        if term:
            yield Token(term, found.start(), found.end())


def matching(text: str, terms: Container[str], analyzer: Analyzer = "auto") -> dict[str, list[tuple[int, int]]]:
    """Return those of `terms` that the text holds, and where: the code points of the words that are analysed to them.

    Each different word is analysed once, and only those that match are looked for again.
    """
    folded = fold(text)
    found: dict[str, list[tuple[int, int]]] = {}
    words = set(_TOKEN.findall(folded))
    for word, term in zip(words, map(_term, map(str.lower, words), repeat(analyzer)), strict=False):
        if term in terms:
            found.setdefault(term, []).extend(_spans(word, folded))
    return found


def _spans(word: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where a word stands in a text by itself, as `_TOKEN` sees it."""
    start, length = text.find(word), len(word)
    while start >= 0:
        end = start + length
        if not (text[end : end + 1].isalnum() or (start and text[start - 1].isalnum())):
            yield start, end
        start = text.find(word, end)


@lru_cache(maxsize=65536)
def _term(word: str, analyzer: Analyzer) -> str:
    for language in LANGUAGES[analyzer]:
        if word in _STOP_WORDS[language]:
            return ""
    for language in LANGUAGES[analyzer]:
        word = _stemmer(language).stemWord(word)
    return word


@lru_cache(maxsize=8)
def _stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(language, 0)  # without a cache of its own, which makes a new word take four times as long
