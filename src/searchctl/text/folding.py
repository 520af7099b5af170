"""Letters as they are compared: one form for capitals, accents, ligatures, full width and ё. For matching, never for show."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from searchctl.text.scripts import MARKS, UNSPACED

WORD = re.compile(rf"[^\W_](?:[^\W_]|[{MARKS}])*")
_RARE = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u1fff\u20d0-\u20ff\u2e80-\U0010ffff]"
)  # more than MARKS and UNSPACED
_MAYBE_UNSPACED = re.compile("[\u0e00-\U0010ffff]")  # quick to make, where most texts have none
_USUAL = re.compile("[\x00-\x7fЁА-яё«»—–…№“”„’]*")  # of these only capitals and ё have another form
_PLAIN = re.compile("[\x00-\x7fЁА-яё]*")  # as above, without the signs that compatibility forms take apart
_TWO_ALPHABETS = re.compile("[A-Za-z][ЁА-яё]|[ЁА-яё][A-Za-z]")
_LATIN, _CYRILLIC = "aceopxyABCEHKMOPTXY", "асеорхуАВСЕНКМОРТХУ"  # letters that look alike, pair by pair
_TO_CYRILLIC, _TO_LATIN = str.maketrans(_LATIN, _CYRILLIC), str.maketrans(_CYRILLIC, _LATIN)
_ONLY_LATIN, _ONLY_CYRILLIC = re.compile("[A-Za-z]"), re.compile("[ЁА-яё]")
_NOT_WORD = re.compile(r"[\W_]+")
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_ACCENTED = (
    (0x41, 0x24F),
    (0x370, 0x3FF),
    (0x1E00, 0x1FFF),
)  # Latin and Greek letters, which are found without accents
_POINTED = ((0x590, 0x6FF),)  # Hebrew and Arabic letters, which are mostly written without points
_STRESS = "\u0300\u0301"  # on Cyrillic letters; й and ї keep what is theirs
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ё": "е"}
    | {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ـ": ""}
)


def searchable(text: str) -> str:
    """Return the words of a text as they are compared, with blanks between them; stems and stop words are the analyzer's."""
    if text.isascii():
        return text.translate(_ASCII)
    if _USUAL.fullmatch(text) and not _TWO_ALPHABETS.search(text):
        return _NOT_WORD.sub(" ", text.lower().replace("ё", "е"))
    return " ".join(unit for word in WORD.findall(text) for unit in units(word))


@lru_cache(maxsize=65536)
def units(word: str) -> tuple[str, ...]:
    """Return what is looked for of one word: the folded word, or its letters one by one where no blanks are written."""
    word = of_one_alphabet(word)
    if word.isalnum() and is_plain(word):
        return (word.lower().replace("ё", "е"),)
    if not is_unspaced(word):
        return tuple(WORD.findall(fold(word)))
    return tuple(unit for piece in _pieces().findall(word) for unit in WORD.findall(fold(piece)))


def of_one_alphabet(word: str) -> str:
    """Return a word in which letters of another alphabet were typed that look the same, in its own: Кофе with a Latin o.

    A word of both alphabets in earnest, as PDFы, stays as it is.
    """
    if not _TWO_ALPHABETS.search(word):
        return word
    cyrillic, latin = word.translate(_TO_CYRILLIC), word.translate(_TO_LATIN)
    if not _ONLY_LATIN.search(cyrillic):
        return cyrillic
    return word if _ONLY_CYRILLIC.search(latin) else latin


def unit_spans(word: str) -> list[tuple[int, int]]:
    """Return where in a word stand its letters that are looked for one by one, and the pieces between them."""
    return [piece.span() for piece in _pieces().finditer(word)]


def is_unspaced(text: str) -> bool:
    """Tell whether a text has letters of a script that is written without blanks."""
    return _MAYBE_UNSPACED.search(text) is not None and _unspaced().search(text) is not None


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(rf"[{UNSPACED}]")


@cache
def _pieces() -> re.Pattern[str]:
    """Return what takes a word apart: letters of scripts without blanks one by one, all between them together."""
    return re.compile(rf"[{UNSPACED}][{MARKS}]*|[^{UNSPACED}]+")


def is_plain(text: str) -> bool:
    """Tell whether a text is in ASCII and Russian letters: then only capitals and ё have another form."""
    return _PLAIN.fullmatch(text) is not None


def has_rare(text: str) -> bool:
    """Tell whether a text may have signs that belong to letters, or scripts without blanks; without, words are runs of letters."""
    return _RARE.search(text) is not None


def fold(text: str) -> str:
    """Return letters in the form in which they are compared: NFKC, small, Latin and Greek ones without accents, ё as е."""
    if is_plain(text):
        return text.lower().replace("ё", "е")
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    letters: list[str] = []
    base = ""
    for letter in decomposed:
        if not unicodedata.combining(letter):
            base = letter
        elif _falls_away(letter, base):
            continue
        letters.append(letter)
    return unicodedata.normalize("NFC", "".join(letters)).translate(_LETTERS)


def _falls_away(mark: str, base: str) -> bool:
    code = ord(base) if base else 0
    if any(first <= code <= last for first, last in (*_ACCENTED, *_POINTED)):
        return True
    return 0x400 <= code <= 0x52F and mark in _STRESS
