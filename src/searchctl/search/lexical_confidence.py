"""How much the words of one query deserve to be believed before its meaning: codes, quotations and short exact names."""

from __future__ import annotations

import re
from dataclasses import replace

from searchctl.ranking.bm25 import idf
from searchctl.schema import Analyzer, FusionSettings
from searchctl.search.query import ParsedQuery
from searchctl.text.analysis import analyze
from searchctl.text.codes import codes, is_ordinary
from searchctl.types import TermStatistics

_MOST_LEANING = 0.8  # how far the surest query moves the weight from the vector leg to the lexical one
_MISREAD = 0.15  # share of unread letters up to which they are names and typing errors
_BADLY_READ = 0.25  # from which on they tell of another language
_HEARD = 0.15  # what is left of the vector leg's weight then: it still orders what no word tells apart
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
    share += (1.0 - share) * _MOST_LEANING * min(certainty, 1.0)
    return replace(settings, lexical=share, vector=1.0 - share)


def for_unread(settings: FusionSettings, unread: float) -> FusionSettings:
    """Return the settings with the vector leg counting less by the share in [0, 1] of the query that the encoder can't read."""
    if settings.method != "weighted" or unread <= _MISREAD or settings.lexical == 0.0:
        return settings
    total = settings.lexical + settings.vector
    doubt = min(1.0, (unread - _MISREAD) / (_BADLY_READ - _MISREAD))
    vector = settings.vector / total * (1.0 - (1.0 - _HEARD) * doubt)
    return replace(settings, lexical=1.0 - vector, vector=vector)


def _exact_words(query: ParsedQuery, analyzer: Analyzer) -> dict[str, float]:
    """Return the terms that are meant literally, with how surely in [0, 1]."""
    certainties: dict[str, float] = {}
    for phrase in (*query.required, *query.quoted):
        certainties.update((token.term, 1.0) for token in analyze(phrase, analyzer))
    for code in codes(query.text):
        if code.literal:
            certainties.update((token.term, 1.0) for key in code.keys for token in analyze(key, analyzer))
    for word in query.text.split():
        sure = _literalness(word.strip(_SENTENCE_END))
        if sure:
            for token in analyze(word, analyzer):
                certainties[token.term] = max(sure, certainties.get(token.term, 0.0))
    return certainties


def _literalness(word: str) -> float:
    if is_ordinary(word):
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
