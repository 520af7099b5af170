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


def test_what_one_index_alone_can_honour_is_refused(indexes: Indexes, tmp_path: Path) -> None:
    for option in ({"sort": "price"}, {"group_by": "lang"}, {"fusion": "native"}):
        with pytest.raises(UsageError, match="one by one"):
            indexes.search("refund", **option)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="did you mean 'lang'"):
        indexes.search("refund", facets="langs")
    with pytest.raises(IndexMissing):
        Indexes.open(indexes.engine.url, "shop,nothing")
    for names in ("shop,", "", ",".join(f"i{number}" for number in range(30))):
        with pytest.raises(UsageError):
            Indexes.open(indexes.engine.url, names)
