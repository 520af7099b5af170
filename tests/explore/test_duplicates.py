"""Duplicates: exact, near and semantic, each with its reason, and a threshold that chance seldom reaches."""

from __future__ import annotations

import numpy as np
import pytest

from searchctl.errors import UsageError
from searchctl.explore.contrasts import differ, traits_of
from searchctl.explore.duplicates import DuplicateSettings, by_chance, duplicates
from searchctl.explore.minhash import jaccard, near_pairs, normalised, sketch
from searchctl.explore.neighbours import nearest
from searchctl.types import Vectors

LONG = "The courier left the parcel at the neighbour's door although I had asked for the locker at the station. "


def unrelated(number: int, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(number, 64))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def words(number: int) -> list[str]:
    """Texts that share no run of letters to speak of."""
    random = np.random.default_rng(7)
    return ["".join(chr(97 + letter) for letter in random.integers(0, 26, 40)) for _ in range(number)]


def test_each_kind_is_found_with_its_reason() -> None:
    texts, vectors = words(60), unrelated(60)
    texts[10], texts[11] = "Ещё РАЗ:  не работает!", "еще раз — не работает"
    texts[20], texts[21] = LONG, LONG.replace("although", "though")
    vectors[31] = vectors[30] + 0.1 * vectors[40]
    vectors[31] /= np.linalg.norm(vectors[31])
    found = duplicates(texts, vectors)
    assert [(group.members, group.reason) for group in found.groups] == [
        ((10, 11), "exact"),
        ((20, 21), "near"),
        ((30, 31), "semantic"),
    ]
    assert found.spare == 3 and found.groups[0].similarities == (1.0, 1.0)
    only = duplicates(texts, vectors, DuplicateSettings(reasons=("exact",)))
    assert [group.members for group in only.groups] == [(10, 11)] and only.threshold is None


def test_groups_grow_through_the_kinds_and_the_first_text_is_kept() -> None:
    texts, vectors = words(40), unrelated(40)
    texts[5] = texts[7] = LONG
    texts[9] = LONG + "Why?"
    vectors[30] = vectors[5]
    (group,) = duplicates(texts, vectors).groups
    assert group.members == (5, 7, 9, 30)
    assert group.reasons[1:] == ("exact", "near", "semantic") and group.reason == "semantic"


def test_shares_of_wording_are_exact_for_short_texts() -> None:
    # abcdefgh has the shingles abcde bcdef cdefg defgh; abcdefgx has abcde bcdef cdefg defgx: 3 of 5.
    assert jaccard(sketch("abcdefgh"), sketch("abcdefgx")) == pytest.approx(3 / 5)
    assert jaccard(sketch("ab"), sketch("ab")) == 1.0 and jaccard(sketch("ab"), sketch("ac")) == 0.0


def test_shares_of_long_texts_are_estimated() -> None:
    one, other = "".join(words(60)), "".join(words(60)[:45])
    full = set(one[place : place + 5] for place in range(len(one) - 4))
    part = set(other[place : place + 5] for place in range(len(other) - 4))
    assert jaccard(sketch(one), sketch(other)) == pytest.approx(len(full & part) / len(full | part), abs=0.06)


def test_no_near_pair_is_missed_among_many_texts() -> None:
    random = np.random.default_rng(3)
    texts = [" ".join(words(300)[place : place + 3]) for place in range(0, 297, 3)]
    copies = [
        text[:place] + "?" + text[place + 1 :] for text, place in zip(texts, random.integers(40, 80, 99), strict=False)
    ]
    plain = [normalised(text) for text in [*texts, *copies]]
    assert {(one, other) for one, other, _ in near_pairs([sketch(text) for text in plain], 0.7)} == {
        (place, place + len(texts)) for place in range(len(texts))
    }
    assert list(near_pairs([], 0.7)) == []


def test_chance_pairs_hardly_reach_the_threshold() -> None:
    vectors = unrelated(1500, seed=5)
    _, threshold = by_chance(vectors, 0)
    assert (nearest(vectors, 1).similarities[:, 0] >= threshold).sum() <= 4 and threshold < 0.8
    assert not duplicates(words(1500), vectors, DuplicateSettings(reasons=("semantic",))).groups


def test_the_same_stands_out_from_the_related() -> None:
    random = np.random.default_rng(2)
    centres = unrelated(12, seed=1).repeat(10, axis=0)  # subjects of ten texts each, related and not the same
    vectors = centres + random.normal(0, 0.07, centres.shape)
    said_again = vectors[[3, 47, 88]] + random.normal(0, 0.02, (3, 64))
    space = np.concatenate([vectors, said_again])
    space = (space / np.linalg.norm(space, axis=1, keepdims=True)).astype(np.float32)
    found = duplicates(words(123), space, DuplicateSettings(reasons=("semantic",)))
    assert [group.members for group in found.groups] == [(3, 120), (47, 121), (88, 122)]
    assert found.threshold is not None and found.threshold < 0.95


