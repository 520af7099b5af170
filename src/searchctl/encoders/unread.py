"""How much of a text an encoder can't read: letters that its vocabulary lacks or knows only one by one, and scripts it wasn't made for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Protocol, runtime_checkable

from searchctl.models.catalogue import known_model
from searchctl.text.folding import is_unspaced
from searchctl.text.scripts import script_of

UNREADABLE = 0.5  # share of unread letters from which on a vector says nothing of the text
UNKNOWN_TOKENS = ("<unk>", "[UNK]", "<UNK>", "|UNK|")
_BEGINNING = 1000  # characters of a document that tell its script
_WORD = re.compile(r"[^\W\d_]{3,}")
_SCRIPTS = {  # of languages that the catalogue names; those of all others aren't known here
    "ar": {"ARABIC"},
    "ja": {"CJK", "HIRAGANA", "KATAKANA"},
    "ko": {"HANGUL"},
    "ru": {"CYRILLIC"},
    "th": {"THAI"},
    "zh": {"CJK"},
    **dict.fromkeys(("de", "en", "es", "fr", "it", "nl", "pl", "pt", "tr"), {"LATIN"}),
}


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


class UnreadMeter:
    """Counts the texts of which an encoder can't read most, or for whose script it wasn't made: they are found by their words alone."""

    def __init__(self, encoder: object) -> None:
        self.texts = self.unread = 0
        self._encoder = encoder
        self._languages = languages_of(encoder)
        self._scripts = scripts_of(self._languages)

    def add(self, texts: Sequence[str]) -> None:
        """Take in texts, by their beginnings."""
        beginnings = [text[:_BEGINNING] for text in texts]
        shares = unread_shares(self._encoder, beginnings)
        self.texts += len(texts)
        self.unread += sum(
            share > UNREADABLE or self._is_foreign(text) for text, share in zip(beginnings, shares, strict=True)
        )

    def remark(self) -> str | None:
        """Return a sentence about what can't be read, None where all can."""
        if not self.unread:
            return None
        made_for = f" (it is made for: {', '.join(self._languages)})" if self._scripts else ""
        return (
            f"{self.unread:,} of {self.texts:,} documents are in a script or language that the encoder "
            f"{getattr(self._encoder, 'name', '')} can't read{made_for}: they are found by their words alone; "
            "a multilingual encoder reads them: --encoder NAME (searchctl models list has their languages)"
        )

    def _is_foreign(self, text: str) -> bool:
        return bool(self._scripts) and script_of(text) not in {"", *self._scripts}


def languages_of(encoder: object) -> tuple[str, ...]:
    """Return what the catalogue says of an encoder's languages: codes, or how many; empty for one that isn't in it."""
    name = str(getattr(encoder, "name", ""))
    known = known_model(name) or known_model(PurePath(name).name)
    return known.languages if known else ()


def scripts_of(languages: Sequence[str]) -> frozenset[str]:
    """Return the scripts of languages, as `script_of` names them; empty where one of them isn't known here, and then all may be."""
    if not all(language in _SCRIPTS for language in languages):
        return frozenset()
    return frozenset(script for language in languages for script in _SCRIPTS[language])


def unread_shares(encoder: object, texts: Sequence[str]) -> list[float]:
    """Return how much of each text an encoder can't read; 0 for one that doesn't tell."""
    return encoder.unread_shares(texts) if isinstance(encoder, KnowsUnread) and texts else [0.0] * len(texts)
