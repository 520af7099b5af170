"""Analysis of text, and the passages shown for it."""

from __future__ import annotations

import pytest

from searchctl.search.highlight import show_passage
from searchctl.text.analysis import Analyzer, analyze, matching
from searchctl.types import Document, Passage


@pytest.mark.parametrize(
    ("text", "analyzer", "terms"),
    [
        ("The running shops", "auto", ["run", "shop"]),
        ("Возвращённые товары и running", "auto", ["возвращен", "товар", "run"]),
        ("running товары", "en", ["run", "товары"]),
        ("running товары", "ru", ["running", "товар"]),
        ("The Running", "standard", ["the", "running"]),
        ("KX-4471-B e17", "auto", ["kx", "4471", "b", "e17"]),
        ("ёлка Ёлка елка", "auto", ["елк", "елк", "елк"]),
    ],
)
def test_terms(text: str, analyzer: Analyzer, terms: list[str]) -> None:
    assert [token.term for token in analyze(text, analyzer)] == terms


def test_tokens_know_their_place() -> None:
    text = "a Ёлка, trees"
    assert [text[token.start : token.end] for token in analyze(text)] == ["Ёлка", "trees"]


TEXT = "Tea is hot. Coffee is black. Milk is white."
PASSAGES = (Passage(0, 11), Passage(12, 28), Passage(29, 43))


def test_the_vector_legs_passage_is_shown_with_its_words_marked() -> None:
    shown = show_passage(Document("d", TEXT), PASSAGES, 1, {"black": 1.0, "coffe": 1.0}, "auto")
    assert shown is not None and shown.text == "Coffee is black."
    assert [shown.text[start:end] for start, end in shown.marks] == ["Coffee", "black"]
    assert TEXT[shown.start : shown.end] == shown.text


def test_without_it_the_passage_whose_words_tell_most_is_shown() -> None:
    shown = show_passage(Document("d", TEXT), PASSAGES, -1, {"tea": 0.1, "hot": 0.1, "milk": 3.0}, "auto")
    assert shown is not None and shown.text == "Milk is white."


def test_a_document_without_passages_shows_none() -> None:
    assert show_passage(Document("d"), (), -1, {}, "auto") is None


@pytest.mark.parametrize("analyzer", ["auto", "en", "standard"])
@pytest.mark.parametrize(
    "text",
    [
        "art, start ART art's arts_art art1 1art art",
        "Ёлка и ёлки, ЕЛКОЙ ёлочка; café cafe\u0301 ﬁne İstanbul istanbul",
        "a_b A-b ab aab aaba ab",
        "",
    ],
)
def test_what_matches_stands_where_analysis_finds_it(text: str, analyzer: Analyzer) -> None:
    tokens = list(analyze(text, analyzer))
    for terms in ({token.term for token in tokens}, {"art", "елк", "ab", "cafe", "istanbul"}, set()):
        found = matching(text, terms, analyzer)
        spans = sorted((start, end, term) for term, places in found.items() for start, end in places)
        assert spans == [(one.start, one.end, one.term) for one in tokens if one.term in terms]
