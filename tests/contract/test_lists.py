"""Sorted and grouped answers, and facets beside hits: the same on every engine."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from searchctl.encoders import open_encoder
from searchctl.engines.base import FullEngine
from searchctl.errors import UsageError
from searchctl.index import Index, encoder_stamp
from searchctl.ranking.relevance import DOUBTFUL
from searchctl.schema import Schema
from searchctl.types import Facet, FacetValue, Range, Total

COUNT = 160
FIELDS = {"price": "number", "updated": "date", "product": "keyword", "stock": "boolean", "note": "text"}


def _documents() -> list[dict[str, Any]]:
    rng = random.Random(3)
    documents: list[dict[str, Any]] = []
    for number in range(COUNT):
        words = ["running shoes for the road"] * (number % 3 + 1) if number % 2 else ["a kettle for the kitchen"]
        document: dict[str, Any] = {"id": f"d{number:03}", "text": f"{' '.join(words)} {number}"}
        if number % 5:
            document["price"] = rng.choice([5, 10, 20.5, [7, 30]])
        if number % 7:
            document["updated"] = f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        if number % 11:
            document["product"] = f"p{number % 9}"
        document["stock"] = bool(number % 3)
        documents.append(document)
    return documents


DOCUMENTS = _documents()
BY_ID = {document["id"]: document for document in DOCUMENTS}


@pytest.fixture
def index(engine: FullEngine) -> Index:
    encoder = open_encoder("hashing:64")
    engine.create("shop", Schema(encoder_stamp("hashing:64", encoder), fields=FIELDS))
    opened = Index(engine, "shop", encoder)
    opened.ingest(DOCUMENTS)
    return opened


def _values(document: Mapping[str, Any], name: str) -> list[Any]:
    value = document.get(name, [])
    return value if isinstance(value, list) else [value]


def test_an_order_by_a_field_holds_all_that_is_relevant_enough(index: Index) -> None:
    whole = index.search("running shoes", 200, sort="price")
    ids = [hit.id for hit in whole]
    assert whole.total == Total(len(ids), "eq", "hybrid") and len(ids) > 50
    assert all(hit.relevance >= DOUBTFUL for hit in whole)
    prices = [min(_values(BY_ID[id], "price")) for id in ids if "price" in BY_ID[id]]
    assert prices == sorted(prices)
    assert all("price" not in BY_ID[id] for id in ids[len(prices) :]) and len(prices) < len(ids)
    assert {id for id in BY_ID if "shoes" in BY_ID[id]["text"]} <= set(ids)


def test_descending_takes_the_largest_value_and_leaves_the_missing_last(index: Index) -> None:
    ids = [hit.id for hit in index.search("running shoes", 200, sort="-price,-updated")]
    keys = [(max(_values(BY_ID[id], "price")), BY_ID[id].get("updated", "")) for id in ids if "price" in BY_ID[id]]
    assert keys == sorted(keys, reverse=True)
    assert all("price" not in BY_ID[id] for id in ids[len(keys) :])


def test_equal_values_are_ordered_by_relevance_and_pages_are_cut_from_one_list(index: Index) -> None:
    hits = index.search("running shoes", 200, sort="stock,relevance").hits
    keys = [(BY_ID[hit.id]["stock"], -hit.relevance) for hit in hits]
    assert keys == sorted(keys)
    pages = [
        index.search("running shoes", 13, sort="stock,relevance", start=start) for start in range(0, len(hits), 13)
    ]
    assert [hit.id for page in pages for hit in page] == [hit.id for hit in hits]
    assert {page.total for page in pages} == {Total(len(hits), "eq", "hybrid")}


def test_a_higher_floor_leaves_fewer(index: Index) -> None:
    every = index.search("running shoes", 200, sort="updated").hits
    floor = sorted(hit.relevance for hit in every)[len(every) // 2]
    some = index.search("running shoes", 200, sort="updated", min_relevance=floor)
    assert [hit.id for hit in some] == [hit.id for hit in every if hit.relevance >= floor]
    assert some.total.value == len(some)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("note", "holds text"),
        ("title", "a field of its own"),
        ("prise", "did you mean 'price'"),
        ("price desc", "write -price"),
        ("-relevance", "without a minus"),
        ("price,,stock", "missing"),
        ("price,-price", "named twice"),
    ],
)
def test_what_cannot_be_sorted_is_refused(index: Index, order: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        index.search("shoes", sort=order)


def test_of_each_group_the_best_is_shown_with_how_many_it_has(index: Index) -> None:
    floor = 0.3
    every = index.search("running shoes", 200, min_relevance=floor).hits
    grouped = index.search("running shoes", 200, min_relevance=floor, group_by="product")
    members: dict[str, list[str]] = {}
    for hit in every:
        members.setdefault(str(hit.fields.get("product", hit.id)), []).append(hit.id)
    assert {hit.id for hit in grouped} == {ids[0] for ids in members.values()}
    assert grouped.groups == Total(len(members), "eq") and grouped.total == Total(len(every), "eq", "hybrid")
    for hit in grouped:
        if hit.group is None:
            assert "product" not in BY_ID[hit.id]
        else:
            assert hit.group.value == BY_ID[hit.id]["product"]
            assert hit.group.total == Total(len(members[str(hit.group.value)]), "eq")


def test_groups_page_without_repeating_one(index: Index) -> None:
    whole = index.search("running shoes", 30, group_by="product")
    pages = [index.search("running shoes", 4, group_by="product", start=start) for start in range(0, 28, 4)]
    ids = [hit.id for page in pages for hit in page]
    assert ids == [hit.id for hit in whole][: len(ids)]
    values = [hit.group.value for page in pages for hit in page if hit.group]
    assert len(values) == len(set(values)) == 9


def test_groups_are_sorted_by_their_first(index: Index) -> None:
    grouped = index.search("running shoes", 200, sort="price", group_by="product").hits
    prices = [min(_values(BY_ID[hit.id], "price")) for hit in grouped if "price" in BY_ID[hit.id]]
    assert prices == sorted(prices)
    with pytest.raises(UsageError, match="holds text"):
        index.search("shoes", group_by="note")


def test_facets_stand_beside_every_page_and_keep_what_was_asked(index: Index) -> None:
    asked = ["stock", "price:..10,10..", Facet("updated", ranges=(Range(gte="2024-06"),))]
    for start in (0, 20):
        found = index.search("running shoes", 5, start=start, facets=asked)
        stock, price, updated = found.facets
        documents = [document for document in DOCUMENTS if "shoes" in document["text"]]
        assert stock.documents == len(documents) and stock.counts == "lexical"
        assert dict((one.value, one.count) for one in stock.values) == {
            True: sum(document["stock"] for document in documents),
            False: sum(not document["stock"] for document in documents),
        }
        assert [one.value for one in price.values] == [Range(lt=10), Range(gte=10)]
        assert price.missing == sum("price" not in document for document in documents)
        late = sum(document.get("updated", "") >= "2024-06" for document in documents)
        assert updated.values == (FacetValue(Range(gte="2024-06"), late),)


def test_without_words_facets_count_what_the_filter_allows_and_say_so(index: Index) -> None:
    for mode, text in (("vector", "running shoes"), ("hybrid", "qqqq zzzz")):
        (stock,) = index.search(text, mode=mode, where="stock=true", facets="stock").facets  # type: ignore[arg-type]
        assert stock.counts == "scope" and stock.documents == sum(document["stock"] for document in DOCUMENTS)
    (stock,) = index.search("qqqq zzzz", mode="lexical", facets="stock").facets
    assert (stock.counts, stock.documents, stock.values) == ("lexical", 0, ())


@pytest.mark.parametrize(
    ("facet", "said"),
    [
        ("note", "holds text"),
        ("title", "documents aren't counted by their title"),
        ("prise", "did you mean 'price'"),
        ("price:cheap", "can't be read"),
        ("price:1..2..3", "isn't a range"),
        ("price:0", "1 to 1000"),
        ("product:a..b", "no order"),
        ("updated:soon..", "holds date values"),
    ],
)
def test_what_cannot_be_counted_is_refused(index: Index, facet: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        index.search("shoes", facets=facet)


def test_entries_with_some_fields_have_nothing_else(index: Index) -> None:
    first, missing = index.engine.get("shop", ["d001", "nothing"], fields=["price", "product"])
    assert first is not None and missing is None
    assert dict(first.document.fields) == {name: BY_ID["d001"][name] for name in ("price", "product")}
    assert first.document.text == "" and first.document.id == "d001"


def test_ranges_that_suit_hold_every_document_once(index: Index) -> None:
    shoes = [document for document in DOCUMENTS if "shoes" in document["text"]]
    updated, price = index.search("shoes", mode="lexical", facets="updated:auto,price:auto").facets
    assert 3 <= len(updated.values) <= 5 and all(isinstance(one.value, Range) for one in updated.values)
    assert sum(one.count for one in updated.values) == sum("updated" in document for document in shoes)
    counts = [one.count for one in updated.values]
    assert min(counts) * 3 > max(counts), "about as many in each"
    for one in updated.values:
        assert isinstance(one.value, Range)
        low, high = one.value.gte or "", one.value.lt or "9"
        held = [document for document in shoes if str(low) <= document.get("updated", "") < str(high)]
        assert one.count == sum("updated" in document for document in held)
    assert {one.value for one in price.values} == {5, 7, 10, 20.5, 30}, "few values are counted one by one"
    with pytest.raises(UsageError, match="no ranges"):
        index.search("shoes", facets="product:auto")
