"""Sentences that follow each other, and strangers: made by hand, and from documents."""

from __future__ import annotations

import numpy as np
import pytest

from searchctl.training.masking import TokenRow
from searchctl.training.sentence_pairs import PairFrame, SentenceTokens, cut, framed, joined, sentence_pairs

FRAME = PairFrame(1, 2)


def sentence(*ids: int) -> SentenceTokens:
    return SentenceTokens(ids, tuple((place,) for place in range(len(ids))))


def documents(count: int, sentences: int, length: int) -> list[list[SentenceTokens]]:
    """Documents whose token ids say where they stand: 10,000 for each document, 100 for each sentence."""
    return [
        [
            sentence(*(10_000 * (document + 1) + 100 * number + place for place in range(length)))
            for number in range(sentences)
        ]
        for document in range(count)
    ]


def parts(row: TokenRow) -> tuple[list[int], list[int]]:
    border = row.types.index(1)
    return list(row.ids[1 : border - 1]), list(row.ids[border:-1])


def test_a_pair_is_framed_and_its_words_move_along() -> None:
    first = SentenceTokens((7, 8, 9), ((0, 1), (2,)))
    row = framed(first, sentence(5), FRAME, follows=True)
    assert row == TokenRow((1, 7, 8, 9, 2, 5, 2), ((1, 2), (3,), (5,)), (0, 0, 0, 0, 0, 1, 1), True)


def test_sentences_are_joined_with_their_words() -> None:
    made = joined([SentenceTokens((7, 8), ((0, 1),)), SentenceTokens((9, 5), ((0,), (1,)))])
    assert made == SentenceTokens((7, 8, 9, 5), ((0, 1), (2,), (3,)))


def test_the_longer_part_is_cut_and_broken_words_are_no_words() -> None:
    first = SentenceTokens(tuple(range(8)), ((0, 1), (2, 3), (4, 5), (6, 7)))
    for seed in range(20):
        left, right = cut(first, sentence(90), 6, np.random.default_rng(seed))
        assert right == sentence(90) and len(left.ids) == 5
        start = left.ids[0]
        assert left.ids == tuple(range(start, start + 5))
        whole = [(word[0] - start, word[1] - start) for word in first.words if word[0] >= start and word[1] < start + 5]
        assert list(left.words) == whole
    assert cut(sentence(1), sentence(2), 1, np.random.default_rng(0)) == (sentence(1), sentence(2))


@pytest.mark.parametrize("longest", [16, 40])
def test_followers_follow_and_strangers_are_of_another_document(longest: int) -> None:
    rows = sentence_pairs(documents(40, 12, 5), FRAME, longest, np.random.default_rng(3))
    assert len(rows) > 100 and all(len(row.ids) <= longest for row in rows)
    following = [row for row in rows if row.follows]
    assert 0.35 < len(following) / len(rows) < 0.65
    for row in rows:
        first, second = parts(row)
        own, other = first[0] // 10_000, {id // 10_000 for id in second}
        assert {id // 10_000 for id in first} == {own} and len(other) == 1
        assert (other == {own}) == bool(row.follows)
        if row.follows:
            assert (second[0] // 100) >= (first[-1] // 100)
        assert all(row.ids[place] not in (1, 2) for word in row.words for place in word)


def test_no_sentence_of_a_document_is_first_and_second_but_after_a_stranger() -> None:
    """What was to follow, had there been no stranger, begins the next pair: nothing of a document is passed over."""
    rows = sentence_pairs(documents(10, 6, 3), FRAME, 512, np.random.default_rng(0))
    for document in range(1, 11):
        own = {id // 100 for row in rows for id in parts(row)[0] if id // 10_000 == document}
        own |= {id // 100 for row in rows if row.follows for id in parts(row)[1] if id // 10_000 == document}
        assert len(own) >= 5  # the last may be alone then


def test_documents_of_one_sentence_only_lend_it_and_one_document_gives_no_strangers() -> None:
    alone = documents(5, 1, 4)
    assert sentence_pairs(alone, FRAME, 64, np.random.default_rng(0)) == []
    assert sentence_pairs(documents(1, 9, 4), FRAME, 64, np.random.default_rng(0)) == []
    mixed = [*alone, documents(6, 4, 4)[5]]
    rows = sentence_pairs(mixed, FRAME, 64, np.random.default_rng(0))
    assert rows and all(parts(row)[0][0] // 10_000 == 6 for row in rows)
