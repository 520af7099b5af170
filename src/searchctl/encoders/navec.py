"""navec's word vectors (`.tar`): 300 numbers a word from 100 shared tables of 256 pieces, so that 500,000 words take 50 MB."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_MOST_WORDS, _MOST_NUMBERS = 5_000_000, 10_000
_LARGEST_VOCABULARY = 500_000_000  # bytes, unpacked
_LARGEST_PART = 2_000_000_000
_SPECIAL = ("<unk>", "<pad>")


class NavecFile:
    """A file of navec, whose words carry counts. `WordVectors` of it. Raises ValueError, OSError."""

    def __init__(self, path: Path) -> None:
        try:
            with tarfile.open(path, "r:") as archive:
                protocol = json.loads(_part(archive, "meta.json")).get("protocol")
                if protocol != 1:
                    raise ValueError(f"it is of navec's protocol {protocol}, expected 1")
                self._read_vocabulary(_part(archive, "vocab.bin"))
                self._read_vectors(_part(archive, "pq.bin"))
        except (tarfile.TarError, EOFError, KeyError, AttributeError) as error:
            raise ValueError(f"it isn't navec's format ({error})") from error

    def vector(self, word: str) -> NDArray[np.float32] | None:
        """Return the word's vector, put together of its pieces; None for an unknown one."""
        row = self.words.get(word)
        if row is None:
            return None
        return np.asarray(self._pieces[np.arange(len(self._pieces)), self._choices[row]].reshape(-1), np.float32)

    def _read_vocabulary(self, packed: bytes) -> None:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            content = file.read(_LARGEST_VOCABULARY + 1)
        (size,) = np.frombuffer(content[:4], "<u4")
        words = content[4 + 4 * int(size) :].decode("utf-8").splitlines()
        if not 0 < size <= _MOST_WORDS or len(words) != size or len(content) > _LARGEST_VOCABULARY:
            raise ValueError("its list of words is damaged")
        counts = np.frombuffer(content, "<u4", int(size), 4).astype(np.float64)
        self.words = {word: row for row, word in enumerate(words) if word not in _SPECIAL}
        self.shares = counts / max(float(counts.sum()), 1.0)

    def _read_vectors(self, content: bytes) -> None:
        rows, self.dim, parts, centroids = (int(number) for number in np.frombuffer(content[:16], "<u4"))
        if not (0 < self.dim <= _MOST_NUMBERS and 0 < parts <= self.dim and self.dim % parts == 0 and centroids <= 256):
            raise ValueError("its vectors are damaged")
        if rows != len(self.shares) or len(content) != 16 + rows * parts + 4 * self.dim * centroids:
            raise ValueError(f"it has {rows} vectors in {len(content)} bytes for {len(self.shares)} words")
        self._choices = np.frombuffer(content, np.uint8, rows * parts, 16).reshape(rows, parts)
        pieces = np.frombuffer(content, "<f4", self.dim * centroids, 16 + rows * parts)
        self._pieces = pieces.reshape(parts, centroids, self.dim // parts)
        if self._choices.max() >= centroids or not np.isfinite(self._pieces).all():
            raise ValueError("its vectors are damaged")


def _part(archive: tarfile.TarFile, name: str) -> bytes:
    entry = archive.getmember(name)
    content = archive.extractfile(entry) if entry.isreg() and entry.size <= _LARGEST_PART else None
    if content is None:
        raise ValueError(f"its {name} can't be read")
    return content.read()
