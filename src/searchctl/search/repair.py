"""What a query may have been meant to be: typed on the other keyboard layout, in the other alphabet (Russian, English), or misspelt."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from searchctl.schema import Analyzer
from searchctl.text.analysis import analyze
from searchctl.text.scripts import letter_counts, on_cyrillic_keys, on_latin_keys, to_cyrillic, to_latin
from searchctl.types import Repair, RepairKind

_SHORTEST = 5  # letters of a word that may be misspelt
_LONGEST = 16  # letters of it in which an error is looked for
_MOST_WORDS = 3  # of a query that may be
_ENGLISH = "abcdefghijklmnopqrstuvwxyz"
_RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
CountDocuments: TypeAlias = Callable[[Sequence[str]], Mapping[str, int]]
_KINDS: tuple[RepairKind, ...] = ("keyboard layout", "transliteration")  # in the order of `repairs`
_LETTERS = re.compile(r"[^\W\d_]+")


def repairs(text: str) -> Iterator[Repair]:
    """Yield what the query may have been meant to be, the likelier mistake first; nothing for a query without letters."""
    cyrillic, latin = letter_counts(text)
    if bool(cyrillic) == bool(latin):  # both: each alphabet was typed on purpose
        return
    yield Repair((on_cyrillic_keys if latin else on_latin_keys)(text), "keyboard layout")
    yield Repair((to_cyrillic if latin else to_latin)(text), "transliteration")


def word_repairs(text: str, unknown: Collection[str]) -> Iterator[Repair]:
    """Yield the query with only its `unknown` words read in another way, the likelier mistake first."""
    words = [word for word in unknown if any(letter_counts(word))]
    if not words or all(word in words for word in text.split() if any(letter_counts(word))):
        return  # none, or all: then `repairs` reads the whole query
    for number in range(2):
        changed = {word: read[number].query for word in words if len(read := list(repairs(word))) > number}
        if changed:
            yield Repair(_replaced(text, changed), _KINDS[number])


def spelling_repair(text: str, unknown: Collection[str], count: CountDocuments) -> Repair | None:
    """Return the query with its `unknown` words as words of the index from which a typing error parts them; None without any.

    `count` tells how many documents hold each of some words. One letter is missing, too much, another one, or two have changed
    places; the first letter is taken to be right. Of several words the commonest is meant.
    """
    changed = {}
    for word in [word for word in unknown if _LETTERS.fullmatch(word) and len(word) >= _SHORTEST][:_MOST_WORDS]:
        candidates = one_error_away(word.lower())
        counts = count(candidates)
        best = max(counts, key=lambda candidate: counts[candidate], default="")
        if best and counts[best]:
            changed[word] = best
    return Repair(_replaced(text, changed), "spelling") if changed else None


def one_error_away(word: str, first: int = 1) -> list[str]:
    """Return all words from which one typing error at letter `first` (0 is the first) or later may have made this one."""
    letters = _RUSSIAN if letter_counts(word)[0] else _ENGLISH
    parts = [(word[:place], word[place:]) for place in range(first, min(len(word), _LONGEST) + 1)]
    swapped = [f"{left}{right[1]}{right[0]}{right[2:]}" for left, right in parts if len(right) > 1]
    shorter = [left + right[1:] for left, right in parts if right]
    other = [left + letter + right[1:] for left, right in parts if right for letter in letters]
    longer = [left + letter + right for left, right in parts for letter in letters]
    return list(dict.fromkeys([*swapped, *shorter, *other, *longer]))


def unknown_words(text: str, frequencies: Mapping[str, int], analyzer: Analyzer) -> list[str]:
    """Return the words of a query, parted by blanks, of which the index holds nothing."""
    unknown = []
    for word in text.split():
        terms = [token.term for token in analyze(word, analyzer)]
        if terms and not any(frequencies.get(term, 1) for term in terms):
            unknown.append(word)
    return unknown


def _replaced(text: str, changed: Mapping[str, str]) -> str:
    return " ".join(changed.get(word, word) for word in text.split())
