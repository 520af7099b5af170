"""Texts are cut into passages an encoder can read: whole sentences, greedily filled, with whole sentences as overlap."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from searchctl.text.sentences import CLOSE, PARAGRAPH, PLAIN, sentences, split
from searchctl.types import Passage

__all__ = ["CountTokens", "cut", "cut_many", "sentences"]

CountTokens: TypeAlias = Callable[[Sequence[str]], list[int]]

_INSIDE = -1  # the border before a piece of a sentence that was too long
_CALL_CHARACTERS = 1 << 20  # of text in one call of the tokenizer: its working memory is many times that
_PIECES = 4  # a sentence that is too long is tried in pieces of about size / 4 tokens
_LONGEST_PIECE = 4  # code points per token of `size` beyond which a text isn't counted before it is split
_CLAUSE = re.compile(r"[,;:—–)»”]\s")
_WORTH = {_INSIDE: -0.3, CLOSE: -0.4, PLAIN: 0.0, PARAGRAPH: 0.25}  # a border's strength, in parts of a full passage
_TINY = 0.25  # a last passage with less new text than this part of `size` is evened out with the one before


class _Piece(NamedTuple):
    """A sentence, or a part of one that is too long; `border` is the strength of the border before it."""

    start: int
    end: int
    border: int
    tokens: int = -1  # not counted yet


def cut(text: str, count_tokens: CountTokens, *, size: int, overlap: int) -> tuple[Passage, ...]:
    """Cut one text; see `cut_many`."""
    return cut_many([text], count_tokens, size=size, overlap=overlap)[0]


def cut_many(texts: Sequence[str], count_tokens: CountTokens, *, size: int, overlap: int) -> list[tuple[Passage, ...]]:
    """Cut texts into passages of at most `size` tokens.

    Each shares whole sentences of at most `overlap` tokens with the one before. All texts are counted together, in few
    calls. Passages are in order, trimmed, and hold every character that isn't white space; an empty text has none. A text
    of at most `size` tokens is one passage, unless those tokens have more than eight letters on average. Tokens of
    neighbouring sentences are taken to add up. Only a single code point that counts more than `size` may exceed `size`.
    """
    whole = [_whole(text) for text in texts]
    short = [place for place, text in enumerate(texts) if whole[place] and len(text) <= size * _LONGEST_PIECE * 2]
    counts = dict(zip(short, _count([texts[place] for place in short], count_tokens), strict=True))
    long = [place for place in range(len(texts)) if whole[place] and counts.get(place, size + 1) > size]
    pieces = _counted([texts[place] for place in long], count_tokens, size)
    cuts = dict(zip(long, (_pack(one, size, overlap) for one in pieces), strict=True))
    return [cuts.get(place, whole[place]) for place in range(len(texts))]


def _whole(text: str) -> tuple[Passage, ...]:
    inner = text.strip()
    start = text.find(inner) if inner else 0
    return (Passage(start, start + len(inner)),) if inner else ()


def _count(texts: Sequence[str], count_tokens: CountTokens) -> list[int]:
    counts: list[int] = []
    begin = characters = 0
    for end, text in enumerate(texts):
        characters += len(text)
        if characters >= _CALL_CHARACTERS or end == len(texts) - 1:
            counts += count_tokens(texts[begin : end + 1])
            begin, characters = end + 1, 0
    return counts


# From texts to pieces that fit


def _counted(texts: Sequence[str], count_tokens: CountTokens, size: int) -> list[list[_Piece]]:
    """Return each text's pieces, none longer than `size` tokens. Pieces that turn out too long are split again."""
    longest = size * _LONGEST_PIECE
    pieces = [[piece for one in split(text) for piece in _parts(text, _Piece(*one), longest)] for text in texts]
    while waiting := [(owner, piece) for owner, own in enumerate(pieces) for piece in own if piece.tokens < 0]:
        counts = iter(_count([texts[owner][piece.start : piece.end] for owner, piece in waiting], count_tokens))
        pieces = [
            [new for piece in own for new in _refined(text, piece, counts, size)]
            for text, own in zip(texts, pieces, strict=True)
        ]
    return pieces


