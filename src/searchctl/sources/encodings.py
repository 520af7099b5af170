"""Which encoding a file's bytes are in, or that they aren't text at all."""

from __future__ import annotations

import codecs

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def detect(data: bytes, *, complete: bool = True) -> str | None:
    """Return the encoding of a text's bytes, None for what isn't text. `complete` is False for the head of a longer file."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=complete)
    except UnicodeDecodeError:
        return None
    return None if b"\0" in data else "utf-8"