def test_texts_each_like_the_next_are_no_group() -> None:
    vectors = unrelated(60)
    angle = np.deg2rad(25)
    for step in range(4):  # cosines of .91 with the next, .64 with the one after
        vectors[step] = np.cos(step * angle) * np.eye(64)[0] + np.sin(step * angle) * np.eye(64)[1]
    found = duplicates(words(60), vectors, DuplicateSettings(reasons=("semantic",), semantic=0.8))
    assert [group.members for group in found.groups] == [(0, 1), (2, 3)]


def test_meaning_is_not_judged_among_few_texts_unless_told() -> None:
    texts, vectors = words(6), unrelated(6)
    vectors[1] = vectors[0]
    assert duplicates(texts, vectors).groups == () and duplicates(texts, vectors).threshold is None
    (group,) = duplicates(texts, vectors, DuplicateSettings(semantic=0.9)).groups
    assert group.members == (0, 1)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="above 0"):
        DuplicateSettings(near=0)
    with pytest.raises(UsageError, match="between -1 and 1"):
        DuplicateSettings(semantic=2)


FOOTER = (
    "\n\nBest wishes,\nMary Major, Major and Sons, 1 Mill Lane, Leeds\n"
    "This message is meant for its addressee alone. Whoever else has it is asked to delete it."
)
REPORTS = (
    "The kettle leaks at the handle.",
    "My lamp flickers in the evening and hums.",
    "Nobody answers your telephone on Mondays.",
    "A desk came without its screws, what now?",
    "Could you send the invoice for the chairs again?",
)


def test_a_footer_is_not_what_a_text_says() -> None:
    texts = [report + FOOTER for report in REPORTS]
    same = np.tile(unrelated(1), (len(texts), 1))
    assert duplicates(texts, same, DuplicateSettings(reasons=("exact", "near"))).groups == ()
    assert duplicates(texts, same, DuplicateSettings(semantic=0.9), encode=lambda own: unrelated(len(own))).groups == ()
    again = [
        *texts,
        "My lamp flickers in the evening and hums!!" + FOOTER,
        REPORTS[2].replace("telephone", "phone") + FOOTER,
    ]
    groups = duplicates(again, unrelated(7), DuplicateSettings(reasons=("exact", "near"))).groups
    assert {group.members for group in groups} == {(1, 5), (2, 6)}


def test_what_near_copies_share_is_no_footer() -> None:
    copies = [LONG + f"The courier was {word}." for word in ("late", "lazy", "lost", "loud")]
    (group,) = duplicates(copies, unrelated(4), DuplicateSettings(reasons=("near",))).groups
    assert group.members == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The refund of the order 5520 has arrived on my card", "The refund of the order 5521 has arrived on my card"),
        ("The temperature in the cold store is -5 degrees", "The temperature in the cold store is 5 degrees"),
        (
            "The parcel has arrived at the shop in the main street",
            "The parcel has not arrived at the shop in the main street",
        ),
        ("Please change my flight from Paris to Rome tomorrow", "Please change my flight from Rome to Paris tomorrow"),
        ("How do I enable the alarm of the new oven?", "How do I disable the alarm of the new oven?"),
        ("Посылка пришла в пункт выдачи на главной улице", "Посылка не пришла в пункт выдачи на главной улице"),
        ("Нужен билет на поезд из Москвы в Казань на завтра", "Нужен билет на поезд из Казани в Москву на завтра"),
        ("Как включить сигнал новой духовки на кухне?", "Как выключить сигнал новой духовки на кухне?"),
    ],
)
def test_numbers_negation_and_directions_make_another_text(one: str, other: str) -> None:
    for wording in (True, False):
        assert differ(traits_of(one), traits_of(other), wording=wording)
        assert not differ(traits_of(one), traits_of(one + "!"), wording=wording)
    assert duplicates([one, other], unrelated(2), DuplicateSettings(reasons=("exact", "near"), near=0.5)).groups == ()


def test_the_same_in_other_words_may_deny_or_leave_a_number_out() -> None:
    for one, other in (
        ("Where is my parcel?", "The delivery has not come"),
        ("Order 5520 is late", "My parcel is overdue"),
    ):
        assert not differ(traits_of(one), traits_of(other), wording=False)