def _refined(text: str, piece: _Piece, counts: Iterator[int], size: int) -> list[_Piece]:
    """Return the piece with its count, or uncounted parts of it when it is too long."""
    if piece.tokens >= 0:
        return [piece]
    tokens, length = next(counts), piece.end - piece.start
    if tokens <= size or length == 1:
        return [piece._replace(tokens=tokens)]
    longest = min(length * size // (tokens * _PIECES), length // 2)
    return _parts(text, piece, max(longest, 1))


def _parts(text: str, piece: _Piece, longest: int) -> list[_Piece]:
    """Split a piece into parts of at most `longest` code points, at the last clause border in reach, else word border."""
    parts: list[_Piece] = []
    start, border = piece.start, piece.border
    while piece.end - start > longest:
        end = _break(text, start, start + longest)
        stop = end
        while text[stop - 1].isspace():
            stop -= 1
        parts.append(_Piece(start, stop, border))
        start, border = end, _INSIDE
        while text[start].isspace():
            start += 1
    return [*parts, _Piece(start, piece.end, border)]


def _break(text: str, start: int, limit: int) -> int:
    """Return where to end a part that may reach from `start`, which isn't a space, to `limit`."""
    clauses = [found.end() for found in _CLAUSE.finditer(text, start + (limit - start) // 2, limit)]
    if clauses:
        return clauses[-1]
    if text[limit].isspace():
        return limit
    return max(text.rfind(" ", start, limit), text.rfind("\n", start, limit)) + 1 or limit


# From pieces to passages


def _pack(pieces: Sequence[_Piece], size: int, overlap: int) -> tuple[Passage, ...]:
    """Fill passages with pieces: each ends at the border that is best worth its place, and the last isn't left tiny."""
    sums = [0, *accumulate(piece.tokens for piece in pieces)]
    total = len(pieces)
    spans: list[tuple[int, int]] = []  # of pieces
    start = 0
    while True:
        full = max(_fitting(sums, start, size), start + 1)
        if full >= total:
            spans.append((start, total))
            break
        end = _best_end(pieces, sums, start, full, size, spans)
        spans.append((start, end))
        start = _overlap_start(pieces, sums, start, end, size, overlap)
    if len(spans) > 1:
        spans[-2:] = _evened(pieces, sums, spans[-2], spans[-1], size, overlap)
    return tuple(Passage(pieces[first].start, pieces[last - 1].end) for first, last in spans)


def _fitting(sums: Sequence[int], start: int, size: int) -> int:
    """Return the end of the longest run of pieces from `start` that has at most `size` tokens."""
    end = bisect_left(sums, sums[start] + size + 1, start) - 1
    return min(end, len(sums) - 1)


def _best_end(
    pieces: Sequence[_Piece], sums: Sequence[int], start: int, full: int, size: int, spans: Sequence[tuple[int, int]]
) -> int:
    """Return the end, at most `full`, where fill and strength of the border together are highest; new text is a must."""
    first = max(start + 1, spans[-1][1] + 1 if spans else 0)
    lowest = bisect_left(sums, sums[start] + size // 2, first, full)
    return max(
        range(lowest, full + 1), key=lambda end: ((sums[end] - sums[start]) / size + _WORTH[pieces[end].border], end)
    )


def _overlap_start(pieces: Sequence[_Piece], sums: Sequence[int], start: int, end: int, size: int, overlap: int) -> int:
    """Return where the passage after [start, end) starts.

    Early enough to share whole sentences of at most `overlap` tokens, late enough to hold something new.
    """
    room = min(overlap, size - pieces[end].tokens)
    if pieces[end].border == _INSIDE:
        return end
    overlap_start = end
    for first in range(end - 1, start, -1):
        if sums[end] - sums[first] > room:
            break
        if pieces[first].border != _INSIDE:
            overlap_start = first
    return overlap_start


def _evened(
    pieces: Sequence[_Piece],
    sums: Sequence[int],
    before: tuple[int, int],
    last: tuple[int, int],
    size: int,
    overlap: int,
) -> list[tuple[int, int]]:
    """Join the last two passages if they fit into one; if the last is tiny, cut them where they are most alike in length."""
    start, total = before[0], last[1]
    if sums[total] - sums[start] <= size:
        return [(start, total)]
    if sums[total] - sums[before[1]] >= size * _TINY:
        return [before, last]
    choices: list[tuple[float, tuple[int, int], tuple[int, int]]] = []
    for end in range(start + 1, before[1] + 1):
        again = _overlap_start(pieces, sums, start, end, size, overlap)
        if sums[total] - sums[again] <= size:
            difference = abs((sums[end] - sums[start]) - (sums[total] - sums[again])) / size
            choices.append((_WORTH[pieces[end].border] - difference, (start, end), (again, total)))
    _, first, second = max(choices, default=(0.0, before, last))
    return [first, second]
