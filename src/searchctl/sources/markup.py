"""Fields that hold HTML: help desks and shops export the bodies of their texts as pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

_NAMES = (
    "p|div|span|br|b|i|em|strong|u|a|ul|ol|li|table|tbody|tr|td|th|h[1-6]|img|hr|blockquote|pre|code|section|article"
    "|font|center|html|body|style"
)
_TAG = re.compile(rf"</?(?:{_NAMES})(?:\s[^<>]{{0,2000}})?/?>", re.IGNORECASE)
_WHOLE = re.compile(rf"\s*(?:<!doctype\s|<!--|<(?:{_NAMES})[\s/>])", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:nbsp|amp|lt|gt|quot|laquo|raquo|mdash|ndash|hellip|#\d{2,5}|#x[0-9a-f]{2,5});", re.IGNORECASE
)
_CALLED_HTML = (".rendered", ".html", "_html")  # endings of names
_LOOKED_AT = 20_000  # characters of a value
_ENOUGH = 2  # values with markup that make a field one of HTML; one may be a text about HTML


class MarkupFields:
    """Which fields of a source hold HTML, by its first records, and their values as text."""

    def __init__(self) -> None:
        self._texts: Counter[str] = Counter()
        self._marked: Counter[str] = Counter()

    def learn(self, record: Mapping[str, Any]) -> None:
        """Look at one record."""
        for name, value in record.items():
            if isinstance(value, str) and value:
                self._texts[name] += 1
                self._marked[name] += _has_markup(value[:_LOOKED_AT])

    def read(self, name: str, text: str) -> str:
        """Return a field's text: HTML as a reader reads it, all else as it is.

        HTML is a value that is markup from its first to its last character, and each value with tags or entities in a
        field of which most of the first values had tags, or whose name says so.
        """
        if "<" not in text and "&" not in text:
            return text
        usual = name.lower().endswith(_CALLED_HTML) or (
            self._marked[name] >= _ENOUGH and self._marked[name] * 2 >= self._texts[name]
        )
        start = text[:_LOOKED_AT]
        whole = _WHOLE.match(start) and text.rstrip().endswith(">")
        if not whole and not (usual and (_TAG.search(start) or _ENTITY.search(start))):
            return text
        from searchctl.sources.apart import read_page
        from searchctl.sources.pages import PageInput

        return read_page(PageInput("html", text.encode("utf-8", "replace"), "utf-8")).text


def _has_markup(text: str) -> bool:
    return _TAG.search(text) is not None
