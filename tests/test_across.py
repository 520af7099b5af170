"""Several indexes asked as one: each with its own encoder, their hits in one order, their counts summed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from searchctl import Index, Indexes
from searchctl.errors import IndexMissing, UsageError
from searchctl.types import Total


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexes]:
    folder = tmp_path_factory.mktemp("across") / "engine"
    for name, dim in (("shop", 32), ("help", 64)):
        with Index.open(folder, name, encoder=f"hashing:{dim}") as index:
            index.ingest(
                {
                    "id": f"d{number}",
                    "text": f"{'refund of an order' if number % 2 else 'a teapot'} in the {name} {number}",
                    "lang": "en" if number % 3 else "ru",
                    "price": number,
                }
                for number in range(20)
            )
    with Indexes.open(folder, "shop,help") as opened:
        yield opened


def test_hits_come_by_relevance_and_name_their_index(indexes: Indexes) -> None:
    assert len(indexes) == 40 and indexes.names == ("shop", "help") and "'shop', 'help'" in repr(indexes)
    whole = indexes.search("refund order", 40)
    keys = [(hit.index, hit.id) for hit in whole]
    assert len(set(keys)) == 40 == whole.total.value
    assert [hit.relevance for hit in whole] == sorted((hit.relevance for hit in whole), reverse=True)
    pages = [indexes.search("refund order", 7, start=start) for start in range(0, 40, 7)]
    assert [(hit.index, hit.id) for page in pages for hit in page] == keys
    for index in indexes:
        alone = {hit.id: hit.relevance for hit in index.search("refund order", 20)}
        assert {hit.id: hit.relevance for hit in whole if hit.index == index.name} == alone
    assert whole.to_dicts()[0]["index"] in ("shop", "help")


def test_totals_and_facets_are_sums(indexes: Indexes) -> None:
    found = indexes.search("refund", 3, mode="lexical", where="price<10", facets=["lang:1", "price:..5,5.."])
    assert found.total == Total(10, "eq", "lexical")
    lang, price = found.facets
    odd = [number for number in range(10) if number % 2]
    assert [(one.value, one.count) for one in lang.values] == [("en", 2 * sum(bool(number % 3) for number in odd))]
    assert lang.more and lang.documents == 10 and lang.error == 0
    assert [one.count for one in price.values] == [
        2 * sum(number < 5 for number in odd),
        2 * sum(number >= 5 for number in odd),
    ]


def test_an_order_by_a_field_holds_over_all_of_them(indexes: Indexes) -> None:
    whole = indexes.search("refund order", 40, sort="-price,relevance")
    prices = [hit.fields["price"] for hit in whole]
    assert prices == sorted(prices, reverse=True) and len(prices) == whole.total.value > 15
    assert {hit.index for hit in whole} == {"shop", "help"}
    keys = [(hit.index, hit.id) for hit in whole]
    pages = [
        indexes.search("refund order", 7, sort="-price,relevance", start=start) for start in range(0, len(keys), 7)
    ]
    assert [(hit.index, hit.id) for page in pages for hit in page] == keys


def test_a_group_has_its_best_hit_of_all_indexes_and_the_sum_of_its_documents(indexes: Indexes) -> None:
    grouped = indexes.search("refund order", 10, group_by="lang", sort="price")
    every = indexes.search("refund order", 40, sort="price")
    assert [hit.group and hit.group.value for hit in grouped] == ["en", "ru"] and grouped.groups == Total(2, "eq")
    for hit in grouped:
        assert hit.group is not None
        own = [one for one in every if one.fields["lang"] == hit.group.value]
        assert (hit.group.total, (own[0].index, own[0].id)) == (Total(len(own), "eq"), (hit.index, hit.id))
    (first,) = indexes.search("refund order", 1, group_by="lang", sort="price")
    assert first.id == grouped[0].id and first.group is not None and first.group.total.relation == "gte"


def test_suggestions_of_all_of_them_name_their_index(indexes: Indexes) -> None:
    given = indexes.suggest("refu")
    assert given.ready and [one.text for one in given].count("refund") == 1 and given[0].index == "shop"
    assert len(indexes.suggest("refu", 1)) == 1
    assert {one.repair for one in indexes.suggest("rfeund")} == {"spelling"}


def test_values_of_two_types_are_not_compared(tmp_path: Path) -> None:
    for name, price in (("shop", 10), ("help", "ten")):
        with Index.open(tmp_path, name, encoder="hashing:32") as index:
            index.ingest([{"id": name, "text": "a refund", "price": price}])
    with Indexes.open(tmp_path, "shop,help") as both:
        for option in ({"sort": "price"}, {"group_by": "price"}):
            with pytest.raises(UsageError, match="number in 'shop' and keyword in 'help'"):
                both.search("refund", **option)  # type: ignore[arg-type]


def test_what_one_index_alone_can_honour_is_refused(indexes: Indexes, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one by one"):
        indexes.search("refund", fusion="native")
    with pytest.raises(UsageError, match="did you mean 'lang'"):
        indexes.search("refund", facets="langs")
    with pytest.raises(IndexMissing):
        Indexes.open(indexes.engine.url, "shop,nothing")
    for names in ("shop,", "", ",".join(f"i{number}" for number in range(30))):
        with pytest.raises(UsageError):
            Indexes.open(indexes.engine.url, names)
