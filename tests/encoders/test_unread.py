"""What an encoder can't read: unknown tokens, and words known letter by letter only."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.encoders import DEFAULT_ENCODER, open_encoder
from searchctl.encoders.unread import UNREADABLE, UnreadMeter, unread_share, unread_shares
from searchctl.index import Index
from searchctl.lifecycle.doctor import examine


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
