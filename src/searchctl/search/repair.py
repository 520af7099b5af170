"""What a query may have been meant to be: typed on the other keyboard layout, in the other alphabet (Russian, English), or misspelt."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from searchctl.schema import Analyzer
from searchctl.text.analysis import analyze
from searchctl.text.scripts import letter_counts, on_cyrillic_keys, on_latin_keys, to_cyrillic, to_latin
from searchctl.types import Repair, RepairKind

_SHORTEST = 5  # letters of a word that may be misspelt
_ALIKE = 0.8  # of difflib's ratio, from which on a word may be meant for another
_MOST_WORDS = 20  # of a query that are looked at, and
_MOST_CANDIDATES = 5000  # words that may be meant
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


def spelling_repair(text: str, unknown: Collection[str], texts: Iterable[str]) -> Repair | None:
    """Return the query with its `unknown` words as the most similar words of these texts; None where there are none."""
    wanted = [word for word in unknown if _LETTERS.fullmatch(word) and len(word) >= _SHORTEST][:_MOST_WORDS]
    if not wanted:
        return None
    found: dict[str, None] = {}
    for candidate in texts:
        found |= dict.fromkeys(word.lower() for word in _LETTERS.findall(candidate) if len(word) >= _SHORTEST - 1)
        if len(found) > _MOST_CANDIDATES:
            break
    changed = {}
    for word in wanted:
        near = difflib.get_close_matches(word.lower(), list(found), n=1, cutoff=_ALIKE)
        if near and near[0] != word.lower():
            changed[word] = near[0]
    return Repair(_replaced(text, changed), "spelling") if changed else None


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
