"""What a search that finds nothing was probably meant to be, as `Searcher` tells it: the app's own query with another text."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from searchctl.gateway.dsl import BEGINNINGS, TEXTS
from searchctl.schema import Analyzer
from searchctl.search.repair import repairs, spelling_repair, unknown_words, word_repairs
from searchctl.types import Repair, TermStatistics

_OF_ONE_FIELD = frozenset({"match", "match_phrase"}) | BEGINNINGS
MISSPELT = 0.1  # how much more relevant the answer has to be to a word that was probably meant


def other_readings(text: str, statistics: TermStatistics, analyzer: Analyzer) -> Iterator[Repair]:
    """Yield the text as typed on the other keyboard layout or in the other alphabet, where the index doesn't know its words."""
    unknown = unknown_words(text, statistics.frequencies, analyzer)
    return word_repairs(text, unknown) if any(statistics.frequencies.values()) else repairs(text)


def spelt(text: str, statistics: TermStatistics, analyzer: Analyzer) -> Generator[Sequence[str], Any, Repair | None]:
    """Return the text without its typing errors, None where none is found; asks how many documents hold each of some words."""
    unknown = unknown_words(text, statistics.frequencies, analyzer)
    candidates: list[str] = []

    def collect(words: Sequence[str]) -> Mapping[str, int]:
        candidates.extend(words)
        return {}

    spelling_repair(text, unknown, collect)
    if not candidates:
        return None
    counts: Mapping[str, int] = yield candidates
    return spelling_repair(text, unknown, lambda words: {word: counts.get(word, 0) for word in words})


def with_text(query: Any, old: str, new: str) -> Any:
    """Return a query that asks for the text `new` in every scoring clause that asks for `old`; its filters stay."""
    if isinstance(query, list):
        return [with_text(clause, old, new) for clause in query]
    if not isinstance(query, Mapping):
        return query
    return {name: _clause(name, content, old, new) for name, content in query.items()}


def _clause(name: str, content: Any, old: str, new: str) -> Any:
    if not isinstance(content, Mapping):
        return with_text(content, old, new)
    if name in _OF_ONE_FIELD:
        return {field: _asking(spec, old, new) for field, spec in content.items()}
    if name in TEXTS:
        return _asking(content, old, new)
    if name == "bool":
        inert = ("filter", "must_not")
        return {part: value if part in inert else with_text(value, old, new) for part, value in content.items()}
    return with_text(content, old, new)


def _asking(spec: Any, old: str, new: str) -> Any:
    if isinstance(spec, Mapping):
        return {**spec, "query": new} if str(spec.get("query", "")).strip() == old else spec
    return new if str(spec).strip() == old else spec
