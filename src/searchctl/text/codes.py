"""Codes and other words with signs in them, as single terms: E-17, 10.0.0.1, 2024-06-05, AB-1234-X, Wi-Fi, 1,000,000, C++, .NET.

Analysis takes such a word apart, so that "10.244.40.84" would be four numbers in any order. Beside its parts each has a key: its
parts joined, with a letter between two numbers that no code has there by accident. Documents carry the keys of their words, and
queries look for them first. The same key stands for the forms that people write: E-17, E17 and E 17; Wi-Fi and wifi.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from searchctl.text.folding import fold

_BETWEEN = "n"  # between the numbers of an address, a version or a date
_LONGEST = 80  # characters of a word that gets a key
_MOST_PARTS = 12
_REMEMBERED = 8192  # different codes
_NUMBER = (
    r"\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d{1,3}(?:\.\d{3}){2,}"  # three numbers by points may be a version as well
)
_CONNECTED = r"[^\W_]+(?:(?:[-‐‑‒−./:&@_\\]|['’](?=[A-ZА-ЯЁÀ-Þ])|(?<=\d),(?=\d)|(?<=[^\W\d_])-\n(?=[^\W\d_]))[^\W_]+)+"
_SYMBOLS = r"[^\W_]+(?:\+\+|[+#])(?![^\W\d_])|(?<![\w.])\.[A-Za-z][A-Za-z\d]+"
_SPACED = r"[A-ZА-ЯЁ]{1,3} \d{1,6}"
_CODE = re.compile(
    rf"(?<![\w.,])(?P<number>{_NUMBER})(?![\w]|[.,]\d)|(?P<symbols>{_SYMBOLS})|(?P<connected>{_CONNECTED})"
    rf"|(?<!\w)(?P<spaced>{_SPACED})(?!\w)|(?P<mixed>[^\W_]*\d[^\W_]*)"
)
# What every code has: a digit, or a sign between letters, after one or before a name. Cheap to look for.
_SIGN = re.compile(
    r"[\d\-‐‑‒−./:&@_\\'’+#](?:(?<=\d)|(?<=[^\W_][\-‐‑‒−./:&@_\\])[^\W_]|(?<=[^\W_]['’])[A-ZА-ЯЁÀ-Þ]"
    r"|(?<=[^\W\d_]-)\n[^\W\d_]|(?<=[^\W_][+#])|(?<!\w\.)(?<=\.)[A-Za-z])"
)
_ORDINARY = re.compile(r"(1[5-9]|20)\d\d|\d+(st|nd|rd|th|s|-?[а-яё]{1,3})|\d+-[^\W\d]{3,}", re.IGNORECASE)
_PARTS = re.compile(r"\d+|[^\W\d_]+")
_PIECES = re.compile(r"[^\W_]+")
_DOTTED = re.compile(r"\.([A-Za-z][A-Za-z\d]+)")
_SIGNS = {"++": "plusplus", "+": "plus", "#": "sharp"}


def is_ordinary(word: str) -> bool:
    """Tell whether a word with digits is a year, a decade, an ordinal or an amount with its unit, as running text has them."""
    return _ORDINARY.fullmatch(word) is not None


class Code(NamedTuple):
    """A word with signs or digits in it, and where it stands in the text.

    `keys` are the terms that stand for it as a whole, the surest first; `parts` its letters and its numbers. `literal` says
    whether a digit or a symbol makes it a code, and not just a hyphen as in "well-known"; `symbol` whether it has none but its key.
    """

    start: int
    end: int
    keys: tuple[str, ...]
    parts: tuple[str, ...]
    literal: bool
    symbol: bool


def codes(text: str) -> Iterator[Code]:
    """Yield the codes of a text from left to right."""
    for match in _matches(text):
        reading = _read(match.group(), str(match.lastgroup)) if match.end() - match.start() <= _LONGEST else None
        if reading is not None:
            yield Code(match.start(), match.end(), *reading)


@lru_cache(_REMEMBERED)  # texts have the same numbers and names again and again
def _read(word: str, kind: str) -> tuple[tuple[str, ...], tuple[str, ...], bool, bool] | None:
    """Return a code's keys, its parts, whether it's literal and whether it's a symbol; None for a word that is no code.

    `kind` is the group of `_CODE` that it matches.
    """
    if kind == "symbols":
        key, name = _symbol_key(word)
        return (key,), (name,), True, True
    parts = tuple(_PARTS.findall(fold(word)))
    ordinary = is_ordinary(word)
    if len(parts) > _MOST_PARTS or (kind == "mixed" and (ordinary or len(parts) < 2)):
        return None
    literal = not ordinary and any(part[0].isdigit() for part in parts)
    joined = "".join(parts)
    keys = (joined,) if kind in ("number", "mixed") else tuple(dict.fromkeys((_key(word), joined)))
    return keys, parts, literal, False


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Yield what `_CODE` matches, looking only around signs and digits: running text has few of them."""
    sign = _SIGN.search(text)
    while sign is not None:
        start, end = _stretch(text, sign.start(), sign.end())
        yield from _CODE.finditer(text, start, end)
        sign = _SIGN.search(text, end)


def _stretch(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the words around a place, as far as a code might go: beyond a blank it goes on with a digit only."""
    start = text.rfind(" ", 0, start) + 1
    while start and text[start].isdecimal():
        start = text.rfind(" ", 0, start - 1) + 1
    end = text.find(" ", end)
    while 0 <= end < len(text) - 1 and text[end + 1].isdecimal():
        end = text.find(" ", end + 1)
    return start, end if end >= 0 else len(text)


def keys_of(text: str) -> str:
    """Return the keys of a text's codes that its words don't give anyway, each once, with blanks between.

    A word parted by a hyphen at the end of a line has one as well.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    keys: dict[str, None] = {}
    for match in _matches(text):
        if match.end() - match.start() <= _LONGEST:
            keys |= dict.fromkeys(_stored_keys(match.group(), str(match.lastgroup)))
    return " ".join(keys)


@lru_cache(_REMEMBERED)
def _stored_keys(word: str, kind: str) -> tuple[str, ...]:
    """Return the keys that a document carries for one of its words; none for a word without a sign, which is its own key."""
    reading = _read(word, kind)
    if reading is None or _PIECES.fullmatch(word):
        return ()
    keys, parts, _, _ = reading
    more = tuple(f"dot{fold(name)}" for name in _DOTTED.findall(word))  # ASP.NET is .NET
    if parts[0] == "v" and len(parts) > 1:
        more += (keys[0][1:],)  # v1.2.3 is version 1.2.3
    return keys + more


def _key(word: str) -> str:
    """Join the pieces of a word, with a letter between two numbers."""
    pieces = [piece for raw in _PIECES.findall(word) for piece in _PIECES.findall(fold(raw))]
    key = ""
    for piece in pieces:
        key += _BETWEEN if key[-1:].isdigit() and piece[0].isdigit() else ""
        key += piece
    return key


def _symbol_key(word: str) -> tuple[str, str]:
    """Return the key of a word with a symbol, and the word without it."""
    if word.startswith("."):
        name = fold(word[1:])
        return f"dot{name}", name
    name = word.rstrip("+#")
    return fold(name) + _SIGNS[word[len(name) :]], fold(name)
