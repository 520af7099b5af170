"""Codes of a query, and words of scripts without blanks, as the lexical leg looks for them: each as one thing.

A code is looked for by its key first, then by its parts together, and by its parts anywhere only as a makeshift (see
`text.codes`). Words of a script without blanks are looked for by pairs of neighbouring letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from searchctl.ranking.bm25 import idf
from searchctl.schema import Analyzer
from searchctl.search.synonyms import Weighed
from searchctl.text.analysis import analyze
from searchctl.text.codes import Code, codes
from searchctl.text.folding import is_unspaced
from searchctl.text.scripts import UNSPACED
from searchctl.types import TermStatistics, Variant

_WHOLE = 1.0  # how much more a code counts that stands there as a whole, where nothing else is asked: once is as good as often
_SCATTERED = 0.35  # what the parts of a code are worth that don't stand together
_LOOSE = 0.6  # the same where they were typed with a blank between them
_MOST_CODES = 16  # in one query, and pairs of letters
_MOST_PAIRS = 64
_LEADING = 0.95  # how much of a query the rarest code can be worth, however much is said around it
_DATE = re.compile(
    r"(?:(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.|(?=\d{4}-))(?P<y>\d{4})(?:-(?P<month>\d{1,2})-(?P<day>\d{1,2}))?"
)
_PARTED = re.compile(r"(?<!\S)[^\W\d_]{1,3} \d{1,6} [^\W\d_]{1,3}(?!\S)")
_WITH_BLANK = re.compile(r"(?<!\S)(?:[^\W\d_]{1,3} \d{1,6}|\d{1,6} [^\W\d_]{1,4})(?!\S)")


def _unspaced_runs(text: str) -> Iterator[re.Match[str]]:
    """Yield where two or more letters of a script without blanks stand together; the pattern is made where it's needed."""
    return re.finditer(rf"[{UNSPACED}]{{2,}}", text) if is_unspaced(text) else iter(())


@dataclass(frozen=True, slots=True)
class CodeQuery:
    """A query's text taken apart: `rest` has neither codes nor runs of a script without blanks."""

    rest: str
    codes: tuple[Code, ...]
    texts: tuple[str, ...]  # of the codes, as they were typed
    runs: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return every word whose frequency decides what the codes are worth."""
        pairs = (pair for text in self.texts for pair in _pairs(text))
        forms = [form for code in (*self.codes, *pairs) for form in (*code.keys, *code.parts)]
        return " ".join([self.rest, *forms, *self.texts, *self.runs])


def find_codes(text: str) -> CodeQuery | None:
    """Return a query's codes and runs; None where it has neither."""
    in_query = [_dated(code, text[code.start : code.end]) for code in codes(text)]
    in_query += [code for code in _with_blanks(text) if not any(_overlap(code, other) for other in in_query)]
    in_query = sorted(in_query, key=lambda code: code.start)[:_MOST_CODES]
    runs = [run for run in _unspaced_runs(text) if not any(_inside(run.start(), code) for code in in_query)]
    if not in_query and not runs:
        return None
    spans = sorted([(code.start, code.end) for code in in_query] + [run.span() for run in runs])
    pieces, at = [], 0
    for start, end in spans:
        pieces.append(text[at:start])
        at = end
    rest = " ".join(" ".join([*pieces, text[at:]]).split())
    texts = tuple(text[code.start : code.end] for code in in_query)
    return CodeQuery(rest, tuple(in_query), texts, tuple(run.group() for run in runs))


