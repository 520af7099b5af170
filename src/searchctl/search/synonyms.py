"""Synonyms: what else the lexical leg looks for where a query says a word, by rules that an index carries in its stamp.

Queries are expanded, not documents, so rules change without storing anything anew. A rule is a line in the format of Solr and
Lucene: "tv, television, telly" are words that stand for each other, "e-book => ebook, digital book" one or several in place of
what was typed. Both sides are analysed like everything else, so that a rule holds for all forms of its words.

All that stands for one part of a query is a group, of which the best counts, not the sum. Every variant is scaled to be worth
the same: what the commonest of them tells. That is how Lucene weighs synonyms of one word (`SynonymQuery`: the highest document
frequency), carried over to several words; the weights are worked out here, so that all engines use the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from searchctl.errors import UsageError
from searchctl.ranking.bm25 import idf
from searchctl.schema import Analyzer
from searchctl.text.analysis import analyze
from searchctl.translation import _
from searchctl.types import TermStatistics, Variant

MOST_RULES = 10_000  # they're read with the stamp, which servers keep in memory on every node
_MOST_GROUPS = 32  # in one query: what is longer has words enough
_COMMA = re.compile(r"(?<!\\),")
_ARROW = re.compile(r"(?<!\\)=>")
Terms: TypeAlias = "tuple[str, ...]"


@dataclass(frozen=True, slots=True)
class SynonymGroup:
    """A part of a query: the `terms` it was typed with, and the texts that stand for it."""

    terms: Terms
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A query with synonyms: `rest` is what has none."""

    rest: str
    groups: tuple[SynonymGroup, ...]

    @property
    def words(self) -> str:
        """Return every word whose frequency decides the weights."""
        return " ".join([self.rest, *(text for group in self.groups for text in group.texts)])


@dataclass(frozen=True, slots=True)
class Weighed:
    """What stands for words of a query, ready to be asked.

    `statistics` are of the words as they were typed, those of a group as common as the group is. `weights` says how much each
    word of the variants tells, for those that the index holds. `texts` is what is looked for beside the words that were typed.
    `bound` is the most that BM25 can give for the whole query, None where the statistics tell it; `certainty` in [0, 1] how
    surely the words themselves are wanted.
    """

    groups: tuple[tuple[Variant, ...], ...]
    statistics: TermStatistics
    weights: Mapping[str, float]
    texts: tuple[str, ...] = ()
    bound: float | None = None
    certainty: float = 0.0


def read_rules(lines: Iterable[str], analyzer: Analyzer) -> tuple[str, ...]:
    """Return the rules among lines, without comments (#) and blank lines; raises UsageError naming the line that isn't one."""
    rules = []
    for number, line in enumerate(lines, 1):
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        try:
            _sides(rule, analyzer)
        except ValueError as error:
            raise UsageError(
                _(
                    "synonyms, line {number}: {rule!r} {error}; write words that stand for each other, as in: tv, "
                    "television, or what to look for instead, as in: e-book => ebook, digital book"
                ).format(number=number, rule=rule, error=error)
            ) from error
        rules.append(rule)
    if len(rules) > MOST_RULES:
        raise UsageError(
            _("{count} synonyms are too many to be read with every query; give at most {MOST_RULES}").format(
                count=len(rules), MOST_RULES=MOST_RULES
            )
        )
    return tuple(rules)


def expand(text: str, literal: Iterable[str], rules: tuple[str, ...], analyzer: Analyzer) -> Expansion | None:
    """Return a query with what its words stand for; None where no rule fits.

    The longest fit counts, from the left. Words of the `literal` phrases are taken as they are.
    """
    if not rules:
        return None
    known, longest = _by_terms(rules, analyzer)
    exact = {token.term for phrase in literal for token in analyze(phrase, analyzer)}
    tokens = list(analyze(text, analyzer))
    rest: list[str] = []
    groups: list[SynonymGroup] = []
    number = begin = 0
    while number < len(tokens):
        terms = _fit([token.term for token in tokens[number : number + longest]], known, exact)
        if not terms or len(groups) == _MOST_GROUPS:
            number += 1
            continue
        groups.append(SynonymGroup(terms, known[terms]))
        rest.append(text[begin : tokens[number].start])
        number += len(terms)
        begin = tokens[number - 1].end
    return Expansion(" ".join([*rest, text[begin:]]).strip(), tuple(groups)) if groups else None


