"""What people typed, as `query_string` holds it: plain words, or a language of operators that has to be left alone."""

from __future__ import annotations

import re

from searchctl.gateway.reasons import Refused

_ESCAPED = re.compile(r"\\(.)")
_FUZZY = re.compile(r"(?<=\w)~\d?(\.\d+)?(?=\s|$|\))")
_OPERATORS = re.compile(r'["\[\]{}^*/<>=]|&&|\|\||(?<!\S)[+\-!]\S|(?<!\S)(AND|OR|NOT)(?!\S)|:|\?(?=\S)|[()]|~')
_SIMPLE_OPERATORS = re.compile(r'["|()~]|\*(?=\s|$)|(?<!\S)[+\-]\S')
_EVERYTHING = ("*", "*:*")
_IDENTIFIER = re.compile(
    r"(?=.*\d)(?=.*[A-Za-zА-Яа-яЁё])[\w.:/#-]{4,}"  # letters and digits: SKU-1234, E17/b, a uuid
    r"|\d[\d\s./-]{4,}"  # an article's or a telephone number
    r"|[\w.+-]+@[\w-]+(\.[\w-]+)+"  # a mail address
    r"|\w+://\S+|(www\.)\S+"  # an address on the web
    r"|\w+([_]\w+)+",  # a program's name
)
_ORDINARY = re.compile(r"\d+(st|nd|rd|th|s|-?[а-яё]{1,3})|\d+-[^\W\d]{3,}|[^\W\d]{2,}\d{1,2}", re.IGNORECASE)
_SIGNS = " \t.,;!?"


def plain_words(text: str, *, simple: bool) -> str | None:
    """Return the words of a `query_string` (or of a `simple` one); None where it asks for everything.

    Round brackets about all of it, backslashes before signs and `~` behind words stand in what apps make of plain words.
    Raises Refused for anything else of that language.
    """
    words = text.strip()
    if words in _EVERYTHING:
        return None
    words = _FUZZY.sub("", _unwrapped(words))
    masked = _ESCAPED.sub(" ", words)
    ends_as_question = masked.rstrip().endswith("?") and masked.count("?") == 1
    searched = masked.rstrip()[:-1] if ends_as_question else masked
    if (_SIMPLE_OPERATORS if simple else _OPERATORS).search(searched):
        raise Refused("exact_syntax", "operators of a query string")
    return _ESCAPED.sub(r"\1", words)


def is_identifier(text: str) -> bool:
    """Tell whether a text is nothing but a code, a number, or an address: its meaning can't be looked for."""
    word = text.strip(_SIGNS)
    return bool(_IDENTIFIER.fullmatch(word)) and not _ORDINARY.fullmatch(word)


def _unwrapped(text: str) -> str:
    """Return a text without round brackets about all of it."""
    inner = text
    while len(inner) > 1 and inner[0] == "(" and inner[-1] == ")" and inner[-2] != "\\":
        inner = inner[1:-1].strip()
    return inner if not set("()") & set(_ESCAPED.sub("", inner)) else text
