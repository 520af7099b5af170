"""The lexical leg ranks like Lucene's BM25, as two other implementations have it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import bm25s
import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from searchctl.engines import open_engine
from searchctl.engines.base import term_statistics
from searchctl.ranking.bm25 import idf, upper_bound
from searchctl.schema import EncoderStamp, Schema
from searchctl.text.analysis import analyze
from searchctl.types import Document, Entry, LexicalQuery, TermStatistics

WORDS = (
    "apple pears river stones window letter garden music silver castle wander ocean basket candle mirror "
    "яблоко река камень окно письмо сад музыка замок океан корзина свеча зеркало дорога мост поезд"
).split()


def corpus(documents: int, longest: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    chances = 1 / np.arange(1, len(WORDS) + 1)
    return [" ".join(rng.choice(WORDS, rng.integers(3, longest), p=chances / chances.sum())) for _ in range(documents)]


def our_scores(path: Path, texts: list[str], queries: list[str]) -> list[dict[str, float]]:
    engine = open_engine(path)
    engine.create("oracle", Schema(EncoderStamp("none", "0", 2)))
    with engine.writing("oracle"):
        engine.write("oracle", [Entry(Document(str(n), text)) for n, text in enumerate(texts)])
    found = engine.search("oracle", [LexicalQuery(query, len(texts)) for query in queries])
    engine.close()
    return [dict(zip(one.ids, one.scores.tolist(), strict=True)) for one in found]


QUERIES = ["apple river", "замок зеркало garden", "candle", "мост поезд wander ocean silver"]


def test_scores_equal_bm25s_where_lengths_are_exact(tmp_path: Path) -> None:
    """Lucene stores a length in one byte: exact up to 40 words."""
    texts = corpus(300, 40, seed=1)
    tokens = [[token.term for token in analyze(text)] for text in texts]
    oracle = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    oracle.index(tokens, show_progress=False)
    for query, ours in zip(QUERIES, our_scores(tmp_path / "e", texts, QUERIES), strict=True):
        theirs = oracle.get_scores([token.term for token in analyze(query)])
        assert {int(id) for id in ours} == set(np.flatnonzero(theirs))
        np.testing.assert_allclose([ours[str(n)] for n in np.flatnonzero(theirs)], theirs[theirs > 0], rtol=1e-5)


def test_order_agrees_with_rank_bm25_on_single_words(tmp_path: Path) -> None:
    """rank-bm25 has another idf, which can't change the order for one word."""
    texts = corpus(300, 40, seed=2)
    oracle = BM25Okapi([[token.term for token in analyze(text)] for text in texts], k1=1.2, b=0.75)
    words = ["silver", "океан", "basket"]
    for word, ours in zip(words, our_scores(tmp_path / "e", texts, words), strict=True):
        theirs = oracle.get_scores([token.term for token in analyze(word)])
        ids = sorted(ours, key=int)
        assert len(ids) > 5
        mine = np.array([ours[id] for id in ids])
        other = np.array([theirs[int(id)] for id in ids])
        agree = np.sign(np.round(mine[:, None] - mine[None, :], 6)) == np.sign(
            np.round(other[:, None] - other[None, :], 6)
        )
        assert agree.mean() > 0.99


def test_long_documents_rank_nearly_as_bm25s_ranks_them(tmp_path: Path) -> None:
    texts = corpus(400, 400, seed=3)
    tokens = [[token.term for token in analyze(text)] for text in texts]
    oracle = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    oracle.index(tokens, show_progress=False)
    for query, ours in zip(QUERIES, our_scores(tmp_path / "e", texts, QUERIES), strict=True):
        theirs = oracle.get_scores([token.term for token in analyze(query)])
        best = {str(n) for n in np.argsort(-theirs)[:50]}
        assert len(best & set(sorted(ours, key=lambda id: -ours[id])[:50])) >= 40


def test_idf_worked_by_hand() -> None:
    assert idf(10, 2) == pytest.approx(np.log(1 + 8.5 / 2.5))


def test_no_document_reaches_the_upper_bound(tmp_path: Path) -> None:
    texts = ["apple " * 500, *corpus(50, 20, seed=4)]
    with closing(open_engine(tmp_path / "e")) as engine:
        engine.create("oracle", Schema(EncoderStamp("none", "0", 2)))
        with engine.writing("oracle"):
            engine.write("oracle", [Entry(Document(str(n), text)) for n, text in enumerate(texts)])
        best = engine.search("oracle", [LexicalQuery("apple", 1)])[0].scores[0]
        bound = upper_bound(term_statistics(engine, "oracle", "apple"))
    assert 0.5 * bound < best < bound
    assert upper_bound(TermStatistics(10, {"a": 2, "unknown": 0})) == pytest.approx(idf(10, 2) + idf(10, 0))
