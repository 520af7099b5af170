"""What a person types: words, "exact phrases", +required and -excluded words."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from searchctl.schema import Analyzer
from searchctl.text.analysis import analyze
from searchctl.text.cleaning import clean
from searchctl.text.literals import literal_groups

_CLOSING = {'"': '"', "＂": "＂", "«": "»", "„": "“”", "‚": "‘’", "“": "”", "”": "”", "‹": "›", "「": "」", "『": "』"}
_QUOTES = re.compile(r'["＂«»„“”‹›「」『』]')
_STRAIGHT = '"＂”'  # open only where a word may begin: after a digit they are inches
_SIGNS = {"+": "+", "-": "-", "−": "-", "＋": "+", "－": "-"}
_OPENING = "([{<"
_BRACKETS = _OPENING + ")]}>"
_BEFORE = "([{<:;,/=|"  # a sign or a quote may stand after one of these
_AFTER = ".,;:!?)]}>»”“\"'…"  # no part of a word that has a sign
_MARKS = re.compile(f"[{re.escape(''.join([*_CLOSING, *_CLOSING.values(), *_SIGNS, _BRACKETS]))}]")
_OPERATORS = re.compile(r"(?<!\S)(AND|OR|NOT)(?!\S)")
_STAR = re.compile(r"\w\*(?!\w)")
_FUZZY = re.compile(r"[\w\"][~^]\d*(\.\d+)?(?!\S)")
_FIELD = re.compile(r"(?<!\S)([^\W\d]\w*):(?=[\w\"])")


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`text` is what both legs look for; every phrase in `required` must occur, none in `excluded` may.

    Those in `quoted` must as well if any document has them: people quote titles and sayings in ordinary questions, too.
    `remarks` tell what looks like another query language and means nothing here.
    """

    text: str
    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def without_ignored(self, analyzer: Analyzer) -> tuple[ParsedQuery, tuple[str, ...]]:
        """Return the query without signs and quotes that the index can't honour, and the words these stood before."""
        ignored = tuple(
            phrase for phrase in (*self.required, *self.excluded) if not literal_groups(phrase, analyzer)
        )  # quotes around stop words ask for nothing
        required, excluded, quoted = (
            tuple(phrase for phrase in phrases if literal_groups(phrase, analyzer))
            for phrases in (self.required, self.excluded, self.quoted)
        )
        return ParsedQuery(self.text, required, excluded, quoted, self.remarks), ignored


def parse_query(text: str, fields: Collection[str] = ()) -> ParsedQuery:
    """Read a query, cleaned like documents. Quotation marks make a phrase, + and - what must and mustn't occur.

    A sign counts before a letter, a digit, a quote or a symbol and at a word's beginning, so that "C++" and "e-mail" stay what
    they are. Exclusions alone find nothing. `fields` are names that a remark is made of where they stand before a colon.
    """
    text = clean(text)
    return _QueryReader(text).read(_remarks(text, fields))


def without_repetitions(text: str, analyzer: Analyzer) -> str:
    """Return the text without words that it has already said, in whatever form: saying it again is no evidence."""
    seen: set[str] = set()
    kept: list[str] = []
    end = 0
    for token in analyze(text, analyzer):
        if token.term in seen:
            kept.append(text[end : token.start])
            end = token.end
        seen.add(token.term)
    return " ".join("".join([*kept, text[end:]]).split()) if kept else text


class _QueryReader:
    """Reads a query from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words: list[str] = []
        self._required: list[str] = []
        self._excluded: list[str] = []
        self._quoted: list[str] = []

    def read(self, remarks: tuple[str, ...]) -> ParsedQuery:
        if not _MARKS.search(self._text):
            return ParsedQuery(" ".join(self._text.split()), remarks=remarks)
        at = 0
        while at < len(self._text):
            at = self._piece(at)
        words = " ".join(word for word in self._words if word)
        return ParsedQuery(words, tuple(self._required), tuple(self._excluded), tuple(self._quoted), remarks)

    def _piece(self, at: int) -> int:
        """Read what begins at a place, and return where it ends."""
        text = self._text
        if text[at].isspace() or text[at] in _BRACKETS:
            return at + 1
        begins = at == 0 or text[at - 1].isspace() or text[at - 1] in _BEFORE
        sign = _SIGNS.get(text[at], "") if begins else ""
        if sign and (at + 1 == len(text) or text[at + 1].isspace() or text[at + 1] in _SIGNS):
            sign = ""
        first = at + bool(sign)
        phrase = self._phrase(first, begins or bool(sign))
        if phrase is not None:
            inside, end = phrase
            self._take(sign, inside)
            return end
        end = self._word_end(first)
        word = text[first:end]
        bare = word.lstrip(_OPENING).rstrip(_AFTER).rstrip("*")
        if sign and any(letter.isalnum() for letter in bare):
            self._take(sign, bare)
        else:
            self._words.append(_QUOTES.sub("", text[at:end]).strip())
        return end

    def _take(self, sign: str, phrase: str) -> None:
        """Take a phrase in quotes, or a word with a sign."""
        if not phrase:
            return
        if sign == "-":
            self._excluded.append(phrase)
            return
        (self._required if sign else self._quoted).append(phrase)
        self._words.append(phrase)

    def _phrase(self, at: int, begins: bool) -> tuple[str, int] | None:
        """Return the phrase whose quotation mark stands at a place, and where it ends; None where there is no phrase."""
        text = self._text
        mark = text[at : at + 1]
        if mark not in _CLOSING or not mark or (mark in _STRAIGHT and not begins):
            return None
        closing, depth, end = _CLOSING[mark], 1, at + 1
        while end < len(text):
            if text[end] in closing:
                depth -= 1
                if depth == 0:
                    break
            elif text[end] == mark:
                depth += 1
            end += 1
        if depth:
            end = max(text.rfind(one, at + 1) for one in closing)  # marks that don't pair: to the last that closes
            if end < 0:
                return None
        inside = _QUOTES.sub("", text[at + 1 : end]).strip()
        return (inside, end + 1) if inside else ("", end + 1)

    def _word_end(self, at: int) -> int:
        """Return where the word ends that begins at a place: before a blank, or a quotation mark that may open a phrase."""
        text, end = self._text, at
        while end < len(text) and not text[end].isspace():
            if end > at and text[end] in _CLOSING and (text[end] not in _STRAIGHT or text[end - 1] in _BEFORE):
                break
            end += 1
        return max(end, at + 1)


def _remarks(text: str, fields: Collection[str]) -> tuple[str, ...]:
    remarks = []
    operators = sorted({match[1] for match in _OPERATORS.finditer(text)}) if not text.isupper() else []
    if operators and len(text.split()) > 1:
        remarks.append(
            f"{' and '.join(operators)} in capitals mean nothing in a query; a + before a word requires it, a - leaves out "
            "documents that have it"
        )
    if _STAR.search(text):
        remarks.append("* means nothing in a query; words are found in all their forms, beginnings aren't")
    if _FUZZY.search(text):
        remarks.append("~ and ^ mean nothing in a query")
    named = [match[1] for match in _FIELD.finditer(text) if match[1] in fields]
    if named:
        remarks.append(f"{named[0]}: means nothing in a query; filter by fields with --where {named[0]}=…")
    return tuple(remarks)
