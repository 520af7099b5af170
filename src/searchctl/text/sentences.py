"""Where sentences end, in English and Russian text (and any script that uses the same marks), in one linear pass.

The costly mistake for search is a border inside a phrase ("т. е. Москва", "Mr. Smith"); a border missed only makes a
longer sentence. So every doubt is decided against a border.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from searchctl.types import Passage

# How strong the border before a sentence is.
CLOSE = 0  # the sentence belongs to the heading before it
PLAIN = 1
PARAGRAPH = 2

_CANDIDATE = re.compile(r"[.!?…]+|[。！？｡।؟۔]+|\n\s*")
_CLOSERS = re.compile(r"(?:[\"'»”’“)\]}*_]|\[\d{1,3}\])*")
_GAP = re.compile(r"\s*")
_OPENERS = "\"'«“„‘([{*_"
_DASHES = "-–—"
_BEFORE_A_WORD = _OPENERS + _DASHES
_LIST_ITEM = re.compile(r"(?:[-*+•‣◦–—]|\d{1,3}[.)]|[^\W\d_][.)])\s|#{1,6}\s|\|")
_LONGEST_WORD = 40
_LONGEST_HEADING = 80
_SHORT_LINE = 50  # a wrapped line of running text is longer than this

# Abbreviations that are followed by what they introduce, so that a capital after them begins no sentence.
_INTRODUCING = frozenset(
    """mr mrs ms dr prof st mt gen capt lt sgt rev hon gov messrs mme e.g i.e viz vs cf approx
    г гг гор с пос дер обл р респ ул пр просп пер пл наб бул ш д корп кв эт им св о оз р-н тов гр г-н г-жа проф акад доц канд
    инж ген полк подполк лейт адм см ср напр е т.е т.к т.н т.ч т.о ред изд сост авт тел моб и.о о.о врио англ фр нем лат греч
    исп ит яп укр""".split()
)
_ET_CETERA = ("т. д", "т. п")
_NUMBERED = frozenset("no nos vol fig figs eq sec ch p pp ed рис табл илл ил гл разд п пп ст стр ч т кн вып".split())


class Sentence(NamedTuple):
    """A sentence's code points, trimmed, and how strong the border before it is."""

    start: int
    end: int
    border: int


def sentences(text: str) -> list[Passage]:
    """Return the text's sentences in order, trimmed; together they hold every character that isn't white space."""
    return [Passage(one.start, one.end) for one in split(text)]


def split(text: str) -> list[Sentence]:
    """Return the text's sentences with the strength of the border before each."""
    in_order: list[Sentence] = []
    start, border, heading = _skip(text, 0), PARAGRAPH, False
    for offset, strength in _borders(text):
        end = offset
        while end > start and text[end - 1].isspace():
            end -= 1
        if end <= start:
            border = max(border, strength)
            continue
        in_order.append(Sentence(start, end, CLOSE if heading else border))
        heading = text.startswith("#", start) or (border == strength == PARAGRAPH and _is_heading(text, start, end))
        start, border = _skip(text, offset), strength
    return in_order


def _is_heading(text: str, start: int, end: int) -> bool:
    """Tell whether a paragraph of its own is a heading: short, and without a mark at its end, or with a colon."""
    return end - start <= _LONGEST_HEADING and (text[end - 1].isalnum() or text[end - 1] == ":")


def _skip(text: str, offset: int) -> int:
    gap = _GAP.match(text, offset)
    return gap.end() if gap else offset


def _borders(text: str) -> Iterator[tuple[int, int]]:
    """Yield places after which a sentence begins, with their strength, in order; the text's end is the last."""
    line = _skip(text, 0)  # where the current line's text starts
    start = line  # where the current sentence starts
    for candidate in _CANDIDATE.finditer(text):
        mark = candidate.group()
        if mark[0] == "\n":
            strength = _line_border(text, line, candidate.start(), candidate.end(), mark)
            line = candidate.end()
            if strength:
                start = line
                yield candidate.start(), strength
            continue
        end = _CLOSERS.match(text, candidate.end()).end()  # type: ignore[union-attr]  # matches the empty string
        if mark[0] in "。！？｡।؟۔" or _ends_sentence(text, start, candidate.start(), end, mark):
            start = _skip(text, end)
            yield end, PLAIN
    yield len(text), PARAGRAPH


def _line_border(text: str, line: int, end: int, after: int, gap: str) -> int:
    """Tell how strong a border a line's end is; 0 for none, as inside a wrapped paragraph."""
    if gap.count("\n") > 1 or text.startswith("#", after):
        return PARAGRAPH
    if text.startswith(("#", "|"), line) or _LIST_ITEM.match(text, after) or text.find("\t", line, end) >= 0:
        return PLAIN
    begins = text[after : after + 1]
    return PLAIN if end - line < _SHORT_LINE and (begins.isupper() or begins.isdigit() or begins in _OPENERS) else 0


def _ends_sentence(text: str, start: int, mark_at: int, end: int, mark: str) -> bool:
    """Tell whether a mark (with what closes after it, up to `end`) ends the sentence that began at `start`."""
    if end < len(text) and not text[end].isspace():
        return False
    after = _skip(text, end)
    if _continues(text, after):
        return False
    return mark != "." or not _is_abbreviation(
        text[max(start, mark_at - _LONGEST_WORD) : mark_at], text[after : after + 1]
    )


def _continues(text: str, offset: int) -> bool:
    """Tell whether what stands here goes on with a sentence: a small letter, also after a dash or an opening quote."""
    first = text[offset : offset + 1]
    if first and first in _DASHES:
        offset = _skip(text, offset + 1)
    elif first and first in _OPENERS:
        offset += 1
    return text[offset : offset + 1].islower()


def _is_abbreviation(before: str, after: str) -> bool:
    """Tell whether a dot closes an initial, an abbreviation that introduces something, or a list number.

    `before` is the sentence up to the dot, or its end; `after` the next character that isn't a space.
    """
    word = (before.rsplit(None, 1) or [""])[-1].lstrip(_BEFORE_A_WORD)
    if len(word) == 1 and word.isalpha() and word.isupper():
        return True
    if word == before and (word.isdigit() or len(word) == 1):
        return True
    if before.endswith(_ET_CETERA):
        return False
    return word.lower() in _INTRODUCING or (after.isdigit() and word.lower() in _NUMBERED)
