"""Scripts and alphabets: which letters a text has, and how Russian and English are typed on each other's keyboard or alphabet."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_LETTERS = 2000  # of a text, enough to tell its alphabet
_CYRILLIC = re.compile("[\u0400-\u052f]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")

# Written without blanks between words, or with endings joined to them (Korean): looked for letter by letter.
UNSPACED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17dd\u3040-\u3098\u309d-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
# Signs that belong to the letter before: accents, points of Hebrew and Arabic, vowels of Indic scripts, of Thai and its neighbours.
MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u06df-\u06e8\u06ea-\u06ed\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09cd\u09d7\u0a01-\u0a03"
    "\u0a3c-\u0a51\u0a70\u0a71\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0b82\u0bbe-\u0bcd\u0bd7\u0c00-\u0c04"
    "\u0c3e-\u0c56\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d4d\u0d57\u0d81-\u0d83\u0dca-\u0ddf\u0e31\u0e34-\u0e3a"
    "\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u102b-\u103e\u1056-\u1059\u17b4-\u17d3\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u20d0-\u20ff\u3099\u309a"
)

_LATIN_KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,./~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>?"
_CYRILLIC_KEYS = "ёйцукенгшщзхъфывапролджэячсмитьбю.ЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ,"
_TO_CYRILLIC_KEYS = str.maketrans(_LATIN_KEYS, _CYRILLIC_KEYS)
_TO_LATIN_KEYS = str.maketrans(_CYRILLIC_KEYS, _LATIN_KEYS)

# As people write without a Russian keyboard: GOST 7.79 B, ISO 9's simpler forms, and habits such as "j" and "w".
_TO_CYRILLIC = {
    "shch": "щ", "sch": "щ", "yo": "ё", "jo": "ё", "zh": "ж", "kh": "х", "ts": "ц", "tz": "ц", "ch": "ч", "sh": "ш",
    "yu": "ю", "ju": "ю", "ya": "я", "ja": "я", "ye": "е", "ck": "к", "ph": "ф",
    "a": "а", "b": "б", "v": "в", "w": "в", "g": "г", "d": "д", "e": "е", "z": "з", "i": "и", "j": "й", "k": "к", "q": "к",
    "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "r": "р", "s": "с", "t": "т", "u": "у", "f": "ф", "h": "х", "c": "ц",
    "x": "кс", "'": "ь",
}  # fmt: skip
_TO_LATIN = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "yo", "ж": "zh", "з": "z", "и": "i", "й": "y", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "ts",
    "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "yu", "я": "ya",
}  # fmt: skip
_LATIN_PIECE = re.compile("|".join(sorted(_TO_CYRILLIC, key=len, reverse=True)) + "|y")
_VOWELS = "aeiouyаеёиоуыэюя"


def letter_counts(text: str) -> tuple[int, int]:
    """Return how many Cyrillic and how many Latin letters a text has."""
    return len(_CYRILLIC.findall(text)), len(_LATIN.findall(text))


def is_cyrillic(text: str) -> bool:
    """Tell whether a text has more Cyrillic letters than Latin ones, by its beginning."""
    cyrillic, latin = letter_counts(text[:_LETTERS])
    return cyrillic > latin


def script_of(text: str) -> str:
    """Return the script of most letters of a text's beginning, as Unicode names it: "LATIN", "CYRILLIC", "CJK"; "" without letters."""
    counts = Counter(map(_script, filter(str.isalpha, text[:_LETTERS])))
    return counts.most_common(1)[0][0] if counts else ""


@lru_cache(100_000)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]


def on_cyrillic_keys(text: str) -> str:
    """Return what the keys of a text give on a Russian keyboard: `ntktdbpjh` is `телевизор`."""
    return text.translate(_TO_CYRILLIC_KEYS)


def on_latin_keys(text: str) -> str:
    """Return what the keys of a text give on an English keyboard: `куагтв` is `refund`."""
    return text.translate(_TO_LATIN_KEYS)


def to_cyrillic(text: str) -> str:
    """Write Russian that stands in Latin letters in Cyrillic ones, in lower case: `dostavka` is `доставка`."""
    lower = text.lower()

    def letter(piece: re.Match[str]) -> str:
        if piece.group() != "y":
            return _TO_CYRILLIC[piece.group()]
        before = lower[piece.start() - 1 : piece.start()]
        return "й" if before and before in _VOWELS else "ы"

    return _LATIN_PIECE.sub(letter, lower)


def to_latin(text: str) -> str:
    """Write a name that stands in Cyrillic letters in Latin ones, in lower case: `самсунг` is `samsung`."""
    return "".join(_TO_LATIN.get(letter, letter) for letter in text.lower())
