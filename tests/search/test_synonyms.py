"""Synonyms: how rules are read, and what they make of a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchctl.errors import IndexFormatError, UsageError
from searchctl.ranking.bm25 import idf, upper_bound
from searchctl.schema import Schema
from searchctl.search.synonyms import MOST_RULES, expand, read_rules, weigh
from searchctl.types import TermStatistics

RULES = ("tv, television set, телевизор", "heart, cor", "heart attack => infarction, heart attack", r"1\,5 l, bottle")


def parts(text: str, *literal: str) -> tuple[str, list[tuple[str, ...]]]:
    found = expand(text, literal, RULES, "auto")
    return (text, []) if found is None else (found.rest, [group.texts for group in found.groups])


def test_comments_and_blank_lines_are_no_rules() -> None:
    assert read_rules(["# furniture", "", " sofa, couch  "], "en") == ("sofa, couch",)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("tv", "same word once"),
        ("run, running", "same word once"),
        ("tv,, telly", "empty place"),
        ("tv => ", "empty place"),
        ("a => b => c", "more than one =>"),
        ("the, tv", "no word to look for"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_line(line: str, reason: str) -> None:
    with pytest.raises(UsageError, match=f"line 2: .*{reason}"):
        read_rules(["sofa, couch", line], "en")


def test_too_many_rules_are_refused() -> None:
    with pytest.raises(UsageError, match=str(MOST_RULES)):
        read_rules((f"a{n}, b{n}" for n in range(MOST_RULES + 1)), "en")


def test_groups_are_cut_out_of_the_query() -> None:
    assert parts("a new TV for the wall") == ("a new   for the wall", [("tv", "television set", "телевизор")])
    assert parts("plain words") == ("plain words", [])


def test_the_longest_rule_counts() -> None:
    assert parts("heart attacks") == ("", [("infarction", "heart attack")])
    assert parts("heart") == ("", [("heart", "cor")])


def test_escaped_commas_are_part_of_a_word() -> None:
    assert parts("a bottle") == ("a", [("1,5 l", "bottle")])


def test_literal_words_have_no_synonyms() -> None:
    assert parts("tv heart", "TV") == ("tv", [("heart", "cor")])


def test_weights_worked_by_hand() -> None:
    found = expand("tv guide", (), RULES, "auto")
    assert found is not None
    counts = {"guid": 7, "tv": 5, "televis": 40, "set": 60, "телевизор": 0}
    weighed = weigh(found, TermStatistics(100, counts), "auto")
    ((typed, phrase),) = weighed.groups
    assert (typed.text, typed.phrase, phrase.text, phrase.phrase) == ("tv", False, "television set", True)
    least = min(idf(100, 5), idf(100, 40) + idf(100, 60))
    assert typed.weight * idf(100, 5) == pytest.approx(least, rel=0.02)
    assert phrase.weight * (idf(100, 40) + idf(100, 60)) == pytest.approx(least, rel=0.02)
    assert upper_bound(weighed.statistics) == pytest.approx(idf(100, 7) + least, rel=0.02)
    assert set(weighed.weights) == {"tv", "televis", "set"}


@given(st.integers(1, 10_000), st.lists(st.integers(0, 10_000), min_size=4, max_size=4))
def test_every_variant_is_worth_what_the_group_is(documents: int, counts: list[int]) -> None:
    found = expand("tv", (), RULES, "auto")
    assert found is not None
    held = {term: min(n, documents) for term, n in zip(("tv", "televis", "set", "телевизор"), counts, strict=True)}
    weighed = weigh(found, TermStatistics(documents, held), "auto")
    bound = upper_bound(weighed.statistics)
    for group in weighed.groups:
        for variant in group:
            terms = {"tv": ["tv"], "телевизор": ["телевизор"]}.get(variant.text, ["televis", "set"])
            assert variant.weight * sum(idf(documents, held[term]) for term in terms) == pytest.approx(bound)
    assert bool(weighed.groups) == any((held["tv"], held["televis"] and held["set"], held["телевизор"]))


def test_the_stamp_keeps_synonyms_and_boosts_and_reads_stamps_without() -> None:
    schema = Schema(None, fields={"brand": "text"}, boosts={"title": 3, "brand": 2}, synonyms=RULES)
    assert Schema.from_json(schema.to_json()) == schema
    old = {name: value for name, value in schema.to_json().items() if name not in ("boosts", "synonyms")}
    assert (Schema.from_json(old).boosts, Schema.from_json(old).synonyms) == ({}, ())


@pytest.mark.parametrize("boosts", [{"price": 2}, {"title": 0}, {"title": 11}])
def test_wrong_boosts_are_refused(boosts: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=next(iter(boosts))):
        Schema(None, fields={"price": "number"}, boosts=boosts)
    with pytest.raises(IndexFormatError):
        Schema.from_json({**Schema(None).to_json(), "boosts": boosts})