def weigh_codes(
    query: CodeQuery, others: Weighed, statistics: TermStatistics, analyzer: Analyzer
) -> tuple[str, Weighed]:
    """Return what is left of the query, and its codes added to the `others` that stand for words.

    `statistics` are of `CodeQuery.words` and of all words of the others.
    """
    weigher = _Weigher(statistics, analyzer)
    rest = [query.rest]
    for code, text in zip(query.codes, query.texts, strict=True):
        if weigher.add(code, text):
            continue
        pair = next((pair for pair in _pairs(text) if weigher.add(pair, text[pair.start : pair.end])), None)
        rest.append(text if pair is None else f"{text[: pair.start]} {text[pair.end :]}")
    for run in query.runs:
        weigher.add_run(run)
    left = " ".join(piece for piece in rest if piece)
    return left, weigher.joined(left, others)


class _Weigher:
    """Collects the groups of a query's codes."""

    def __init__(self, statistics: TermStatistics, analyzer: Analyzer) -> None:
        self._statistics = statistics
        self._analyzer: Analyzer = analyzer
        self._groups: list[
            tuple[float, int, tuple[Variant, ...]]
        ] = []  # what each is worth, how many of its first are whole
        self._frequencies: dict[str, int] = {}
        self._weights: dict[str, float] = {}
        self._rarest = 0.0  # in [0, 1]: how rare the rarest code is that the index holds
        self._pairs = 0

    def add(self, code: Code, text: str) -> bool:
        """Add a code; False where nothing is known of it, so that its words are looked for as they are."""
        key = next((key for key in code.keys if self._idf(key)), None)
        parts = " ".join(code.parts)
        scattered = sum(idf(self._statistics.documents, n) for n in self._terms(parts).values() if n)
        together = len(code.parts) > 1 and all(self._terms(parts).values()) and bool(self._terms(parts))
        loose = _WITH_BLANK.fullmatch(text) is not None or _PARTED.fullmatch(text) is not None
        if code.literal and key is not None and not loose:
            self._add_literal(self._idf(key), key, parts, scattered if not code.symbol or scattered else 0.0, together)
        elif code.literal and together and not code.symbol and not loose and len(code.parts) > 1:
            self._groups.append((scattered, 1, (Variant(parts, 1.0, True), Variant(parts, _SCATTERED, False))))
            self._frequencies |= self._terms(parts)
        elif key is not None and (not code.literal or loose):
            worth = max(scattered, self._idf(key))
            variants = [Variant(key, worth / self._idf(key), False)]
            if scattered:
                variants.append(Variant(parts, (_LOOSE if loose else 1.0) * worth / scattered, False))
            self._groups.append((worth, 0, tuple(variants)))
            self._frequencies |= self._terms(parts if scattered else key)
            self._weights |= {term: worth for term in self._terms(key)}
        else:
            return False
        return True

    def _add_literal(self, worth: float, key: str, parts: str, scattered: float, together: bool) -> None:
        variants = [Variant(key, 1.0, False)]
        if scattered:
            if together:
                variants.append(Variant(parts, worth / scattered, True))
            variants.append(Variant(parts, _SCATTERED * worth / scattered, False))
        self._groups.append((worth, 1 + (scattered > 0.0 and together), tuple(variants)))
        self._frequencies |= self._terms(key)
        self._weights |= {
            term: _SCATTERED * worth / len(self._terms(parts)) for term, n in self._terms(parts).items() if n
        }
        self._rarest = max(self._rarest, min(worth / idf(self._statistics.documents, 1), 1.0) ** 2)

    def add_run(self, run: str) -> None:
        """Add the pairs of neighbouring letters of a script without blanks."""
        self._frequencies |= self._terms(run)
        terms = [token for token in analyze(run, self._analyzer, stop_words=True)]
        letters = [run[token.start : token.end] for token in terms]
        for first, second in zip(letters, letters[1:], strict=False):
            if self._pairs < _MOST_PAIRS and all(self._idf(letter) for letter in (first, second)):
                self._pairs += 1
                worth = (self._idf(first) + self._idf(second)) / 2
                self._groups.append((worth, 0, (Variant(first + second, 0.5, True),)))

    def joined(self, rest: str, others: Weighed) -> Weighed:
        """Return the codes' groups with the others, the rarest code leading where much is said that the index doesn't know."""
        documents = self._statistics.documents
        own = {term: self._statistics.frequencies.get(term, 0) for term in self._terms(rest)}
        frequencies = {**others.statistics.frequencies, **own}
        around = sum(idf(documents, n) for n in frequencies.values())
        unknown = sum(idf(documents, n) for n in frequencies.values() if not n)
        worth = sum(most for most, _, _ in self._groups)
        share = _LEADING * self._rarest
        factor = 1.0
        if worth and unknown and share > worth / (worth + unknown):
            factor = share / (1.0 - share) * unknown / worth
        whole = 1.0 + _WHOLE * worth * factor / max(worth * factor + around, 1e-9)
        groups = tuple(
            tuple(
                Variant(variant.text, variant.weight * factor * (whole if number < wholes else 1.0), variant.phrase)
                for number, variant in enumerate(group)
            )
            for _, wholes, group in self._groups
        )
        statistics = TermStatistics(documents, {**frequencies, **self._frequencies}, self._statistics.deleted)
        weights = {**{term: n for term, n in self._weights.items()}, **others.weights}
        bound = around + worth * factor
        certainty = share * unknown / around if around else 0.0
        return Weighed((*others.groups, *groups), statistics, weights, others.texts, bound, certainty)

    def _terms(self, text: str) -> dict[str, int]:
        """Return a text's terms with the number of documents that hold each."""
        frequencies = self._statistics.frequencies
        return {token.term: frequencies.get(token.term, 0) for token in analyze(text, self._analyzer)}

    def _idf(self, text: str) -> float:
        """Return what one word tells; 0 for one that the index doesn't hold."""
        return sum(idf(self._statistics.documents, n) for n in self._terms(text).values() if n)


