"""Words that are hidden from a model: whole ones, as many as asked for, and the same again after a kill."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from searchctl.training.masking import (
    IGNORED,
    MaskedRows,
    Masking,
    TokenRow,
    fixed_masks,
    in_batches,
    mask_words,
    shuffled,
    words_of,
)

MASK = 4
USUAL = np.arange(100, 200)
# [CLS] play ##ing chess , un ##believ ##able [SEP]
ROW = TokenRow((2, 10, 11, 12, 13, 14, 15, 16, 3), ((1, 2), (3,), (4,), (5, 6, 7)))


def masking(share: float) -> Masking:
    return Masking(share, MASK, USUAL)


def test_words_are_their_tokens_without_special_ones() -> None:
    assert words_of([None, 0, 0, 1, 2, 3, 3, 3, None]) == ROW.words
    assert words_of([None, 0, None, 0, None]) == ((1,), (3,))  # parted by a special token, it's another word
    assert words_of([None, None]) == ()


@pytest.mark.parametrize("seed", range(30))
def test_words_are_hidden_whole_and_others_left_alone(seed: int) -> None:
    """Of 7 tokens 3/7 are 3: never more, and at least one word whatever it takes."""
    made = mask_words(ROW, masking(3 / 7), np.random.default_rng(seed))
    asked = [place for place in range(len(ROW.ids)) if made.targets[place] != IGNORED]
    assert sorted(place for word in ROW.words if word[0] in asked for place in word) == asked
    assert 1 <= len(asked) <= 3 and 0 not in asked and 8 not in asked
    assert all(made.targets[place] == ROW.ids[place] for place in asked)
    assert all(made.ids[place] == ROW.ids[place] for place in range(len(ROW.ids)) if place not in asked)
    assert all(made.ids[place] in (MASK, ROW.ids[place], *USUAL) for place in asked)


def test_a_single_long_word_is_hidden_though_it_is_too_long() -> None:
    row = TokenRow((2, 10, 11, 12, 3), ((1, 2, 3),))
    assert (mask_words(row, masking(0.15), np.random.default_rng(0)).targets != IGNORED).sum() == 3
    nothing = mask_words(TokenRow((2, 3), ()), masking(0.15), np.random.default_rng(0))
    assert nothing.ids.tolist() == [2, 3] and (nothing.targets == IGNORED).all()


def test_of_hidden_tokens_eight_of_ten_are_masks_one_is_random_and_one_stays() -> None:
    long = TokenRow(tuple(range(1000, 11000)), tuple((place,) for place in range(10000)))
    made = mask_words(long, masking(1.0), np.random.default_rng(1))
    kinds = Counter(
        "mask" if id == MASK else "same" if id == target else "random"
        for id, target in zip(made.ids.tolist(), made.targets.tolist(), strict=True)
    )
    assert kinds["mask"] == pytest.approx(8000, abs=160) and kinds["random"] == pytest.approx(1000, abs=120)
    assert set(made.ids[(made.ids != MASK) & (made.ids != made.targets)].tolist()) <= set(USUAL.tolist())


def rows(count: int) -> list[TokenRow]:
    """Rows of 3 to 12 tokens, each with a first word of its own."""
    return [
        TokenRow(
            (2, 100 + number, *range(10, 10 + number % 10), 3), tuple((place,) for place in range(1, number % 10 + 2))
        )
        for number in range(count)
    ]


def test_a_training_sees_every_row_once_an_epoch_each_time_masked_anew() -> None:
    given = rows(50)
    seen = MaskedRows(given, masking(0.3), epochs=2, batch=4, seed=7)
    assert len(seen) == 100
    for epoch in (range(50), range(50, 100)):
        assert Counter(seen[number].row.ids[1] for number in epoch) == Counter(row.ids[1] for row in given)
    first = {seen[number].row.ids[1]: seen[number].targets.tolist() for number in range(50)}
    again = {seen[number].row.ids[1]: seen[number].targets.tolist() for number in range(50, 100)}
    assert first != again
    with pytest.raises(IndexError):
        seen[100]


def test_a_row_depends_on_its_number_and_the_seed_alone() -> None:
    one, other = (MaskedRows(rows(50), masking(0.3), epochs=3, batch=4, seed=7) for _ in range(2))
    for number in (149, 3, 77):  # in any order
        assert one[number].ids.tolist() == other[number].ids.tolist() and one[number].number == number
    different = MaskedRows(rows(50), masking(0.3), epochs=3, batch=4, seed=8)
    assert [one[number].ids.tolist() for number in range(20)] != [
        different[number].ids.tolist() for number in range(20)
    ]
    assert len(MaskedRows(rows(50), masking(0.3), epochs=0.5, batch=4, seed=7)) == 25


def test_batches_are_of_like_length_and_come_by_chance() -> None:
    lengths = [number % 10 for number in range(1000)]
    order = shuffled(lengths, 10, np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(1000))
    spreads = [np.ptp([lengths[row] for row in order[at : at + 10].tolist()]) for at in range(0, 1000, 10)]
    assert np.mean(spreads) < 1
    means = [np.mean([lengths[row] for row in order[at : at + 10].tolist()]) for at in range(0, 1000, 10)]
    assert means != sorted(means)


def test_what_is_measured_by_stays() -> None:
    one, other = (fixed_masks(rows(20), masking(0.3), 7) for _ in range(2))
    assert [made.ids.tolist() for made in one] == [made.ids.tolist() for made in other]
    batches = list(in_batches(one, 8))
    assert [len(batch) for batch in batches] == [8, 8, 4]
    assert [len(made.ids) for batch in batches for made in batch] == sorted(len(made.ids) for made in one)
