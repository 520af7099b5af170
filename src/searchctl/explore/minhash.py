"""Texts that share most of their wording, found without comparing all pairs: MinHash and bands."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
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


class Pair(NamedTuple):
    """Two rows, and how alike they are."""

    one: int
    other: int
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
    for place in range(SHINGLE):
        hashes = (hashes ^ codes[place : place + size]) * _PRIME
    return np.unique(_mixed(hashes))[:_KEPT]


def jaccard(one: Sketch, other: Sketch) -> float:
    """Return the share of both texts' shingles that they have in common, estimated where a text has more than 512.

    Broder, "On the resemblance and containment of documents" (1997): the least hashes of the union are a fair sample of it.
    """
    union = np.union1d(one, other)
    if len(one) == _KEPT or len(other) == _KEPT:
        union = union[:_KEPT]
    shared = np.intersect1d(one, other, assume_unique=True)
    return float(np.isin(union, shared, assume_unique=True).mean())


def near_pairs(sketches: Sequence[Sketch], threshold: float) -> Iterator[Pair]:
    """Yield pairs of rows that share at least `threshold` of their shingles; in a large group not every pair of it."""
    signatures = np.stack([_signature(one) for one in sketches]) if sketches else np.zeros((0, _BANDS * _ROWS))
    seen: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        buckets: defaultdict[bytes, list[int]] = defaultdict(list)
        for row, key in enumerate(np.ascontiguousarray(signatures[:, band * _ROWS : (band + 1) * _ROWS])):
            buckets[key.tobytes()].append(row)
        for rows in buckets.values():
            for place, other in enumerate(rows):
                for one in rows[max(0, place - _COMPARED) : place]:
                    if (one, other) in seen:
                        continue
                    seen.add((one, other))
                    similarity = jaccard(sketches[one], sketches[other])
                    if similarity >= threshold:
                        yield Pair(one, other, similarity)


def _signature(shingles: Sketch) -> Sketch:
    """Return the least of the shingles' hashes under each of 96 hash functions."""
    least: Sketch = _mixed(shingles[None, :] ^ _SEEDS[:, None]).min(axis=1)
    return least


def _mixed(values: Sketch) -> Sketch:
    """Spread bits evenly: the finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Sketch = values ^ (values >> np.uint64(31))
    return mixed


_SEEDS = _mixed(np.arange(1, _BANDS * _ROWS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
