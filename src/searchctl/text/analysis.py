"""Analysis of text: words, stop words and stems, the same for highlighting as for the lexical leg.

An analyzer named "auto" chooses by script, word by word: each Snowball stemmer leaves the other script alone, so the English
one is followed by the Russian one. Analyzers whose name ends in "-1" are those of servers and of earlier versions: their words
keep accents, and their indexes hold no stop words.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from functools import cache, lru_cache
from itertools import repeat
from typing import NamedTuple

import Stemmer

from searchctl.schema import Analyzer, is_first_analysis
from searchctl.text.folding import WORD, has_rare, is_plain, is_unspaced, unit_spans, units

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
LANGUAGES |= {"auto-1": LANGUAGES["auto"], "en-1": LANGUAGES["en"], "ru-1": LANGUAGES["ru"], "standard-1": ()}
_STOP_WORDS = {"english": STOP_WORDS_EN, "russian": STOP_WORDS_RU}
_SIMPLE_WORD = re.compile(r"[^\W_]+")


class Token(NamedTuple):
    """An analysed word and where it stands in the text, in code points."""

    term: str
    start: int
    end: int


def fold_e(text: str) -> str:
    """Write ё as е; every code point keeps its place."""
    return text.replace("ё", "е").replace("Ё", "Е")  # many times quicker than str.translate


def stop_words_of(analyzer: Analyzer) -> list[str]:
    """Return the words that queries leave out, sorted."""
    return sorted({word for language in LANGUAGES[analyzer] for word in _STOP_WORDS[language]})


def is_stop_word(word: str, analyzer: Analyzer) -> bool:
    """Tell whether queries leave a word out; `word` is in small letters, ё written as е."""
    return word in _left_out(analyzer)


@cache
def _left_out(analyzer: Analyzer) -> frozenset[str]:
    return frozenset(stop_words_of(analyzer))


def analyze(text: str, analyzer: Analyzer = "auto", *, stop_words: bool = False) -> Iterator[Token]:
    """Yield the text's terms: folded, stemmed, and without stop words unless they're asked for.

    Letters of scripts that are written without blanks are terms one by one.
    """
    for word, start, end in _words(text, analyzer):
        term = _term(word, analyzer, stop_words)
        if term:
            yield Token(term, start, end)


def terms_of_words(words: Sequence[str], analyzer: Analyzer) -> list[str]:
    """Return the term of each of many words in small letters, empty for stop words and what isn't one word; none is remembered."""
    folded = fold_e("\n".join(words))
    if not is_plain(folded):
        terms = [[token.term for token in analyze(word, analyzer)] for word in words]
        return [own[0] if len(own) == 1 else "" for own in terms]
    stems = folded.split("\n")
    left_out = [is_stop_word(word, analyzer) for word in stems]
    for language in LANGUAGES[analyzer]:
        stems = _stemmer(language).stemWords(stems)
    return ["" if out else stem for stem, out in zip(stems, left_out, strict=True)]


def phrase_terms(text: str, analyzer: Analyzer) -> list[str]:
    """Return the terms of a phrase in their order, stop words among them: an empty string where an index holds none."""
    held = not is_first_analysis(analyzer)
    return [_term(word, analyzer, held) for word, _, _ in _words(text, analyzer)]


def matching(text: str, terms: Container[str], analyzer: Analyzer = "auto") -> dict[str, list[tuple[int, int]]]:
    """Return those of `terms` that the text holds, and where: the code points of the words that are analysed to them.

    Each different word is analysed once, and only those that match are looked for again. Stop words count where asked for.
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    first = is_first_analysis(analyzer)
    simple = first or not has_rare(text)
    if not simple and is_unspaced(text):
        for token in analyze(text, analyzer, stop_words=True):
            if token.term in terms:
                spans.setdefault(token.term, []).append((token.start, token.end))
        return spans
    folded = fold_e(text) if first else text
    words = set((_SIMPLE_WORD if simple else WORD).findall(folded))
    for word, own in zip(words, map(_terms, words, repeat(analyzer)), strict=False):
        for term in own:
            if term in terms:
                spans.setdefault(term, []).extend(_spans(word, folded, simple))
    return spans


def _words(text: str, analyzer: Analyzer) -> Iterator[tuple[str, int, int]]:
    """Yield the words as they are compared, and where they stand."""
    if is_first_analysis(analyzer):
        for match in _SIMPLE_WORD.finditer(fold_e(text)):
            yield match.group().lower(), match.start(), match.end()
        return
    simple = not has_rare(text)
    if simple or not is_unspaced(text):
        for match in (_SIMPLE_WORD if simple else WORD).finditer(text):
            for unit in units(match.group()):
                yield unit, match.start(), match.end()
        return
    for match in WORD.finditer(text):
        word, start = match.group(), match.start()
        if not is_unspaced(word):
            yield from ((unit, start, match.end()) for unit in units(word))
            continue
        for begin, end in unit_spans(word):
            yield from ((unit, start + begin, start + end) for unit in units(word[begin:end]))


def _spans(word: str, text: str, simple: bool) -> Iterator[tuple[int, int]]:
    """Yield where a word stands in a text by itself."""
    start, length = text.find(word), len(word)
    while start >= 0:
        end = start + length
        after, before = text[end : end + 1], text[start - 1 : start] if start else ""
        if not (after.isalnum() or before.isalnum() or (not simple and after and WORD.fullmatch("a" + after))):
            yield start, end
        start = text.find(word, end)


@lru_cache(maxsize=65536)
def _terms(word: str, analyzer: Analyzer) -> tuple[str, ...]:
    """Return the terms of a word as it is written, of a script with blanks; stop words among them where indexes hold these."""
    first = is_first_analysis(analyzer)
    pieces = (word.lower(),) if first else units(word)
    return tuple(term for piece in pieces if (term := _term(piece, analyzer, not first)))


@lru_cache(maxsize=65536)
def _term(word: str, analyzer: Analyzer, stop_words: bool) -> str:
    if not stop_words and is_stop_word(word, analyzer):
        return ""
    for language in LANGUAGES[analyzer]:
        word = _stemmer(language).stemWord(word)
    return word


@lru_cache(maxsize=8)
def _stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(language, 0)  # without a cache of its own, which makes a new word take four times as long
