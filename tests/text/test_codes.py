"""Codes as single terms, and phrases that are meant as they are typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from searchctl.text.codes import _CODE, _matches, codes, keys_of
from searchctl.text.literals import literal_groups, literal_spans


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Error E-17 or E 17", "e17"),
        ("host 10.0.0.1", "10n0n0n1 10001"),
        ("version v1.2.3", "v1n2n3 v123 1n2n3"),
        ("on 2024-06-05", "2024n06n05 20240605"),
        ("part AB-1234-X", "ab1234x"),
        ("Wi-Fi and e-mail", "wifi email"),
        ("1,000,000 or 2 500 000", "1000000 2500000"),
        ("C++, C# and .NET", "cplusplus csharp dotnet"),
        ("ASP.NET", "aspnet dotnet"),
        ("AT&T, O'Brien", "att obrien"),
        ("воз-\nврат", "возврат"),
        ("mail me@example.com", "meexamplecom dotcom"),
        ("Ｅ－１７", "e17"),
        ("plain words, a - b, end. Next", ""),
        ("E17 1000000 wifi", ""),
        ("x" * 50 + "-" + "y" * 50, ""),
        ("1-2-3-4-5-6-7-8-9-10-11-12-13-14", ""),
    ],
)
def test_documents_carry_the_keys_of_their_codes(text: str, keys: str) -> None:
    assert keys_of(text) == keys


PIECES = [
    *" \n\t-.,/:&@_\\'’+#(!x7Eя²日",
    "AB",
    "000",
    "1,000",
    " 000",
    "-\n",
    "  ",
    "v1",
    ".NET",
    "C++",
    "O'B",
    "é",
    "−",
]


@given(some.lists(some.sampled_from(PIECES), max_size=20).map("".join))
def test_looking_only_around_signs_misses_no_code(text: str) -> None:
    assert [code.span() for code in _matches(text)] == [code.span() for code in _CODE.finditer(text)]


def test_forms_of_one_code_share_a_key() -> None:
    for forms in (("E-17", "E17", "E 17"), ("AB-1234-X", "AB1234X"), ("1,000,000", "1 000 000"), ("Wi-Fi",)):
        assert len({next(codes(form)).keys[-1] for form in forms}) == 1
    (code,) = codes("see C++11, E-17"[:9])
    assert code.symbol and code.keys == ("cplusplus",)
    assert not next(codes("well-known")).literal


@pytest.mark.parametrize(
    ("phrase", "groups"),
    [
        ("gift card", (("gift card",),)),
        ("E-17", (("e17", "E-17"),)),
        ("C++", (("cplusplus",),)),
        ("C++ developer", (("C++ developer",), ("cplusplus",))),
        ("10.0.0.1", (("10n0n0n1", "10001"),)),
        ("to be", (("to be",),)),
        ("%", ()),
    ],
)
def test_what_a_phrase_stands_for(phrase: str, groups: tuple[tuple[str, ...], ...]) -> None:
    assert literal_groups(phrase, "auto") == groups
    if phrase == "to be":
        assert literal_groups(phrase, "auto-1") == ()


@pytest.mark.parametrize(
    ("text", "phrase", "places"),
    [
        ("Our gift cards: a gift card.", "gift card", ["gift cards", "gift card"]),
        ("The cart\n\nRefund it", "cart refund", []),
        ("See E17, E-17 and E 17", "E-17", ["E17", "E-17", "E 17"]),
        ("C and C++", "C++", ["C++"]),
        ("Not working", "not working", ["Not working"]),
        ("10.0.0.1.5", "10.0.0.1", []),
        ("Кафе «Café»", "cafe", ["Café"]),
    ],
)
def test_where_a_text_holds_a_phrase(text: str, phrase: str, places: list[str]) -> None:
    assert [text[start:end] for start, end in literal_spans(text, phrase, "auto")] == places
