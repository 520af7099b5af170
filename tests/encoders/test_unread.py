"""What an encoder can't read: unknown tokens, and words known letter by letter only."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.encoders import DEFAULT_ENCODER, open_encoder
from searchctl.encoders.unread import UNREADABLE, UnreadMeter, scripts_of, unread_share, unread_shares
from searchctl.index import Index
from searchctl.ingest.copying import Monitor
from searchctl.ingest.model import IngestSettings
from searchctl.lifecycle.doctor import examine
from searchctl.lifecycle.fit import unread_remark
from searchctl.lifecycle.vectorize import encode_deferred
from searchctl.sources import discover
from tests.encoders.test_static import save_static

RUSSIAN = ["Чай зелёный заваривают пять минут.", "Хлеб режут ножом.", "green tea", "2024"]


def test_shares_worked_by_hand() -> None:
    assert unread_share("ab cd", [1, 2], [(0, 2), (3, 5)], 0) == 0.0
    assert unread_share("ab cd", [1, 0], [(0, 2), (3, 5)], 0) == 0.5
    assert unread_share("word", [1, 2, 3, 4], [(0, 1), (1, 2), (2, 3), (3, 4)], 0) == 1.0
    assert unread_share("I a 5", [1, 2, 3], [(0, 1), (2, 3), (4, 5)], 0) == 0.0
    assert unread_share("量子", [1, 2], [(0, 1), (1, 2)], 0) == 0.0
    assert unread_share("量", [1, 2, 3], [(0, 1), (0, 1), (0, 1)], 0) == 1.0
    assert unread_share("12 %", [], [], None) == 0.0


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("how do I return an item", True),
        ("сколько дней на возврат товара", True),
        ("Wie lange habe ich Rückgaberecht?", True),
        ("商品退货运费", False),
        ("مدة إعادة البضاعة", False),
        ("返品期限はいつですか", False),
    ],
)
def test_the_shipped_encoder_reads_its_languages(text: str, read: bool) -> None:
    (share,) = unread_shares(open_encoder(DEFAULT_ENCODER), [text])
    assert (share <= UNREADABLE) == read


def test_an_encoder_that_does_not_tell_reads_everything() -> None:
    meter = UnreadMeter(open_encoder("hashing"))
    meter.add(["量子力学"])
    assert meter.remark() is None


def test_load_search_and_doctor_say_what_the_encoder_cannot_read(tmp_path: Path) -> None:
    texts = ["商品收到后三十天内可以退货，运费由买家承担。", "Dogs are kept on a leash.", "支持信用卡和支付宝付款。"]
    with Index.open(tmp_path / "engine") as index:
        report = index.ingest([{"id": str(n), "text": text} for n, text in enumerate(texts)])
        assert any("2 of 3" in remark and "can't read" in remark for remark in report.remarks)
        found = index.search("退货运费")
        assert found[0].id == "0"
        assert not found.legs["vector"].ran
        assert "can't read" in str(found.legs["vector"].reason)
        assert not index.search("量子力学").answered
    assert any("can't read" in finding.message for finding in examine(str(tmp_path / "engine")))


@pytest.fixture
def english(tmp_path: Path) -> str:
    """A static model under the name of one that the catalogue says is for English, though its tokens know Russian."""
    save_static(tmp_path / "potion-base-8M")
    return str(tmp_path / "potion-base-8M")


def test_a_model_made_for_english_is_told_not_to_fit_russian_documents(tmp_path: Path, english: str) -> None:
    with Index.open(tmp_path / "engine", encoder=english) as index:
        report = index.ingest(RUSSIAN)
        assert any("2 of 4 documents" in remark and "made for: en" in remark for remark in report.remarks)
        assert "2 of 4" in str(unread_remark(index, open_encoder(english)))
    warnings = [finding for finding in examine(str(tmp_path / "engine")) if finding.level == "warning"]
    assert any("made for: en" in finding.message and "reembed" in str(finding.fix) for finding in warnings)


def test_vectors_that_were_put_off_are_warned_of_when_they_are_made(tmp_path: Path, english: str) -> None:
    (tmp_path / "texts.jsonl").write_text('{"text": "Хлеб режут ножом."}\n', encoding="utf-8")
    with Index.open(tmp_path / "engine", encoder=english) as index:
        index.ingest_files(discover([tmp_path / "texts.jsonl"]).files, IngestSettings(defer_vectors=True))
        assert "1 of 1" in str(encode_deferred(index, Monitor()).remark)


def test_a_model_for_any_language_or_of_an_unknown_one_is_not_doubted() -> None:
    assert scripts_of(("en", "ru")) == {"LATIN", "CYRILLIC"}
    assert scripts_of(("100",)) == scripts_of(("en", "xx")) == scripts_of(()) == frozenset()


def test_words_without_vectors_are_measured(tmp_path: Path) -> None:
    path = tmp_path / "words.vec"
    path.write_text("2 3\nthe 1 0 0\ncat 0 1 0\n", encoding="utf-8")
    encoder = open_encoder(f"fasttext:{path}")
    assert unread_shares(encoder, ["The cat", "the кошка", "12", ""]) == [0.0, 5 / 8, 0.0, 0.0]
