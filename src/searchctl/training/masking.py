"""Which words a model has to guess: whole ones, drawn anew each time a text is seen. Pure functions.

Devlin et al., "BERT" (2019): of the tokens that are chosen, 80 % become the mask, 10 % a random token, 10 % stay. Whole words,
since a word's own other pieces give it away (Cui et al. 2021, "Pre-Training With Whole Word Masking"). transformers 5 has no
such collator any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IGNORED = -100  # the target of a token that needn't be guessed, as torch's cross entropy takes it
_MASKED, _RANDOM = 0.8, 0.1
_POOL = 64  # batches within which texts are sorted by length


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A text as the model reads it: `ids` and `types` (tokens,), and the places of each of its words' tokens.

    `follows` says of a pair of sentences whether the second really follows the first; None where that isn't asked.
    """

    ids: tuple[int, ...]
    words: tuple[tuple[int, ...], ...]
    types: tuple[int, ...] = ()
    follows: bool | None = None


@dataclass(frozen=True, slots=True)
class Masking:
    """How much is masked: the share of tokens in (0, 1), by which token, and the ids that a random one is drawn from."""

    share: float
    mask_id: int
    usual_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MaskedRow:
    """A row to be learnt from: what the model reads, and what it should have read, `IGNORED` where that isn't asked.

    `number` tells it from all others of a training, for what else is drawn by it.
    """

    ids: NDArray[np.int64]
    targets: NDArray[np.int64]
    row: TokenRow
    number: int


def words_of(word_ids: Sequence[int | None]) -> tuple[tuple[int, ...], ...]:
    """Return the places of each word's tokens, given the word that each token is of; None is a special token."""
    places: list[list[int]] = []
    before: int | None = None
    for place, word in enumerate(word_ids):
        if word is not None:
            if word != before or not places:
                places.append([])
            places[-1].append(place)
        before = word
    return tuple(map(tuple, places))


def mask_words(row: TokenRow, masking: Masking, random: np.random.Generator, number: int = 0) -> MaskedRow:
    """Choose whole words until the share of tokens is reached, one word at least, and hide them."""
    ids = np.array(row.ids, np.int64)
    targets = np.full(len(ids), IGNORED, np.int64)
    most = max(1, round(masking.share * sum(map(len, row.words))))
    chosen: list[int] = []
    for at in random.permutation(len(row.words)).tolist():
        word = row.words[at]
        if not chosen or len(chosen) + len(word) <= most:
            chosen += word
    places = np.array(chosen, np.int64)
    targets[places] = ids[places]
    kinds = random.random(len(places))
    ids[places[kinds < _MASKED]] = masking.mask_id
    others = places[(kinds >= _MASKED) & (kinds < _MASKED + _RANDOM)]
    ids[others] = random.choice(masking.usual_ids, len(others))
    return MaskedRow(ids, targets, row, number)


class MaskedRows:
    """All the rows that a training sees, one after the other, epoch after epoch, each masked anew.

    What stands at a number depends on that and the seed alone, so that a training that is killed goes on with the same rows.
    Rows of like length come together, since hardly anything is padding then; epochs and batches are shuffled.
    """

    def __init__(self, rows: Sequence[TokenRow], masking: Masking, *, epochs: float, batch: int, seed: int) -> None:
        self._rows = rows
        self._masking = masking
        self._batch = batch
        self._seed = seed
        self._length = max(1, round(len(rows) * epochs))
        self._order: tuple[int, NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, number: int) -> MaskedRow:
        if not 0 <= number < self._length:
            raise IndexError(number)
        epoch, place = divmod(number, len(self._rows))
        if self._order is None or self._order[0] != epoch:
            lengths = [len(row.ids) for row in self._rows]
            self._order = epoch, shuffled(lengths, self._batch, np.random.default_rng([self._seed, epoch]))
        row = self._rows[int(self._order[1][place])]
        return mask_words(row, self._masking, np.random.default_rng([self._seed, 1, number]), number)


def shuffled(lengths: Sequence[int], batch: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return an order of rows in which those of a batch have like lengths, and batches come by chance."""
    order = random.permutation(len(lengths))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), _POOL * batch):
        pool = np.array(sorted(order[start : start + _POOL * batch].tolist(), key=lambda row: lengths[row]), np.int64)
        batches += [pool[at : at + batch] for at in range(0, len(pool), batch)]
    return np.concatenate([batches[at] for at in random.permutation(len(batches)).tolist()])


def fixed_masks(rows: Sequence[TokenRow], masking: Masking, seed: int) -> list[MaskedRow]:
    """Mask rows in one way that stays: what a model is measured by."""
    return [
        mask_words(row, masking, np.random.default_rng([seed, 2, number]), number) for number, row in enumerate(rows)
    ]


def in_batches(rows: Sequence[MaskedRow], batch: int) -> Iterator[list[MaskedRow]]:
    """Yield rows in batches of like length."""
    ordered = sorted(rows, key=lambda row: len(row.ids))
    for start in range(0, len(ordered), batch):
        yield list(ordered[start : start + batch])
