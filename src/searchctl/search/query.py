"""What a person types: words, "exact phrases", +required and -excluded words."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A sign counts only before a letter and after a blank, so that "-5", "C++" and "e-mail" stay what they are.
_PIECE = re.compile(
    r'(?<!\S)(?P<sign>[+-]?)"(?P<phrase>[^"]+)"|(?<!\S)(?P<mark>[+-])(?P<word>[^\W\d_]\S*)|(?P<plain>\S+)'
)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`text` is what both legs look for; every phrase in `required` must occur, none in `excluded` may.

    Those in `quoted` must as well if any document has them: people quote titles and sayings in ordinary questions, too.
    """

    text: str
    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()


def parse_query(text: str) -> ParsedQuery:
    """Read a query. Quotation marks make a phrase, + and - what must and mustn't occur; exclusions alone find nothing."""
    words: list[str] = []
    required: list[str] = []
    excluded: list[str] = []
    quoted: list[str] = []
    for piece in _PIECE.finditer(text.replace("«", '"').replace("»", '"').replace("“", '"').replace("”", '"')):
        sign = piece["sign"] or piece["mark"] or ""
        phrase = piece["phrase"] or piece["word"]
        if phrase is None:
            words.append(piece["plain"].strip('"'))
        elif sign == "-":
            excluded.append(phrase)
        else:
            (required if sign else quoted).append(phrase)
            words.append(phrase)
    return ParsedQuery(" ".join(word for word in words if word), tuple(required), tuple(excluded), tuple(quoted))
