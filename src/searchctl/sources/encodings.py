"""Which encoding a file's bytes are in, or that they aren't text at all."""

from __future__ import annotations

import codecs
import re

from searchctl.sources.cyrillic import ENCODINGS as CYRILLIC
from searchctl.sources.cyrillic import best_encoding
from searchctl.sources.western import ENCODING, western_encoding

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROL = 0.005  # of a text's bytes; packed data has about 10 %
_FEW = 2  # stray control characters in a small text
_WIDE_ROWS = b"\x00\x04\x20"  # Latin, Cyrillic, punctuation: the high bytes of nearly all UTF-16 here
_SAMPLE = 1 << 14
_ENOUGH_TO_TELL = 8  # letters
_LABELS = {  # as browsers read them: https://encoding.spec.whatwg.org/#names-and-labels
    **dict.fromkeys(
        (
            "iso-8859-1",
            "iso8859-1",
            "iso_8859-1",
            "latin1",
            "latin-1",
            "l1",
            "ascii",
            "us-ascii",
            "ansi",
            "windows1252",
        ),
        "cp1252",
    ),
    **dict.fromkeys(("windows1251", "win-1251", "win1251", "cp-1251", "x-cp1251", "windows-cp1251"), "cp1251"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("iso-8859-11", "tis-620"), "cp874"),
    **dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "x-gbk"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "korean"), "cp949"),
    "big5": "big5hkscs",
    "koi8": "koi8-r",
}
_SAMPLE_LINES = 200


def detect(data: bytes, *, complete: bool = True) -> str | None:
    """Return the encoding of a text's bytes, None for what isn't text. `complete` is False for the head of a longer file.

    UTF-8 may have a few damaged letters; decode with errors="replace".
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    if wide := _wide(data):
        return wide
    control = len(_CONTROL.findall(data))
    if control > max(len(data) * _MOST_CONTROL, _FEW):
        return None
    if _is_utf8(data, complete):
        return "utf-8"
    if b"\0" in data:
        return None
    return western_encoding(data) or best_encoding(data) or _other(data)


def declared_encoding(data: bytes, name: str) -> str | None:
    """Return the encoding of a page's bytes that declare this one, as a browser reads the name; None where that is a lie.

    Latin-1 stands for Windows-1252. A page in Cyrillic or Latin letters that declares the other is believed its letters.
    """
    label = name.strip().lower()
    label = _LABELS.get(label, label)
    try:
        encoding = codecs.lookup(label).name
        text = data.decode(encoding)
    except (LookupError, ValueError):
        return None
    if encoding not in CYRILLIC and encoding != ENCODING:
        return encoding
    if western := western_encoding(data):
        return western
    cyrillic = best_encoding(data)
    return cyrillic if cyrillic is not None and _letters_beyond_ascii(text) >= _ENOUGH_TO_TELL else encoding


def _letters_beyond_ascii(text: str) -> int:
    return sum(char > "\x7f" and char.isalpha() for char in text[:_SAMPLE])


def detect_lines(head: bytes) -> str | None:
    """Return the encoding of a file of lines by its head: that of most lines, where some are in another."""
    detected = detect(head, complete=False)
    if detected is None or detected.startswith("utf"):
        return detected
    lines = [line for line in head.splitlines()[:_SAMPLE_LINES] if not line.isascii()]
    return "utf-8" if sum(map(_is_strict_utf8, lines)) * 2 >= len(lines) > 0 else detected


def _is_strict_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _wide(data: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark. A letter's high byte is 0 or 4, which no other text has."""
    sample = data[: _SAMPLE & ~1]
    for encoding, high, low in (("utf-16-le", sample[1::2], sample[0::2]), ("utf-16-be", sample[0::2], sample[1::2])):
        known = sum(high.count(row) for row in _WIDE_ROWS)
        marked = high.count(0) + high.count(4)
        if high and known > 0.9 * len(high) and marked > 0.7 * len(high) and low.count(0) < 0.02 * len(low) + 1:
            return encoding
    return None


def _is_utf8(data: bytes, complete: bool) -> bool:
    """Tell whether the bytes are UTF-8, apart from a few: one bad place among four good letters beyond ASCII is damage."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=complete)
    except UnicodeDecodeError:
        text = data[:_SAMPLE].decode("utf-8", "replace")
        damaged = text.count("\ufffd")
        return sum(char > "\x7f" for char in text) >= 5 * damaged
    return True


def _other(data: bytes) -> str | None:
    """Return what charset-normalizer takes the bytes for: the encodings of other languages."""
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SAMPLE], cp_exclusion=["utf_16", "utf_32", "utf_7"]).best()
    return best.encoding if best else None
