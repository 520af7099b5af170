"""How much the words of one query deserve to be believed before its meaning: codes, quotations and short exact names."""

from __future__ import annotations

import re
from dataclasses import replace

from searchctl.ranking.bm25 import idf
from searchctl.schema import Analyzer, FusionSettings
from searchctl.search.query import ParsedQuery
from searchctl.text.analysis import analyze
from searchctl.types import TermStatistics

_MOST = 0.8  # how far the surest query moves the weight from the vector leg to the lexical one
_ORDINARY = re.compile(  # years, decades, ordinals and amounts with a unit, as running text has them
    r"(1[5-9]|20)\d\d|\d+(st|nd|rd|th|s|-?[а-яё]{1,3})|\d+-[^\W\d]{3,}", re.IGNORECASE
)
_NUMBER = re.compile(r"\d+")
_CODE = re.compile(  # a digit beside a letter (E17, B-12), an address or a name of a program's (a_b, c.toml, /etc/x), iPhone
    r"(?=.*\d)(?=.*[^\W\d_]).+|\w+([_@#]|::)\w.*|\w{2,}(\.\w{2,})+|[/\\]\w.*|[a-zа-яё]+[A-ZА-ЯЁ]\w*"
)
_SHORTNESS = {1: 0.5, 2: 0.25}  # of a query by its number of telling words
_SENTENCE_END = "?!.,;:…()"


def lexical_certainty(query: ParsedQuery, statistics: TermStatistics, analyzer: Analyzer) -> float:
    """Return in [0, 1] how sure it is that the query's very words are wanted; 0 for an ordinary question.

    It is the share of what the words tell (their inverse document frequency) that is in codes and quotations; pure numbers
    count half. A query of one or two rare words counts a part as well. Words that the index doesn't hold add nothing,
    so an unknown code leaves the query to its meaning. Every step is continuous in how rare a word is.
    """
    documents = statistics.documents
    total = sum(idf(documents, frequency) for frequency in statistics.frequencies.values())
    if total <= 0.0:
        return 0.0
    exact = _exact_words(query, analyzer)
    sure = sum(
        idf(documents, frequency) * exact.get(term, 0.0)
        for term, frequency in statistics.frequencies.items()
        if frequency
    )
    return max(sure / total, _name_certainty(statistics))


def gated(settings: FusionSettings, certainty: float) -> FusionSettings:
    """Return the settings with the weight moved towards the lexical leg; only "weighted" is, the others stay as named."""
    if settings.method != "weighted" or certainty <= 0.0 or settings.lexical == 0.0:
        return settings
    total = settings.lexical + settings.vector
    share = settings.lexical / total
    share += (1.0 - share) * _MOST * min(certainty, 1.0)
    return replace(settings, lexical=share, vector=1.0 - share)


def _exact_words(query: ParsedQuery, analyzer: Analyzer) -> dict[str, float]:
    """Return the terms that are meant literally, with how surely in [0, 1]."""
    found: dict[str, float] = {}
    for phrase in (*query.required, *query.quoted):
        found.update((token.term, 1.0) for token in analyze(phrase, analyzer))
    for word in query.text.split():
        sure = _literalness(word.strip(_SENTENCE_END))
        if sure:
            for token in analyze(word, analyzer):
                found[token.term] = max(sure, found.get(token.term, 0.0))
    return found


def _literalness(word: str) -> float:
    if _ORDINARY.fullmatch(word):
        return 0.0
    if _NUMBER.fullmatch(word):
        return 0.5
    return 1.0 if _CODE.fullmatch(word) else 0.0


def _name_certainty(statistics: TermStatistics) -> float:
    """Return the certainty of a query of one or two words, all in the index: the more, the rarer they are."""
    frequencies = statistics.frequencies.values()
    short = _SHORTNESS.get(len(frequencies), 0.0)
    if not short or not all(frequencies):
        return 0.0
    rarest = idf(statistics.documents, 1)
    return short * min((idf(statistics.documents, one) / rarest) ** 2 for one in frequencies)
