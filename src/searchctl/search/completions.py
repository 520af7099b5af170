"""What a beginning may become: titles, phrases and words of an index, found by how their words begin, with one typing error."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from searchctl.search.repair import one_error_away
from searchctl.text.folding import searchable
from searchctl.types import SuggestionKind

KINDS: tuple[SuggestionKind, ...] = ("title", "phrase", "term")
_LAST = "\U0010ffff"  # sorts behind every letter
_ERROR, _FROM_START, _FIRST_WORD = 4.0, 3.0, 1.0  # what an error costs, and what is worth more than any frequency
_MISSING = 5.0  # what it costs if one of several words isn't there at all
_ENOUGH_WORDS = 3  # of which one may be missing
_SHORTEST = 4  # letters of a single word from which on an error is looked for
_SHORTEST_OF_SEVERAL = 2
_MOST_WORDS = 12  # of a beginning: the last ones count
Mask = NDArray[np.bool_]


class Fit(NamedTuple):
    """Something that a beginning may become: its row in the table, how good it is, and whether an error was corrected."""

    row: int
    score: float
    corrected: bool


@dataclass(frozen=True, slots=True)
class Completion:
    """A title of the document `id`, a phrase or a term; `weight` in [0, 1] says how frequent it is."""

    text: str
    kind: SuggestionKind
    weight: float = 0.0
    id: str = ""


@dataclass(frozen=True, slots=True)
class CompletionTable:
    """Completions in the order of their `keys` (folded words), and for each word of `words`, ascending, where it occurs.

    The occurrences of word i are `rows` and `places` (which word of its completion it is) from `starts[i]` to `starts[i + 1]`.
    """

    texts: Sequence[str]
    ids: Sequence[str]
    keys: Sequence[str]
    kinds: NDArray[np.uint8]
    weights: NDArray[np.float32]
    words: Sequence[str]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    places: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def of(cls, completions: Iterable[Completion]) -> CompletionTable:
        """Return the table of completions; those without a word are left out."""
        keyed = [(key, one) for one in completions if (key := " ".join(searchable(one.text).split()))]
        keyed.sort(key=lambda pair: pair[0])
        return cls._of_sorted([key for key, _ in keyed], [one for _, one in keyed])

    @classmethod
    def _of_sorted(cls, keys: list[str], held: list[Completion]) -> CompletionTable:
        split = [key.split() for key in keys]
        words = sorted({word for own in split for word in own})
        number = {word: place for place, word in enumerate(words)}
        occurring = np.array([number[word] for own in split for word in own], np.int64)
        rows = np.array([row for row, own in enumerate(split) for _ in own], np.int32)
        places = np.array([min(place, 255) for own in split for place in range(len(own))], np.uint8)
        order = np.argsort(occurring, kind="stable")
        starts = np.searchsorted(occurring[order], np.arange(len(words) + 1))
        return cls(
            [one.text for one in held],
            [one.id for one in held],
            keys,
            np.array([KINDS.index(one.kind) for one in held], np.uint8),
            np.array([one.weight for one in held], np.float32),
            words,
            starts,
            rows[order],
            places[order],
        )

    def find(self, typed: str, k: int) -> list[Fit]:
        """Return the best completions of what was typed, best first: `k` titles at most, and `k` others.

        All words have to occur, in any order; the last is a beginning unless a blank follows it. One of them may have an error, or of
        three and more be missing.
        """
        key = " ".join(searchable(typed).split())
        tokens = key.split()[-_MOST_WORDS:]
        if not tokens or not len(self):
            return []
        is_open = [False] * (len(tokens) - 1) + [not typed[-1].isspace()]
        exact = [self._holding([token], one) for token, one in zip(tokens, is_open, strict=True)]
        scores = np.full(len(self), -np.inf, np.float32)
        whole = np.logical_and.reduce(exact)
        for place, (token, one) in enumerate(zip(tokens, is_open, strict=True)):
            others = np.logical_and.reduce([mask for at, mask in enumerate(exact) if at != place] or [~whole])
            shortest = _SHORTEST_OF_SEVERAL if len(tokens) > 1 else _SHORTEST
            if not others.any():
                continue
            if len(tokens) >= _ENOUGH_WORDS:
                np.maximum(scores, np.where(others, -_MISSING, -np.inf), out=scores)
            if len(token) >= shortest:
                scores[others & self._holding(one_error_away(token, first=0), one)] = -_ERROR
        scores[whole] = 0.0
        return self._best(scores, whole, key, tokens[0], k)

    def _best(self, scores: NDArray[np.float32], whole: Mask, key: str, first: str, k: int) -> list[Fit]:
        scores += self.weights
        scores[self._beginning(key)] += _FROM_START
        scores[self._holding([first], is_open=True, first=True)] += _FIRST_WORD
        best: list[Fit] = []
        for kinds in (self.kinds == 0, self.kinds != 0):
            rows = np.flatnonzero(kinds & (scores > -np.inf))
            if len(rows) > k:
                rows = rows[np.argpartition(-scores[rows], k)[:k]]
            best += [Fit(int(row), float(scores[row]), not whole[row]) for row in rows]
        return sorted(best, key=lambda one: (-one.score, one.row))

    def next_words(self, typed: str, k: int) -> list[str]:
        """Return what was typed with its last word completed to frequent ones."""
        *head, last = searchable(typed).split() or [""]
        if not head or typed[-1].isspace():
            return []
        terms = np.flatnonzero((self.kinds == KINDS.index("term")) & self._holding([last], is_open=True))
        best = terms[np.argsort(-self.weights[terms], kind="stable")][:k]
        kept = typed.rsplit(None, 1)[0]
        return [f"{kept} {self.texts[row]}" for row in best]

    def _beginning(self, key: str) -> slice:
        return slice(bisect_left(self.keys, key), bisect_left(self.keys, key + _LAST))

    def _holding(self, words: Sequence[str], is_open: bool, *, first: bool = False) -> Mask:
        """Tell of each completion whether it holds one of these words, or with `is_open` one that begins so; or its first word does."""
        mask = np.zeros(len(self), np.bool_)
        for word in words:
            low = bisect_left(self.words, word)
            if low == len(self.words) or not self.words[low].startswith(word):
                continue
            high = bisect_left(self.words, word + _LAST, low) if is_open else low + (self.words[low] == word)
            begin, end = self.starts[low], self.starts[high]
            rows = self.rows[begin:end]
            mask[rows[self.places[begin:end] == 0] if first else rows] = True
        return mask

    # On disk

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays of numbers; texts as UTF-8 with a line end after each."""
        lists = {name: _packed(getattr(self, name)) for name in ("texts", "ids", "keys", "words")}
        return lists | {name: getattr(self, name) for name in ("kinds", "weights", "starts", "rows", "places")}

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> CompletionTable:
        """Return the table of `arrays`; raises ValueError, KeyError for what isn't one."""
        texts, ids, keys, words = (_unpacked(arrays[name]) for name in ("texts", "ids", "keys", "words"))
        kinds, weights, starts, rows, places = (
            arrays[name] for name in ("kinds", "weights", "starts", "rows", "places")
        )
        table = cls(texts, ids, keys, kinds, weights, words, starts, rows, places)
        if not (len(table.texts) == len(table.ids) == len(table.keys) == len(table.kinds) == len(table.weights)):
            raise ValueError("its columns differ in length")
        if len(table.starts) != len(table.words) + 1 or len(table.rows) != len(table.places):
            raise ValueError("its words differ in number")
        return table


def _packed(texts: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("".join(f"{text}\n" for text in texts).encode(), np.uint8)


def _unpacked(packed: NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode().split("\n")[:-1]
