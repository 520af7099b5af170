"""Reading what a person types."""

from __future__ import annotations

import pytest

from searchctl.search.query import ParsedQuery, parse_query


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("plain words", ParsedQuery("plain words")),
        ('"gift card" balance', ParsedQuery("gift card balance", quoted=("gift card",))),
        ('+"gift card" balance', ParsedQuery("gift card balance", ("gift card",))),
        ("«подарочная карта» баланс", ParsedQuery("подарочная карта баланс", quoted=("подарочная карта",))),
        ("+balance -expired card", ParsedQuery("balance card", ("balance",), ("expired",))),
        ('card -"gift card"', ParsedQuery("card", (), ("gift card",))),
        ("e-mail C++ KX-4471-B -5 +7", ParsedQuery("e-mail C++ KX-4471-B -5 +7")),
        ('an "open quotation', ParsedQuery("an open quotation")),
        ('""', ParsedQuery("")),
        ("   ", ParsedQuery("")),
        ("-only -exclusions", ParsedQuery("", (), ("only", "exclusions"))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_signs_and_quotation_marks(text: str, parsed: ParsedQuery) -> None:
    assert parse_query(text) == parsed
