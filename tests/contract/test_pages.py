"""Pages on every engine: disjoint, and the first hits don't depend on how many are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from searchctl.encoders import open_encoder
from searchctl.engines.base import Engine
from searchctl.index import Index
from searchctl.schema import EncoderStamp, Schema
from searchctl.types import Mode

WORDS = "river stone cloud forest mountain harbour lantern bridge castle meadow orchard desert island valley".split()
QUERIES = ("river stone", "where is the castle by the harbour", "lantern", "number77", '"forest mountain"', "unheard")
NAME = "contract-pages"


@pytest.fixture
def index(engine: Engine) -> Index:
    encoder = open_encoder("hashing:64")
    engine.create(NAME, Schema(EncoderStamp("hashing:64", encoder.revision, encoder.dim)))
    made = Index(engine, NAME, encoder)
    random = np.random.default_rng(3)
    made.ingest({"id": f"d{n:03}", "text": " ".join([*random.choice(WORDS, 8), f"number{n}"])} for n in range(260))
    return made


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "vector"])
def test_five_pages_are_disjoint_and_begin_like_a_long_answer(index: Index, mode: Mode) -> None:
    for query in QUERIES:
        long = [hit.id for hit in index.search(query, 50, mode=mode)]
        pages = [[hit.id for hit in index.search(query, 10, mode=mode, start=start)] for start in range(0, 50, 10)]
        assert [id for page in pages for id in page] == long
        assert len(set(long)) == len(long)
        assert [hit.id for hit in index.search(query, 5, mode=mode)] == long[:5]


def test_relevance_and_totals_are_the_same_on_every_page(index: Index) -> None:
    for query in QUERIES:
        pages = [index.search(query, 10, start=start) for start in (0, 10, 40)]
        assert len({(page.total, page.best_relevance, page.answered) for page in pages}) == 1


def test_beyond_the_window_no_hit_comes_twice(index: Index) -> None:
    pages = [hit.id for start in range(0, 250, 50) for hit in index.search("river stone", 50, start=start)]
    assert len(pages) == len(set(pages)) == 250
