"""Facets count what the lexical leg finds, on every engine as a loop over the documents would."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchctl.engines.base import Faceting, FullEngine
from searchctl.fields import comparables, shown
from searchctl.filters import as_filter, holds, typed
from searchctl.schema import Schema
from searchctl.types import Clause, Entry, Facet, FacetCounts, FacetValue, LexicalQuery, Range, Scope, Where
from tests.conftest import entry

INDEX = "shop"
FIELDS = {"brand": "keyword", "price": "number", "day": "date", "open": "boolean"}
BRANDS = ["Acme", "acme", "Ёлка", "Zed", "a b", "true", "10"]
DAYS = ["2024-01-05", "2024-01-05T10:00:00Z", "2024-01-05T13:00:00+03:00", "2025-02-01T00:00:00.5Z", "1969-12-31"]
PRICES = [0, 1, 1.0, 2.5, -3, 10_000_000, 0.1]


def shop(seed: int, count: int) -> list[Entry]:
    """Return random documents, some without a value, some with several, some with values that don't fit."""
    rng = random.Random(seed)
    entries = []
    for number in range(count):
        text = " ".join(rng.sample(["tea", "coffee", "bread", "soup"], rng.randint(1, 3)))
        fields: dict[str, object] = {}
        for name, values in (("brand", BRANDS), ("price", PRICES), ("day", DAYS), ("open", [True, False])):
            drawn = rng.choices(values, k=rng.choice([0, 1, 1, 1, 2, 3]))  # type: ignore[type-var]
            if drawn:
                fields[name] = drawn if len(drawn) > 1 else drawn[0]
        if rng.random() < 0.05:
            fields["price"] = "much"
        entries.append(entry(f"d{number:03}", text, **fields))  # type: ignore[arg-type]
    return entries


def by_hand(entries: Sequence[Entry], words: set[str], where: Where | None, facet: Facet) -> FacetCounts:
    """Count with a loop over all documents."""
    wanted = as_filter(where)
    checked = typed(wanted, FIELDS) if wanted is not None else None
    among = [
        one.document
        for one in entries
        if (not words or words & set(one.document.text.split()))
        and (checked is None or holds(one.document, checked, FIELDS))
    ]
    kind = FIELDS[facet.field]
    held = [
        {shown(kind, value) for value in comparables(facet.field, kind, document.fields.get(facet.field, ()))}
        for document in among
    ]
    missing = sum(not values for values in held)
    counts = "lexical" if words else "scope"
    if facet.ranges:
        conditions = [typed(Clause(facet.field, one), FIELDS) for one in facet.ranges]
        values = tuple(
            FacetValue(one, sum(holds(document, condition, FIELDS) for document in among))
            for one, condition in zip(facet.ranges, conditions, strict=True)
        )
        return FacetCounts(facet.field, values, missing, len(among), counts=counts)
    counter = Counter(value for values in held for value in values)
    ordered = sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
    return FacetCounts(
        facet.field,
        tuple(FacetValue(value, count) for value, count in ordered[: facet.n]),
        missing,
        len(among),
        more=len(ordered) > facet.n,
        counts=counts,
    )


@pytest.fixture
def filled(engine: FullEngine, schema: Schema) -> FullEngine:
    engine.create(INDEX, Schema(schema.encoder, fields=FIELDS))
    with engine.writing(INDEX):
        assert engine.write(INDEX, shop(7, 300)) == []
    return engine


SCOPES: list[Where | None] = [None, {"brand": "Acme"}, {"price": Range(gte=1)}, "day=2024-01-05 AND NOT open=true"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.sets(st.sampled_from(["tea", "coffee", "bread", "soup"]), max_size=3),
    where=st.sampled_from(SCOPES),
    n=st.integers(1, 8),
    bounds=st.tuples(st.sampled_from(PRICES), st.sampled_from(PRICES)),
)
def test_counts_are_those_of_a_loop(
    filled: FullEngine, words: set[str], where: Where | None, n: int, bounds: tuple[float, float]
) -> None:
    assert isinstance(filled, Faceting)
    low, high = sorted(bounds)
    ranges = (Range(lt=low), Range(gte=low, lte=high), Range(gt=high))
    days = (Range(gte="2024", lt="2025"), Range(lt="1970"), Range(gte="2024-01-05T10:00:00Z"))
    asked = [Facet(name, n) for name in FIELDS] + [Facet("price", ranges=ranges), Facet("day", ranges=days)]
    comparable = [
        Facet(one.field, one.n, tuple(typed(Clause(one.field, range), FIELDS).condition for range in one.ranges))  # type: ignore[misc, union-attr]
        for one in asked
    ]
    query = LexicalQuery(" ".join(sorted(words)), 10, Scope(as_filter(where)))
    counted = filled.facets(INDEX, query, comparable)
    expected = [by_hand(shop(7, 300), words, where, one) for one in asked]
    assert [(one.field, [v.count for v in one.values], one.missing) for one in counted] == [
        (one.field, [v.count for v in one.values], one.missing) for one in expected
    ]
    assert counted[: len(FIELDS)] == expected[: len(FIELDS)]
    assert all(one.error == 0 for one in counted)


def test_signs_limit_what_is_counted(filled: FullEngine) -> None:
    assert isinstance(filled, Faceting)
    documents = [one.document.text.split() for one in shop(7, 300)]
    scope = Scope(required=("tea",), excluded=("soup",))
    for text, kept in (("coffee", "coffee"), ("", "tea")):
        (counted,) = filled.facets(INDEX, LexicalQuery(text, 10, scope), [Facet("brand")])
        assert counted.documents == sum("tea" in one and "soup" not in one and kept in one for one in documents)


def test_counts_follow_what_is_written_and_deleted(filled: FullEngine) -> None:
    assert isinstance(filled, Faceting)
    before = filled.facets(INDEX, LexicalQuery("tea"), [Facet("brand", 100)])[0]
    filled.write(INDEX, [entry("new", "tea", brand="Neu")])
    (after,) = filled.facets(INDEX, LexicalQuery("tea"), [Facet("brand", 100)])
    assert (after.documents, FacetValue("Neu", 1) in after.values) == (before.documents + 1, True)
    assert filled.delete(INDEX, ["new"]) == 1
    assert filled.facets(INDEX, LexicalQuery("tea"), [Facet("brand", 100)])[0] == before