def _with_blanks(text: str) -> Iterator[Code]:
    """Yield letters and a number that were typed with blanks between them, as in "e 17", "5 GHz" and "ab 1234 x"."""
    parted = list(_spaced(_PARTED, text))
    yield from parted
    yield from (code for code in _spaced(_WITH_BLANK, text) if not any(_overlap(code, other) for other in parted))


def _pairs(text: str) -> Iterator[Code]:
    """Yield a letter and a number of what was taken for letters, a number and letters: "at 5 GHz" is about 5 GHz."""
    if _PARTED.fullmatch(text):
        first = text.index(" ") + 1
        yield from (
            code._replace(start=code.start + first, end=code.end + first) for code in _spaced(_WITH_BLANK, text[first:])
        )
        yield from _spaced(_WITH_BLANK, text[: text.rindex(" ")])


def _spaced(form: re.Pattern[str], text: str) -> Iterator[Code]:
    for match in form.finditer(text):
        parts: Sequence[str] = match.group().lower().split()
        yield Code(match.start(), match.end(), ("".join(parts),), tuple(parts), literal=True, symbol=False)


def _dated(code: Code, text: str) -> Code:
    """Return a code; of a date with the keys of the other forms that it's written in: 5.3.2026, 05.03.2026, 2026-03-05."""
    date = _DATE.fullmatch(text)
    if date is None or (date["d"] is None) == (date["day"] is None):
        return code
    day, month, year = int(date["d"] or date["day"]), int(date["m"] or date["month"]), date["y"]
    forms = (f"{day:02}.{month:02}.{year}", f"{year}-{month:02}-{day:02}", f"{day}.{month}.{year}")
    keys = (key for form in forms for other in codes(form) for key in other.keys[:1])
    return code._replace(keys=tuple(dict.fromkeys((*code.keys, *keys))))


def _overlap(code: Code, other: Code) -> bool:
    return code.start < other.end and other.start < code.end


def _inside(offset: int, code: Code) -> bool:
    return code.start <= offset < code.end


def has_unspaced(text: str) -> bool:
    """Tell whether a text has letters of a script without blanks."""
    return is_unspaced(text)
