"""A search from its reading to its answer, without HTTP: it says what to ask next and is given what was answered.

So the proxy, which waits for many at once, and the clients, which wait for one, go the same way.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from searchctl.encoders.unread import UNREADABLE
from searchctl.gateway import plan
from searchctl.gateway.dsl import read_query
from searchctl.gateway.legs import (
    LEGACY_FACTOR,
    Encoded,
    read_statistics,
)
from searchctl.gateway.lookup import leg_of, stamp_of, target_of
from searchctl.gateway.meant import MISSPELT, other_readings, spelt, with_text
from searchctl.gateway.reasons import WhyLexical
from searchctl.gateway.requests import Search
from searchctl.gateway.steps import (
    Encode,
    EndOfFlow,
    Flow,
    Policy,
    Step,
    lexical,
)
from searchctl.gateway.target import (
    Known,
)
from searchctl.gateway.two_legs import TwoLegs, WeighedLegs
from searchctl.ranking.cosine_baseline import without_language
from searchctl.ranking.relevance import DOUBTFUL
from searchctl.search.query import parse_query
from searchctl.types import Json, Repair


def answer_search(search: Search, known: Known, policy: Policy, identity: str) -> Flow:
    """Answer one search. `identity` stands for who asks: what they may see isn't shown to others."""
    try:
        return (yield from _answer(search, known, policy, identity))
    except EndOfFlow as stop:
        return lexical(stop.refusal)


def _answer(search: Search, known: Known, policy: Policy, identity: str) -> Flow:
    mode = policy.mode if search.forced in ("", "on", "strict", "explain") else search.forced
    if mode == "off":
        return lexical(WhyLexical("disabled"))
    first = read_query(search.body.get("query"), {})
    if isinstance(first, WhyLexical):
        return lexical(first)
    leg = yield from leg_of(known)
    target = yield from target_of(search, known, leg, identity)
    if target.coverage < policy.least_coverage:
        return lexical(WhyLexical("stale_coverage", f"{target.coverage:.0%} of the documents"))
    reading = read_query(search.body.get("query"), target.types)
    if isinstance(reading, WhyLexical):
        return lexical(reading)
    if policy.fields and not set(reading.fields) & set(policy.fields):
        return lexical(WhyLexical("no_text", "in the fields that are configured"))
    parsed = parse_query(reading.text)
    if not parsed.text or not plan.words_of(parsed.text, target):
        return lexical(WhyLexical("no_text"))
    encoded: Encoded = yield Encode(stamp_of(target), parsed.text)
    if encoded.unread > UNREADABLE:
        return lexical(WhyLexical("unread_script"))
    encoded = replace(encoded, vector=without_language(encoded.vector, target.schema.background))
    expand = mode == "expand" and not reading.exact and "min_score" not in search.body
    legs = TwoLegs(search, reading, target, leg, known, policy, parsed, encoded, expand)
    weighed = yield from legs.weighed()
    if weighed.first.ids or not policy.repair or not legs.may_rescue:
        return (yield from legs.shown(weighed))
    try:
        repaired = yield from _repaired(legs, weighed)
    except EndOfFlow:  # what isn't understood here costs only the repair
        repaired = None
    if repaired is None:
        return (yield from legs.shown(weighed))
    better, meant, text = repaired
    return replace((yield from better.shown(meant)), shown="hybrid", repaired=text)


def _repaired(legs: TwoLegs, weighed: WeighedLegs) -> Generator[Step, Any, tuple[TwoLegs, WeighedLegs, str] | None]:
    """Return the legs of what a search that finds nothing was probably meant to be, if their answer is more relevant."""
    text, analyzer = legs.parsed.text, legs.target.schema.analyzer
    readings = list(other_readings(text, weighed.statistics, analyzer))
    spelling = spelt(text, weighed.statistics, analyzer)
    candidates = next(spelling, ())
    groups = [plan.words_of(reading.query, legs.target) for reading in readings]
    counts = yield from _counted([*groups, {word: word for word in candidates}], legs)
    for reading, group in zip(readings, groups, strict=True):
        if group and all(counts[term] for term in group):
            better = yield from _if_better(legs, weighed, reading)
            if better is not None:
                return better
    try:
        spelling.send(counts)
    except StopIteration as end:
        if end.value is not None:
            return (yield from _if_better(legs, weighed, end.value, by=MISSPELT))
    return None


def _counted(groups: Sequence[Mapping[str, str]], legs: TwoLegs) -> Generator[Step, Any, dict[str, int]]:
    """Return how many documents hold each of some words, in one round trip."""
    asked = [group for group in groups if group]
    exact = replace(legs.reading, words={})
    alone: Json = {
        "query": {"match_none": {}},
        "size": 0,
    }  # as one query so many words are more clauses than servers take
    bodies = [{**plan.statistics_body(legs.search, exact, group, legs.target), **alone} for group in asked]
    if not bodies:
        return {}
    answers = yield from legs.ask(bodies)
    counts: dict[str, int] = {}
    for group, answer in zip(asked, answers, strict=True):
        counts |= read_statistics(answer, group, LEGACY_FACTOR)[0].frequencies
    return counts


def _if_better(
    legs: TwoLegs, weighed: WeighedLegs, repair: Repair, by: float = 0.0
) -> Generator[Step, Any, tuple[TwoLegs, WeighedLegs, str] | None]:
    query = with_text(legs.search.body["query"], legs.reading.text, repair.query)
    reading = read_query(query, legs.target.types)
    if isinstance(reading, WhyLexical) or reading.text != repair.query:
        return None  # the app asks for several texts
    encoded: Encoded = yield Encode(stamp_of(legs.target), repair.query)
    encoded = replace(encoded, vector=without_language(encoded.vector, legs.target.schema.background))
    search = replace(legs.search, body={**legs.search.body, "query": query})
    other = TwoLegs(
        search, reading, legs.target, legs.leg, legs.known, legs.policy, parse_query(repair.query), encoded, legs.expand
    )
    found = yield from other.weighed()
    if not found.first.ids:
        return None
    best, before = found.ordered.best_relevance, weighed.ordered.best_relevance
    newly_answered = best >= max(legs.policy.least_relevance, DOUBTFUL) > before
    return (other, found, repair.query) if best > before + (0.0 if newly_answered else by) else None
