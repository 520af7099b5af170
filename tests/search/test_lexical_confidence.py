"""When the words of a query count before its meaning."""

from __future__ import annotations

import pytest

from searchctl.ranking.fusion import FusionSettings
from searchctl.search.lexical_confidence import gated, lexical_certainty
from searchctl.search.query import parse_query
from searchctl.text.analysis import analyze
from searchctl.types import TermStatistics


def certainty(text: str, frequencies: dict[str, int] | None = None, documents: int = 1000) -> float:
    """Return the certainty where every term is in 10 of 1,000 documents, unless said otherwise."""
    parsed = parse_query(text)
    known = {token.term: 10 for token in analyze(parsed.text)} | (frequencies or {})
    return lexical_certainty(parsed, TermStatistics(documents, known), "auto")


@pytest.mark.parametrize(
    "text",
    [
        "how do I return an item",
        "how many people lived there in 1995",
        "what happened during the 1990s and the 20th century",
        "какой закон приняли в 90-х годах о земле",
        "a 30-day guarantee for well-known products and/or services",
    ],
)
def test_questions_are_ordinary(text: str) -> None:
    assert certainty(text) == 0.0


@pytest.mark.parametrize(
    "text", ["E17", "KX-4471-B", "snake_case", "std::vector", "/etc/hosts", "config.toml", "iPhone"]
)
def test_codes_are_wanted_literally(text: str) -> None:
    assert certainty(f"error {text} machine washing") > 0.2
    assert certainty(text) == 1.0


def test_a_code_counts_by_what_it_tells_among_the_words() -> None:
    # terms: error, e17; equally rare, so the code is half of what is told
    assert certainty("error E17") == pytest.approx(0.5)
    assert certainty("error E17", {"e17": 1}) > 0.5
    assert certainty("washing machine shows error E17") == pytest.approx(1 / 5)


def test_a_code_the_index_does_not_hold_adds_nothing() -> None:
    assert certainty("washing machine error E99", {"e99": 0}) == 0.0


def test_quotations_are_wanted_literally_and_numbers_half() -> None:
    assert certainty('"gift card" rules validity') == pytest.approx(2 / 4)
    assert certainty("orders account number 4711") == pytest.approx(0.5 / 4)


def test_short_names_count_the_more_the_rarer_they_are() -> None:
    sure = [certainty("Zanzibar", {"zanzibar": frequency}) for frequency in (1, 2, 10, 100, 1000)]
    assert sure[0] == 0.5
    assert sure == sorted(sure, reverse=True) and sure[-1] < 0.001
    assert 0 < certainty("Anna Karenina", {"anna": 1, "karenina": 1}) < 0.5
    assert certainty("Anna Karenina", {"karenina": 0}) == 0.0
    assert certainty("three telling words") == 0.0


def test_no_words_are_no_certainty() -> None:
    assert lexical_certainty(parse_query("the and of"), TermStatistics(10, {}), "auto") == 0.0


def test_the_weight_moves_continuously_towards_the_lexical_leg() -> None:
    usual = FusionSettings()
    assert gated(usual, 0.0) == usual
    sure = gated(usual, 1.0)
    assert (sure.lexical, sure.vector) == pytest.approx((0.9, 0.1))  # 0.5 + 0.5 * 0.8
    assert gated(FusionSettings("weighted", 1, 3), 0.5).lexical == pytest.approx(0.25 + 0.75 * 0.4)


def test_what_was_asked_for_by_name_stays() -> None:
    for settings in (FusionSettings("rrf"), FusionSettings("distribution"), FusionSettings("weighted", 0.0, 1.0)):
        assert gated(settings, 1.0) == settings
