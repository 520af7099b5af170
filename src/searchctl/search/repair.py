"""What a query may have been meant to be: typed on the other keyboard layout, or in the other alphabet (Russian, English)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from searchctl.types import Repair

_LATIN_KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,./~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>?"
_CYRILLIC_KEYS = "ёйцукенгшщзхъфывапролджэячсмитьбю.ЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ,"
_TO_CYRILLIC_KEYS = str.maketrans(_LATIN_KEYS, _CYRILLIC_KEYS)
_TO_LATIN_KEYS = str.maketrans(_CYRILLIC_KEYS, _LATIN_KEYS)

# As people write without a Russian keyboard: GOST 7.79 B, ISO 9's simpler forms, and habits such as "j" and "w".
_CYRILLIC = {
    "shch": "щ", "sch": "щ", "yo": "ё", "jo": "ё", "zh": "ж", "kh": "х", "ts": "ц", "tz": "ц", "ch": "ч", "sh": "ш",
    "yu": "ю", "ju": "ю", "ya": "я", "ja": "я", "ye": "е", "ck": "к", "ph": "ф",
    "a": "а", "b": "б", "v": "в", "w": "в", "g": "г", "d": "д", "e": "е", "z": "з", "i": "и", "j": "й", "k": "к", "q": "к",
    "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "r": "р", "s": "с", "t": "т", "u": "у", "f": "ф", "h": "х", "c": "ц",
    "x": "кс", "'": "ь",
}  # fmt: skip
_LATIN = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "zh", "з": "z", "и": "i", "й": "y", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "ts",
    "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
_LATIN_PIECE = re.compile("|".join(sorted(_CYRILLIC, key=len, reverse=True)) + "|y")
_HAS_LATIN = re.compile("[a-z]", re.IGNORECASE)
_HAS_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_VOWELS = "aeiouyаеёиоуыэюя"


def repairs(text: str) -> Iterator[Repair]:
    """Yield what the query may have been meant to be, the likelier mistake first; nothing for a query without letters."""
    latin, cyrillic = bool(_HAS_LATIN.search(text)), bool(_HAS_CYRILLIC.search(text))
    if latin == cyrillic:  # both: each alphabet was typed on purpose
        return
    if latin:
        yield Repair(text.translate(_TO_CYRILLIC_KEYS), "keyboard layout")
        yield Repair(to_cyrillic(text), "transliteration")
    else:
        yield Repair(text.translate(_TO_LATIN_KEYS), "keyboard layout")
        yield Repair(to_latin(text), "transliteration")


def to_cyrillic(text: str) -> str:
    """Write Russian that stands in Latin letters in Cyrillic ones, in lower case: `dostavka` is `доставка`."""
    lower = text.lower()

    def letter(found: re.Match[str]) -> str:
        if found.group() != "y":
            return _CYRILLIC[found.group()]
        before = lower[found.start() - 1 : found.start()]
        return "й" if before and before in _VOWELS else "ы"

    return _LATIN_PIECE.sub(letter, lower)


def to_latin(text: str) -> str:
    """Write a name that stands in Cyrillic letters in Latin ones, in lower case: `самсунг` is `samsung`."""
    return "".join(_LATIN.get(letter, letter) for letter in text.lower())
