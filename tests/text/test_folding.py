"""Letters as they are compared: the quick ways give what the slow one gives."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.text.folding import WORD, fold, searchable, units


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ﬁles", "files"),
        ("CAFÉ", "cafe"),
        ("Straße", "strasse"),
        ("H₂O", "h2o"),
        ("ＡＢＣ", "abc"),
        ("Ёлка", "елка"),
        ("Йод", "йод"),
        (unicodedata.normalize("NFD", "Йод"), "йод"),
        ("за́мок", "замок"),
        ("Їжак", "їжак"),
        ("Łódź", "lodz"),
        ("smørrebrød", "smorrebrod"),
        ("ΆΛΦΑ", "αλφα"),
        ("أحمد", "احمد"),
        ("مُحَمَّد", "محمد"),
        ("қайтару", "қайтару"),
    ],
)
def test_letters_take_one_form(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat_sat, at 5.", "the cat sat at 5"),
        ("Ёж — «зверь»", "еж зверь"),
        ("量子力学 is 物理", "量 子 力 学 is 物 理"),
        ("ภาษาไทย", "ภ า ษ า ไ ท ย"),
        ("ที่นี่", "ที่ นี่"),
        ("환불은", "환 불 은"),
        ("हिन्दी में", "हिन्दी में"),
        ("A⁄½ №5", "a 1 2 5"),
        ("К\u006fфе и \u0441afe", "кофе и cafe"),  # a Latin o, a Cyrillic с
        ("KПД, XБокс", "кпд хбокс"),
        ("PDFы и SMS-рассылка", "pdfы и sms рассылка"),
        ("", ""),
    ],
)
def test_words_are_parted_by_blanks(text: str, words: str) -> None:
    assert searchable(text).split() == unicodedata.normalize("NFC", words).split()


@given(st.text(alphabet=st.one_of(st.characters(max_codepoint=0x4FF), st.sampled_from("ё«»—№…„“”’ﬁé量"))))
@settings(max_examples=300, deadline=None)
def test_the_quick_ways_give_what_the_slow_one_gives(text: str) -> None:
    slow = " ".join(unit for word in WORD.findall(text) for unit in units(word))
    assert searchable(text).split() == slow.split()
