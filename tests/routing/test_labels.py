"""Labels as people write them: one spelling, lists in cells, and what may not be meant."""

from __future__ import annotations

import pytest

from searchctl.errors import UsageError
from searchctl.routing.labels import check_label, doubts_about, listed_labels, spelt


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("billing/refund", "billing/refund"),
        (" Billing /  Refund ", "Billing/Refund"),
        ("late\u00a0delivery", "late delivery"),
        ("cafe\u0301", "café"),
        ("\ufeffзаказ\u200b", "заказ"),
        ("C++", "C++"),
        ("👩‍💻", "👩‍💻"),
    ],
)
def test_a_label_has_one_spelling(written: str, stored: str) -> None:
    assert spelt(written) == stored and check_label(written) == stored


@pytest.mark.parametrize("label", ["", " ", "a//b", "/a", "a/ ", "two\nlines", "x" * 201])
def test_what_can_be_no_label_is_refused(label: str) -> None:
    with pytest.raises(UsageError):
        check_label(label)


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ('["billing", "late"]', ["billing", "late"]),
        ("['billing']", ["billing"]),
        ("[]", []),
        ("[1, 2]", None),
        ("[urgent] billing", None),
        ("[urgent]", None),
        ("billing", None),
        ("[" * 50 + "]" * 50, None),
    ],
)
def test_a_cell_may_hold_a_list(cell: str, labels: list[str] | None) -> None:
    assert listed_labels(cell) == labels


def test_labels_that_differ_in_spelling_alone_are_told() -> None:
    doubts = doubts_about(["Late delivery", "late_delivery", "late-Delivery", "учёт", "Учет", "late/delivery", "other"])
    assert doubts.alike == (("Late delivery", "late-Delivery", "late_delivery"), ("Учет", "учёт"))
    assert not doubts.joined


def test_labels_of_several_others_are_told() -> None:
    doubts = doubts_about(["billing", "billing, late", "late", "Terms, conditions", "late|product", ", billing"])
    assert doubts.joined == (("billing, late", ","), ("late|product", "|"))
