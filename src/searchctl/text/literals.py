"""Words and phrases that are meant as they are typed: what has to stand in a text for one to be there."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TypeAlias

from searchctl.schema import Analyzer, is_first_analysis
from searchctl.text.analysis import analyze, phrase_terms
from searchctl.text.codes import codes, keys_of

_PASSAGES = 32  # whose analysis is kept while the words of a query are looked for in them
Groups: TypeAlias = "tuple[tuple[str, ...], ...]"  # each group needs one of its phrases


def literal_groups(phrase: str, analyzer: Analyzer) -> Groups:
    """Return what a phrase stands for: of each group one phrase has to occur; none for a phrase without words.

    "gift card" is itself; E-17 may be written E17; C++ is only the key of its code, since its word is any C.
    """
    in_phrase = list(codes(phrase))
    if len(in_phrase) == 1 and (in_phrase[0].start, in_phrase[0].end) == (0, len(phrase)):
        code = in_phrase[0]
        if code.symbol:
            return ((code.keys[0],),)
        numbers_only = all(part.isdigit() for part in code.parts)
        exact = numbers_only and not is_first_analysis(analyzer)  # the parts may stand in a longer address
        return (tuple(dict.fromkeys((*code.keys, *(() if exact else (phrase,))))),)
    if not any(phrase_terms(phrase, analyzer)):
        return ()
    return ((phrase,), *((code.keys[0],) for code in in_phrase if code.symbol))


def literal_spans(text: str, phrase: str, analyzer: Analyzer) -> list[tuple[int, int]]:
    """Return where a text holds a phrase, as its documents' lexical leg does; empty where it doesn't hold all of it.

    Phrases don't cross paragraphs.
    """
    spans: list[tuple[int, int]] = []
    for group in literal_groups(phrase, analyzer):
        of_group = [span for alternative in group for span in _spans(text, alternative, analyzer)]
        if not of_group:
            return []
        spans += of_group
    return sorted(set(spans))


def coded_spans(text: str, terms: Collection[str], analyzer: Analyzer) -> dict[str, list[tuple[int, int]]]:
    """Return where a text holds terms as codes that are written otherwise: `wifi` as Wi-Fi, `1000000` as 1,000,000."""
    spans: dict[str, list[tuple[int, int]]] = {}
    if terms and not is_first_analysis(analyzer):
        for start, end, keys in _coded(text, analyzer):
            for term in keys.intersection(terms):
                spans.setdefault(term, []).append((start, end))
    return spans


def _spans(text: str, phrase: str, analyzer: Analyzer) -> list[tuple[int, int]]:
    wanted = [term for term in phrase_terms(phrase, analyzer) if term]
    if not wanted:
        return []
    spans: list[tuple[int, int]] = []
    for terms, bounds in _analysed(text, analyzer):
        for first in range(len(terms) - len(wanted) + 1):
            if terms[first] == wanted[0] and list(terms[first : first + len(wanted)]) == wanted:
                spans.append((bounds[first][0], bounds[first + len(wanted) - 1][1]))
    if len(wanted) == 1 and not is_first_analysis(analyzer):
        spans += [(start, end) for start, end, keys in _coded(text, analyzer) if wanted[0] in keys]
    return spans


@lru_cache(_PASSAGES)
def _analysed(text: str, analyzer: Analyzer) -> tuple[tuple[tuple[str, ...], tuple[tuple[int, int], ...]], ...]:
    """Return each paragraph's terms and their places in the text: every word of a query is looked for in the same passage."""
    paragraphs = []
    offset = 0
    for paragraph in text.split("\n\n"):
        tokens = list(analyze(paragraph, analyzer, stop_words=not is_first_analysis(analyzer)))
        bounds = tuple((offset + token.start, offset + token.end) for token in tokens)
        paragraphs.append((tuple(token.term for token in tokens), bounds))
        offset += len(paragraph) + 2
    return tuple(paragraphs)


@lru_cache(_PASSAGES)
def _coded(text: str, analyzer: Analyzer) -> tuple[tuple[int, int, frozenset[str]], ...]:
    """Return where a text holds codes, each with all terms that stand for it."""
    return tuple(
        (
            code.start,
            code.end,
            frozenset(
                term
                for form in (*code.keys, keys_of(text[code.start : code.end]))
                for term in phrase_terms(form, analyzer)
            ),
        )
        for code in codes(text)
    )
