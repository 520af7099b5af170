"""How much of a text an encoder can't read: letters that its vocabulary lacks, or knows only one by one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from searchctl.text.folding import is_unspaced

UNREADABLE = 0.5  # share of unread letters from which on a vector says nothing of the text
UNKNOWN_TOKENS = ("<unk>", "[UNK]", "<UNK>", "|UNK|")
_BEGINNING = 1000  # characters of a document that tell its script
_WORD = re.compile(r"[^\W\d_]{3,}")


@runtime_checkable
class KnowsUnread(Protocol):
    """An encoder that tells how much of a text it can't read."""

    def unread_shares(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the share in [0, 1] of its letters that the encoder can't read; see `unread_share`."""


def unread_share(text: str, ids: Sequence[int], offsets: Sequence[tuple[int, int]], unknown: int | None) -> float:
    """Return the share in [0, 1] of a text's letters that stand in unknown tokens, or alone in the midst of a word.

    `ids` and `offsets` are of its tokens, places in code points. A word that comes out letter by letter was never learnt. In
    scripts without blanks letters may well be tokens, so there it counts what is unknown or in pieces smaller than a letter.
    """
    letters = sum(map(str.isalpha, text))
    if not letters:
        return 0.0
    inside = {place for word in _WORD.finditer(text) for place in range(*word.span())}
    pieces: dict[int, int] = {}
    unread: set[int] = set()
    for id, (start, end) in zip(ids, offsets, strict=True):
        places = [place for place in range(start, end) if text[place].isalpha()]
        if id == unknown:
            unread.update(places)
        elif len(places) == 1:
            pieces[places[0]] = pieces.get(places[0], 0) + 1
    unread.update(
        place for place, count in pieces.items() if count > 1 or (place in inside and not is_unspaced(text[place]))
    )
    return len(unread) / letters


@dataclass(slots=True)
class UnreadMeter:
    """Counts the texts of a load of which an encoder can't read most: they are found by their words alone."""

    encoder: object
    texts: int = 0
    unread: int = 0

    def add(self, texts: Sequence[str]) -> None:
        """Take in texts, by their beginnings."""
        shares = unread_shares(self.encoder, [text[:_BEGINNING] for text in texts])
        self.texts += len(shares)
        self.unread += sum(share > UNREADABLE for share in shares)

    def remark(self) -> str | None:
        """Return a sentence about what can't be read, None where all can."""
        if not self.unread:
            return None
        return (
            f"{self.unread:,} of {self.texts:,} encoded documents are in a script or language that the encoder "
            f"{getattr(self.encoder, 'name', '')} can't read: they are found by their words alone; "
            "a multilingual encoder reads them: --encoder NAME"
        )


def unread_shares(encoder: object, texts: Sequence[str]) -> list[float]:
    """Return how much of each text an encoder can't read; 0 for one that doesn't tell."""
    return encoder.unread_shares(texts) if isinstance(encoder, KnowsUnread) and texts else [0.0] * len(texts)
