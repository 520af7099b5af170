"""Word vectors of fastText (`.bin`, `.vec`) and navec (`.tar`): a text's vector is the weighted mean of its words'.

    fasttext:/models/cc.ru.300.bin        fasttext:/models/wiki.vec?weights=uniform
    navec:/models/navec_news_v1_1B_250K_300d_100q.tar?weights=index

Of a `.bin` also words it never saw have vectors, by their pieces (Bojanowski et al. 2017). Frequent words count less: a / (a + p),
p being a word's share of the training text (SIF, Arora et al. 2017). A `.vec` has no counts: there Zipf's law stands for them.
With `?weights=index` p is a word's share of the index's own texts (see weighting.py).
gensim's own files are pickles, which would run what is in them: they are refused, and it is told how to convert them.
"""

from __future__ import annotations

import copy
import hashlib
import re
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from searchctl.encoders.navec import NavecFile
from searchctl.encoders.weighting import SIF, weights_of
from searchctl.errors import EncoderUnavailable
from searchctl.ranking.unit import unit_or_first_axis
from searchctl.schema import WordShares
from searchctl.settings.paths import user_path
from searchctl.translation import _
from searchctl.types import Vectors

FAMILIES = ("fasttext", "navec")
_PICKLES = (".kv", ".model", ".npy", ".pkl")
_WORD = re.compile(r"\w+")
_MAGIC = 793_712_314
_VERSIONS = (11, 12)
_SUPERVISED = 3
_END = "</s>"  # the end of a line counts as a word, which has no pieces
_CACHED_WORDS = 200_000
_MOST_WORDS, _MOST_NUMBERS = 50_000_000, 10_000
_LONGEST_WORD = 10_000  # bytes
_SAMPLES, _SAMPLE = 64, 1 << 16  # what is hashed of a file that may have gigabytes


class WordVectors(Protocol):
    """A file of word vectors. `shares` are the words' shares of the training text, by row."""

    words: dict[str, int]
    shares: NDArray[np.float64]
    dim: int

    def vector(self, word: str) -> NDArray[np.float32] | None:
        """Return a word's vector (dim,); None for a word that has none."""