def weigh(expansion: Expansion, statistics: TermStatistics, analyzer: Analyzer) -> Weighed:
    """Return the expansion with its weights; `statistics` are of `Expansion.words`."""
    documents, held = statistics.documents, statistics.frequencies
    frequencies = {token.term: held.get(token.term, 0) for token in analyze(expansion.rest, analyzer)}
    groups: list[tuple[Variant, ...]] = []
    weights: dict[str, float] = {}
    for group in expansion.groups:
        terms = {text: _terms(text, analyzer) for text in group.texts}
        worth = {
            text: sum(idf(documents, held.get(term, 0)) for term in own)
            for text, own in terms.items()
            if (any if own == group.terms else all)(held.get(term) for term in own)
        }
        size = len(group.terms)
        common = _frequency(documents, min(worth.values()) / size) if worth else 0
        frequencies |= dict.fromkeys(group.terms, common)
        if worth:
            counts = size * idf(documents, common)
            groups.append(tuple(Variant(text, counts / worth[text], terms[text] != group.terms) for text in worth))
            weights |= {term: counts / len(terms[text]) for text in worth for term in terms[text] if held.get(term)}
    texts = tuple(dict.fromkeys(variant.text for group in groups for variant in group if variant.phrase))
    return Weighed(tuple(groups), TermStatistics(documents, frequencies), weights, texts)


def _fit(terms: list[str], known: Container[Terms], exact: AbstractSet[str]) -> Terms:
    """Return the longest beginning of the terms for which there is a rule; empty for none."""
    for length in range(len(terms), 0, -1):
        beginning = tuple(terms[:length])
        if beginning in known and exact.isdisjoint(beginning):
            return beginning
    return ()


def _frequency(documents: int, worth: float) -> int:
    """Return how many documents hold a word that tells so much: the inverse of `bm25.idf`."""
    return max(1, round((documents + 1) / math.exp(worth) - 0.5))


def _terms(text: str, analyzer: Analyzer) -> Terms:
    return tuple(token.term for token in analyze(text, analyzer))


@lru_cache(maxsize=16)
def _by_terms(rules: tuple[str, ...], analyzer: Analyzer) -> tuple[Mapping[Terms, tuple[str, ...]], int]:
    """Return what stands for each sequence of terms, of all rules together, and how long the longest is."""
    by_terms: dict[Terms, dict[Terms, str]] = {}
    for rule in rules:
        left, right = _sides(rule, analyzer)
        for terms in left:
            by_terms.setdefault(terms, {}).update(right)
    variants = {terms: tuple(texts.values()) for terms, texts in by_terms.items() if set(texts) != {terms}}
    return variants, max(map(len, variants), default=0)


def _sides(rule: str, analyzer: Analyzer) -> tuple[dict[Terms, str], dict[Terms, str]]:
    """Return what is typed and what is looked for, by terms; raises ValueError saying what is wrong."""
    left, *rights = _ARROW.split(rule)
    if len(rights) > 1:
        raise ValueError("has more than one =>")
    typed = _side(left, analyzer)
    sought = _side(rights[0], analyzer) if rights else typed
    if not rights and len(typed) < 2:
        raise ValueError("says the same word once or in several forms, which are found anyway")
    return typed, sought


def _side(text: str, analyzer: Analyzer) -> dict[Terms, str]:
    by_terms: dict[Terms, str] = {}
    for variant in _COMMA.split(text):
        words = re.sub(r"\\(.)", r"\1", variant).strip()
        terms = _terms(words, analyzer)
        if not terms:
            raise ValueError(f"has {words!r}, in which there is no word to look for" if words else "has an empty place")
        by_terms.setdefault(terms, words)
    return by_terms
