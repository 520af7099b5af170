"""Reading what a person types."""

from __future__ import annotations

import re

import pytest

from searchctl.search.query import ParsedQuery, parse_query, without_repetitions


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("plain words", ParsedQuery("plain words")),
        ('"gift card" balance', ParsedQuery("gift card balance", quoted=("gift card",))),
        ('+"gift card" balance', ParsedQuery("gift card balance", ("gift card",))),
        ("«подарочная карта» баланс", ParsedQuery("подарочная карта баланс", quoted=("подарочная карта",))),
        ("+balance -expired card", ParsedQuery("balance card", ("balance",), ("expired",))),
        ('card -"gift card"', ParsedQuery("card", (), ("gift card",))),
        ("e-mail C++ KX-4471-B - + a--b --long", ParsedQuery("e-mail C++ KX-4471-B - + a--b --long")),
        ("-5 +7 tools -2023", ParsedQuery("7 tools", ("7",), ("5", "2023"))),
        ("router -5G, (−lan)", ParsedQuery("router", (), ("5G", "lan"))),
        ("developer -.NET +C++", ParsedQuery("developer C++", ("C++",), (".NET",))),
        ("tar -xzf archive", ParsedQuery("tar archive", (), ("xzf",))),
        ('an "open quotation', ParsedQuery("an open quotation")),
        ("„gift card“ balance", ParsedQuery("gift card balance", quoted=("gift card",))),
        ("„подарочная карта” +„вид“", ParsedQuery("подарочная карта вид", ("вид",), quoted=("подарочная карта",))),
        ('("gift card") say:"to be"', ParsedQuery("gift card say: to be", quoted=("gift card", "to be"))),
        ("«ООО «Ромашка» и Ко»", ParsedQuery("ООО Ромашка и Ко", quoted=("ООО Ромашка и Ко",))),
        ('a 5" pipe and 3" more', ParsedQuery("a 5 pipe and 3 more")),
        ("+\u0438\u0306од", ParsedQuery("йод", ("йод",))),
        ("+за́мок vi\u00adsit", ParsedQuery("замок visit", ("замок",))),
        ('""', ParsedQuery("")),
        ("   ", ParsedQuery("")),
        ("-only -exclusions", ParsedQuery("", (), ("only", "exclusions"))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_signs_and_quotation_marks(text: str, parsed: ParsedQuery) -> None:
    assert parse_query(text) == parsed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("refun*", r"\* means nothing"),
        ("balance NOT card", "NOT in capitals"),
        ("cats~ dogs", "~ and"),
        ("title:guide", "--where title="),
    ],
)
def test_what_means_something_elsewhere_is_remarked(text: str, says: str) -> None:
    (remark,) = parse_query(text, ("title",)).remarks
    assert re.search(says, remark)


@pytest.mark.parametrize("text", ["NOT AND OR", "HOW TO RETURN AND PAY", "a 2*3", "https://x.y", "time 10:30"])
def test_ordinary_signs_are_not_remarked(text: str) -> None:
    assert not parse_query(text, ("title",)).remarks


def test_saying_a_word_again_says_nothing() -> None:
    assert without_repetitions("refund, refunds! Please refund it now", "auto") == "refund, ! Please it now"
    assert without_repetitions("no word twice", "auto") == "no word twice"


def test_signs_that_an_index_without_stop_words_cannot_honour_are_named() -> None:
    parsed, ignored = parse_query('+IT -"to be" +router "to be"').without_ignored("auto-1")
    assert ignored == ("IT", "to be")
    assert (parsed.required, parsed.excluded, parsed.quoted) == (("router",), (), ())
    assert parse_query("+IT").without_ignored("auto")[1] == ()
    assert parse_query("+IT -%").without_ignored("auto")[0].required == ("IT",)
