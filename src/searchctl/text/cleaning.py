"""Text as it is stored: one form for each letter, no invisible characters, no layout but lines and paragraphs."""

from __future__ import annotations

import re
import unicodedata

from searchctl.notation import without_halves

_VOWELS = "аеёиоуыэюяАЕЁИОУЫЭЮЯіїєІЇЄ"
_INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
_CONTROL = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufffe\uffff"
_SPACE = "\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # white space beyond ASCII
_JOINERS = "\u200c\u200d"  # spelling in Persian or Hindi and between emoji; leftovers of layout after these letters:
_PLAIN_LETTERS = "\x00-\u052f"
_LIGATURES = "\ufb00-\ufb06"  # signs of printing, which PDFs leave in words

# What no clean text has; without any of it a text is only compared with its normal form.
_UNCLEAN = re.compile(
    rf"[{_LIGATURES}\t\v\f\r\x1c-\x1f\x85{_SPACE}{_INVISIBLE}{_CONTROL}\u0301{_JOINERS}\ud800-\udfff]"
)
_STRESS = re.compile(rf"(?<=[{_VOWELS}])(\u0308?)\u0301")
_HYPHENATION = re.compile(r"\u00ad[^\S\n]*\n[^\S\n]*")
_DROPPED = re.compile(rf"[{_INVISIBLE}{_CONTROL}]|(?<=[{_PLAIN_LETTERS}])[{_JOINERS}]+")
_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x85\u2028]")
_LIGATURE = re.compile(f"[{_LIGATURES}]")
_SPACES = re.compile(r"[^\S\n]+")
_EDGES = re.compile(r" ?\n ?")
_GAPS = re.compile(r"\n{3,}")


def clean(text: str) -> str:
    """Return the text in the form it is stored in; cleaning twice changes nothing.

    Letters are composed (NFC), Latin ligatures become their letters, control and zero-width characters go, words parted by
    soft hyphens are joined, Russian stress marks go (й and ё stay). White space becomes one space, one line end, or one
    blank line between paragraphs.
    """
    if _UNCLEAN.search(text) or _is_untidy(text):
        text = _cleaned(text)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def _is_untidy(text: str) -> bool:
    """Tell whether blanks or line ends stand together, or at an end; one by one, which is quicker than a pattern or a loop."""
    return (
        "  " in text or " \n" in text or "\n " in text or "\n\n\n" in text or text[:1].isspace() or text[-1:].isspace()
    )


def _cleaned(text: str) -> str:
    text = _STRESS.sub(r"\1", text)
    text = _DROPPED.sub("", _HYPHENATION.sub("", text))
    text = without_halves(_LIGATURE.sub(lambda sign: unicodedata.normalize("NFKC", sign.group()), text))
    text = _LINE_ENDS.sub("\n", text).replace("\u2029", "\n\n")
    text = _EDGES.sub("\n", _SPACES.sub(" ", text))
    return _GAPS.sub("\n\n", text).strip()
