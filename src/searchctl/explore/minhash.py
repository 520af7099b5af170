"""Texts that share most of their wording, found without comparing all pairs: MinHash and bands.

The signatures are rensa's: in the same bands they give the same pairs as our own and datasketch's did (782 of 782 among 8,392
texts of 1,200 letters with reworded copies), 2 to 5 times sooner than our own. datasketch took longer than ours, and 0.7 s to
import; rensa takes a millisecond. The bands are ours: rensa's want an object for each text, which doubled the time.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import rensa
from numpy.typing import NDArray

from searchctl.text.analysis import fold_e

Sketch = NDArray[np.uint64]

SHINGLE = 5  # letters
_KEPT = 512  # shingles of a text, those with the least hashes: a fair sample of it
_BANDS = 24
_ROWS = 4  # with 24 bands, 99.9 % of pairs that share 0.7 are compared, and 4 % of those that share 0.2
_COMPARED = 8  # with how many of a band's texts each text is compared
_WORDS = re.compile(r"[\W_]+")
_PRIME = np.uint64(1099511628211)
_BATCH = 1000  # signatures that stand in memory as Python's numbers
_SEED = 1  # of the signatures, which no file holds


class Pair(NamedTuple):
    """Two rows, and how alike they are, in [0, 1]."""

    first: int
    second: int
    similarity: float


def normalised(text: str) -> str:
    """Return a text's letters and digits alone: compatibility forms, case, ё, marks and white space count for nothing."""
    return _WORDS.sub(" ", fold_e(unicodedata.normalize("NFKC", text)).casefold()).strip()


def sketch(text: str) -> Sketch:
    """Return sorted hashes of a normalised text's runs of five letters, at most 512, the least ones."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if len(codes) < SHINGLE:
        codes = np.concatenate([codes, np.zeros(SHINGLE - len(codes), np.uint64)])
    size = len(codes) - SHINGLE + 1
    hashes = np.zeros(size, np.uint64)
    for start in range(SHINGLE):
        hashes = (hashes ^ codes[start : start + size]) * _PRIME
    return np.unique(_mixed(hashes))[:_KEPT]


def jaccard(sketch: Sketch, other: Sketch) -> float:
    """Return the share of both texts' shingles that they have in common, estimated where a text has more than 512.

    Broder, "On the resemblance and containment of documents" (1997): the least hashes of the union are a fair sample of it.
    """
    union = np.union1d(sketch, other)
    if len(sketch) == _KEPT or len(other) == _KEPT:
        union = union[:_KEPT]
    shared = np.intersect1d(sketch, other, assume_unique=True)
    return float(np.isin(union, shared, assume_unique=True).mean())


def near_pairs(sketches: Sequence[Sketch], threshold: float) -> Iterator[Pair]:
    """Yield pairs of rows that share at least `threshold` of their shingles; in a large group not every pair of it."""
    compared: set[tuple[int, int]] = set()
    for rows in _buckets(sketches):
        for position, second in enumerate(rows):
            for first in rows[max(0, position - _COMPARED) : position]:
                if (first, second) in compared:
                    continue
                compared.add((first, second))
                similarity = jaccard(sketches[first], sketches[second])
                if similarity >= threshold:
                    yield Pair(first, second, similarity)


def _buckets(sketches: Sequence[Sketch]) -> Iterator[list[int]]:
    """Yield rows, ascending, whose signatures are the same in a band; those of one row too."""
    signatures = _signatures(sketches)
    for start in range(0, _BANDS * _ROWS, _ROWS):
        buckets: defaultdict[bytes, list[int]] = defaultdict(list)
        for row, key in enumerate(np.ascontiguousarray(signatures[:, start : start + _ROWS])):
            buckets[key.tobytes()].append(row)
        yield from buckets.values()


def _signatures(sketches: Sequence[Sketch]) -> NDArray[np.uint32]:
    """Return the least of each row's shingles under each of 96 hash functions (n, 96)."""
    signatures = np.zeros((len(sketches), _BANDS * _ROWS), np.uint32)
    for start in range(0, len(sketches), _BATCH):
        batch = sketches[start : start + _BATCH]
        ends = np.cumsum([0, *map(len, batch)], dtype=np.uint64)
        minima = rensa.RMinHash.digest_matrix_from_flat_token_hashes(np.concatenate(batch), ends, _BANDS * _ROWS, _SEED)
        signatures[start : start + _BATCH] = minima.to_rows()
    return signatures


def _mixed(values: Sketch) -> Sketch:
    """Spread bits evenly: the finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Sketch = values ^ (values >> np.uint64(31))
    return mixed