class FastTextEncoder:
    """A mean of word vectors. Implements `Encoder`. A text without known words points along the first axis.

    Words are taken in lower case, ё as е, unless the file knows them as they are written. Implements `WeighsWords`: with weights by
    the index it encodes when it has got them. Raises EncoderUnavailable.
    """

    max_tokens = 1_000_000

    def __init__(self, address: str, *, name: str | None = None) -> None:
        path, weights = _parse(address)
        self.name = name or address
        self.by_index = weights == "index"
        self.shares: WordShares | None = None
        self._own: dict[str, float] = {}
        self._uniform = weights == "uniform"
        try:
            self._model: WordVectors = _READERS[path.suffix](path)
        except (OSError, ValueError, struct.error, OverflowError) as error:
            raise EncoderUnavailable(
                _("can't read word vectors from {path}: {error}; choose another file").format(path=path, error=error)
            ) from error
        self.dim = self._model.dim
        self.revision = hashlib.sha256(f"{weights} {_fingerprint(path)}".encode()).hexdigest()[:12]
        self._weighted = lru_cache(_CACHED_WORDS)(self._weigh)

    def weighted_by(self, shares: WordShares) -> FastTextEncoder:
        """Return the same encoder with these weights; the file's matrix is shared."""
        other = copy.copy(self)
        other.shares = shares
        other._own = dict(zip(shares.words, shares.shares, strict=True))
        other.revision = hashlib.sha256(f"{self.revision} {other._own}".encode()).hexdigest()[:12]
        other._weighted = lru_cache(_CACHED_WORDS)(other._weigh)
        return other

    def known_words(self, text: str) -> list[str]:
        """Return a text's words as they are looked up."""
        return [self._known(word) for word in _WORD.findall(text)]

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Encode texts; queries and documents alike."""
        return self.encode_documents(texts)

    def encode_documents(self, texts: Sequence[str]) -> Vectors:
        """Encode texts: (n, dim), rows of length 1."""
        weights_of(self)  # raises where they are missing
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            parts = [part for word in _WORD.findall(text) if (part := self._weighted(word)) is not None]
            if parts:
                vectors[row] = np.sum(parts, axis=0)
        return unit_or_first_axis(vectors)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count words."""
        return [len(_WORD.findall(text)) for text in texts]

    def unread_shares(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the share in [0, 1] of its letters that stand in words without a vector."""
        return [self._unread(text) for text in texts]

    def _unread(self, text: str) -> float:
        words = [(sum(map(str.isalpha, word)), word) for word in _WORD.findall(text)]
        letters = sum(count for count, _ignored in words)
        unread = sum(count for count, word in words if self._weighted(word) is None)
        return unread / letters if letters else 0.0

    def _weigh(self, word: str) -> NDArray[np.float32] | None:
        """Return a word's unit vector times its weight."""
        known = self._known(word)
        vector = self._model.vector(known)
        length = 0.0 if vector is None else float(np.linalg.norm(vector))
        if vector is None or length == 0.0:
            return None
        weight = 1.0 if self._uniform else SIF / (SIF + self._share(known))
        return np.asarray(vector * (weight / length), np.float32)

    def _known(self, word: str) -> str:
        return word if word in self._model.words else word.lower().replace("ё", "е")

    def _share(self, word: str) -> float:
        """Return a word's share of the index's texts, or of those that the vectors were trained on; 0 for a rare one."""
        if self.by_index:
            return self._own.get(word, 0.0)
        row = self._model.words.get(word)
        return float(self._model.shares[row]) if row is not None else 0.0


class BinaryFile:
    """fastText's own format. Its matrix stays on disk: of gigabytes only what is asked for is read. Raises ValueError, OSError."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._read_head(file)
            rows, dim = _unpack(file, "qq")
            if dim != self.dim or rows < len(self.words):
                raise ValueError(f"its matrix of {rows} × {dim} isn't one of {len(self.words)} words")
            start = file.tell()
        if path.stat().st_size < start + rows * dim * 4:
            raise ValueError("it ends early")
        self._matrix: NDArray[np.float32] = np.memmap(path, "<f4", "r", start, (rows, dim))
        if self._largest and rows < len(self.words) + self._buckets:
            raise ValueError(f"its matrix has {rows} rows for {len(self.words)} words and {self._buckets} pieces")

    def vector(self, word: str) -> NDArray[np.float32] | None:
        """Return the mean of the word's own row, if it is known, and those of its pieces."""
        own = self.words.get(word)
        rows = [] if own is None else [own]
        rows += [len(self.words) + _hash(piece) % self._buckets for piece in self._pieces(word)]
        if not rows:
            return None
        return np.asarray(self._matrix[rows].astype(np.float64).mean(axis=0), np.float32)

    def _read_head(self, file: BinaryIO) -> None:
        magic, version = _unpack(file, "ii")
        if magic != _MAGIC or version not in _VERSIONS:
            raise ValueError("it isn't fastText's binary format (word2vec's .bin isn't either: convert it to .vec)")
        self.dim, *_ignored, model, self._buckets, self._least, self._largest, _unused = _unpack(file, "12i")[:12]
        _unpack(file, "d")
        if version == _VERSIONS[0] and model == _SUPERVISED:
            self._largest = 0
        size, words, _labels, tokens, pruned = _unpack(file, "iiiqq")
        if pruned >= 0:
            raise ValueError("it is quantised (.ftz); take the .bin it was made from")
        if not (
            0 < self.dim <= _MOST_NUMBERS
            and 0 <= words <= size <= _MOST_WORDS
            and (self._buckets > 0 or not self._largest)
        ):
            raise ValueError("its header is damaged")
        self.words: dict[str, int] = {}
        counts = np.zeros(words, np.float64)
        for row in range(size):
            word = _read_word(file)
            count, kind = _unpack(file, "qb")
            if kind == 0:  # 1 is a label
                self.words[word.decode("utf-8", "replace")] = row
                counts[row] = count
        if len(self.words) != words:
            raise ValueError("its list of words is damaged")
        self.shares = counts / max(tokens, 1)
        if _unpack(file, "?")[0]:
            raise ValueError("it is quantised (.ftz); take the .bin it was made from")

    def _pieces(self, word: str) -> list[bytes]:
        """Return the pieces of `least` to `largest` letters of the word between < and >, as fastText cuts them."""
        if not self._largest or word == _END:
            return []
        padded = f"<{word}>"
        return [
            padded[start : start + length].encode()
            for start in range(len(padded))
            for length in range(self._least, min(self._largest, len(padded) - start) + 1)
            if not (length == 1 and (start == 0 or start + length == len(padded)))
        ]


class TextFile:
    """Word vectors as text: a line with count and dimension, then a word and its numbers on each. Raises ValueError, OSError."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            head = file.readline(100).split()
            if len(head) != 2 or not all(number.isdigit() for number in head):
                raise ValueError("its first line isn't the number of words and of numbers a word")
            count, self.dim = map(int, head)
            if (
                not (0 < count <= _MOST_WORDS and 0 < self.dim <= _MOST_NUMBERS)
                or count * self.dim * 2 > path.stat().st_size
            ):
                raise ValueError(f"it isn't long enough for {count} words of {self.dim} numbers")
            self._matrix = np.zeros((count, self.dim), np.float32)
            self.words: dict[str, int] = {}
            for row, line in enumerate(file):
                word, *numbers = line.rstrip(b"\r\n ").rsplit(b" ", self.dim)
                if row >= count or len(numbers) != self.dim:
                    raise ValueError(f"line {row + 2} isn't a word with {self.dim} numbers")
                self._matrix[row] = np.array(numbers, np.float32)
                self.words.setdefault(word.decode("utf-8", "replace"), row)
        if row + 1 != count or not np.isfinite(self._matrix).all():
            raise ValueError(f"it has {row + 1} words that are numbers of the {count} it names")
        ranks = np.arange(1, count + 1)
        self.shares = 1.0 / (ranks * np.sum(1.0 / ranks))

    def vector(self, word: str) -> NDArray[np.float32] | None:
        """Return the word's row; None for an unknown one."""
        row = self.words.get(word)
        return None if row is None else self._matrix[row]


_READERS: dict[str, Callable[[Path], WordVectors]] = {".bin": BinaryFile, ".vec": TextFile, ".tar": NavecFile}


def _parse(name: str) -> tuple[Path, str]:
    """Read `fasttext:PATH[?weights=sif|uniform|index]`, or the same with `navec:`."""
    match = re.fullmatch(rf"(?:{'|'.join(FAMILIES)}):(?P<path>.+?)(?:\?weights=(?P<weights>sif|uniform|index))?", name)
    path = user_path(match["path"]) if match else None
    if path is not None and path.suffix in _PICKLES:
        raise EncoderUnavailable(
            _(
                "{path} is gensim's, which is a pickle and would run what is in it; write its vectors as text, "
                "where gensim is: KeyedVectors.load('{name}').save_word2vec_format('{stem}.vec')"
            ).format(path=path, name=path.name, stem=path.stem)
        )
    if match is None or path is None or path.suffix not in _READERS:
        raise EncoderUnavailable(
            _(
                "can't read the encoder '{name}'; write fasttext:PATH with a .bin or .vec file, or navec:PATH "
                "with its .tar, and ?weights=uniform after it if frequent words shall count like others, or "
                "?weights=index if they shall count by how frequent they are in the index (quantised .ftz files "
                "aren't read)"
            ).format(name=name)
        )
    return path, match["weights"] or "sif"


def _unpack(file: BinaryIO, form: str) -> tuple[int, ...]:
    size = struct.calcsize(f"<{form}")
    return struct.unpack(f"<{form}", file.read(size))


def _read_word(file: BinaryIO) -> bytes:
    word = bytearray()
    while (octet := file.read(1)) != b"\0":
        if not octet or len(word) > _LONGEST_WORD:
            raise ValueError("its list of words is damaged")
        word += octet
    return bytes(word)


def _hash(piece: bytes) -> int:
    """FNV-1a of 32 bits, with octets taken as signed numbers, as fastText does."""
    value = 2_166_136_261
    for octet in piece:
        value = ((value ^ (octet if octet < 128 else octet | 0xFFFFFF00)) * 16_777_619) & 0xFFFFFFFF
    return value


def _fingerprint(path: Path) -> str:
    """Hash a file's size and blocks from all over it."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for start in sorted({size * number // _SAMPLES for number in range(_SAMPLES)}):
            file.seek(start)
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
