"""Signs, codes and letters as people write them: what is asked for literally is found, and told."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.index import Index
from searchctl.text.literals import literal_spans
from searchctl.types import Document

TEXTS = {
    "it": "Contact the IT department for a laptop.",
    "hr": "Contact the HR department for a contract.",
    "hamlet": "He asks: to be or not to be, that is the question.",
    "working": "The heater is working after repair.",
    "broken": "The heater is not working after repair.",
    "cpp": "We need a C++ developer.",
    "csharp": "We need a C# developer.",
    "aspnet": "We need an ASP.NET developer.",
    "vitamin": "Vitamin C is good for you.",
    "ip": "The gateway is 10.244.40.84 in this network.",
    "pi": "The gateway is 10.40.244.84 in this network.",
    "longer": "The chain is 10.244.40.84.7 in this network.",
    "date": "Signed on 2024-06-05 in town.",
    "etad": "Signed on 2024-05-06 in town.",
    "e17": "Error E17 means that no water comes in.",
    "e18": "Error E-18 means that the drum does not drain.",
    "ring": "Ring size 17 with the letter E engraved.",
    "part": "Spare part AB-1234-X, a gasket.",
    "joined": "Spare part QZ7781K, a screw.",
    "wifi": "The Wi-Fi password is on the back.",
    "mail": "Send us an e-mail.",
    "million": "The store holds 1,000,000 files.",
    "water": "The formula is H₂O.",
    "ligature": "All ﬁles of the oﬃce.",
    "cafe": "A café with crème brûlée.",
    "iod": "Йод и зелёнка в аптечке.",
    "latin o": "К\u006fфе растворимый.",
    "card": "Gift card balance.",
    "apart": "We sold the last gift.\n\nCard readers are broken.",
    "y2023": "Garden tools of 2023.",
    "y2024": "Garden tools of 2024.",
    "zh": "商品收到后三十天内可以退货，运费由买家承担。",
    "th": "ภาษาไทยเป็นภาษาราชการ",
    "phone": "Call 8-800-555-35-35 now.",
    **{
        f"filler{n}": text
        for n, text in enumerate(["Tulips bloom in May.", "Снег убирают до семи утра.", "Bread is sold out."])
    },
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("literal") / "engine", encoder="hashing:64") as opened:
        opened.ingest([Document(id, text) for id, text in TEXTS.items()])
        opened.ingest([Document("titled", "Refund policy is elsewhere.", "Shopping cart")])
        yield opened


def ids(index: Index, query: str, mode: str = "hybrid") -> list[str]:
    return [hit.id for hit in index.search(query, 50, mode=mode, repair=False)]  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["lexical", "vector", "hybrid"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("contact +IT", {"it"}),
        ('+"to be or not to be"', {"hamlet"}),
        ('+"not working"', {"broken"}),
        ("+C++", {"cpp"}),
        ("developer +C#", {"csharp"}),
        ("+.NET", {"aspnet"}),
        ("+10.244.40.84", {"ip"}),
        ("+E-17", {"e17"}),
        ("+E18", {"e18"}),
        ("+2024-06-05", {"date"}),
        ("+wifi", {"wifi"}),
        ("+H2O", {"water"}),
        ("+cafe", {"cafe"}),
        ("+" + unicodedata.normalize("NFD", "Йод"), {"iod"}),
        ('+"gift card"', {"card"}),
        ('+"cart refund"', set()),
        ("garden +2024", {"y2024", "date", "etad"}),
        ("+退货", {"zh"}),
        ("+ไทย", {"th"}),
    ],
)
def test_what_is_required_is_in_every_hit(index: Index, query: str, found: set[str], mode: str) -> None:
    if mode != "lexical" or index.search(query, mode="lexical").legs["lexical"].reason is None or not found:
        assert set(ids(index, query, mode)) == found


@pytest.mark.parametrize("mode", ["lexical", "vector", "hybrid"])
@pytest.mark.parametrize(
    ("query", "gone", "kept"),
    [
        ("contact -IT", "it", "hr"),
        ("garden tools -2023", "y2023", "y2024"),
        ("developer -.NET", "aspnet", "cpp"),
        ("developer -C++", "cpp", "csharp"),
        ('heater -"not working"', "broken", "working"),
        ("error -E-17", "e17", "e18"),
        ("gateway -10.244.40.84", "ip", "pi"),
        ("зелёнка аптечке снег -" + unicodedata.normalize("NFD", "Йод"), "iod", "filler1"),
    ],
)
def test_what_is_excluded_is_in_no_hit(index: Index, query: str, gone: str, kept: str, mode: str) -> None:
    hits = ids(index, query, mode)
    assert gone not in hits
    assert kept in hits


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("10.244.40.84", "ip"),
        ("2024-06-05", "date"),
        ("E-17", "e17"),
        ("E 17", "e17"),
        ("e17", "e17"),
        ("E18", "e18"),
        ("AB1234X", "part"),
        ("ab 1234 x", "part"),
        ("qz 7781 k", "joined"),
        ("5.6.2024", "date"),
        ("05.06.2024", "date"),
        ("2024-6-5", "date"),
        ("6.05.2024", "etad"),
        ("wifi", "wifi"),
        ("email", "mail"),
        ("1000000", "million"),
        ("1 000 000", "million"),
        ("C++", "cpp"),
        ("C#", "csharp"),
        (".NET", "aspnet"),
        ("H2O", "water"),
        ("files", "ligature"),
        ("office", "ligature"),
        ("creme brulee", "cafe"),
        ("йод", "iod"),
        ("кофе", "latin o"),
        ("к\u006fфе", "latin o"),
        ("88005553535", "phone"),
    ],
)
def test_codes_and_letters_are_found_in_every_form(index: Index, query: str, first: str, mode: str) -> None:
    assert ids(index, query, mode)[0] == first


@pytest.mark.parametrize(
    ("query", "id", "marked"),
    [
        ("wifi", "wifi", "Wi-Fi"),
        ("1000000", "million", "1,000,000"),
        ("5.6.2024", "date", "2024-06-05"),
        ("qz 7781 k", "joined", "QZ7781K"),
    ],
)
def test_a_code_is_marked_however_it_is_written(index: Index, query: str, id: str, marked: str) -> None:
    (hit,) = (hit for hit in index.search(query, mode="lexical").hits if hit.id == id)
    assert hit.passage is not None
    assert marked in {hit.passage.text[start:end] for start, end in hit.passage.marks}


def test_words_of_scripts_without_blanks_are_found(index: Index) -> None:
    assert ids(index, "退货运费", "lexical") == ["zh"]
    assert ids(index, "ภาษาราชการ", "lexical") == ["th"]
    assert ids(index, "量子力学", "lexical") == []


def test_an_answer_tells_what_was_required_left_out_and_means_nothing(index: Index) -> None:
    found = index.search('+heater -working tools* "gift card"')
    assert found.required == ("heater",)
    assert found.excluded == ("working",)
    assert found.remarks
    assert index.search("+%").ignored == ()
    assert index.search("garden", where="id=nothing*").filtered_out == "no document meets the filter id=nothing*"
    assert (
        index.search("garden", where={"id": "IP"}).filtered_out
        == "no document meets the filter id=IP; did you mean id=ip?"
    )
    assert index.search("zebra", where={"id": "ip"}, mode="lexical").filtered_out is None
    assert (
        index.search("x", where="id=ip AND id=pi").filtered_out == "no document meets all of the filter id=ip AND id=pi"
    )


def test_a_code_is_not_hidden_by_what_is_said_around_it(index: Index) -> None:
    alone = index.search("E17")
    chatter = index.search("my device E17 beeps loudly and the neighbours complain")
    assert chatter[0].id == alone[0].id == "e17"
    assert chatter[0].relevance > 0.5 * alone[0].relevance


def test_repeating_a_word_is_no_evidence(index: Index) -> None:
    once, often = (index.search(query, mode="lexical")[0] for query in ("tulips zebra", "tulips tulips tulips zebra"))
    assert often.relevance == pytest.approx(once.relevance)


WORDS = [
    "IT",
    "heater",
    "C++",
    "C#",
    ".NET",
    "E-17",
    "10.244.40.84",
    "2024",
    "working",
    "to be",
    "退货",
    "card",
    "café",
    "Wi-Fi",
]
pieces = st.tuples(st.sampled_from(["+", "-", ""]), st.sampled_from(WORDS))


@given(st.lists(pieces, min_size=1, max_size=4), st.sampled_from(["lexical", "vector", "hybrid"]))
@settings(max_examples=60, deadline=None)
def test_required_and_excluded_words_hold_in_every_hit(index: Index, query: list[tuple[str, str]], mode: str) -> None:
    typed = " ".join(f'{sign}"{word}"' if " " in word else sign + word for sign, word in query)
    found = index.search(typed, 50, mode=mode)  # type: ignore[arg-type]
    signed = {sign: {word for own, word in query if own == sign} for sign in "+-"}
    assert set(found.required) == signed["+"]
    assert set(found.excluded) == signed["-"]
    for hit in found:
        text = f"{hit.document.title}\n\n{hit.document.text}"
        assert all(literal_spans(text, word, "auto") for word in found.required)
        assert not any(literal_spans(text, word, "auto") for word in found.excluded)
