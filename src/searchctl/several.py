"""A single string where several are meant: one item, never its letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from searchctl.errors import UsageError
from searchctl.translation import _


def as_texts(texts: str | Iterable[str], what: str = "a text") -> list[str]:
    """Return texts as a list; a single string is one text. Raises UsageError for what isn't text, `what` being meant."""
    if isinstance(texts, str):
        return [texts]
    if isinstance(texts, (bytes, Mapping)) or not isinstance(texts, Iterable):
        raise UsageError(
            _("{what} is expected, or a list of them; found {name}").format(what=what, name=type(texts).__name__)
        )
    given = list(texts)
    for number, text in enumerate(given, 1):
        if not isinstance(text, str):
            raise UsageError(
                _("{what} is expected, and number {number} is {text!r}; give strings").format(
                    what=what, number=number, text=text
                )
            )
    return given
