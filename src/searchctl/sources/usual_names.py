"""The names that programs give to ids, titles and texts, by which a record is understood that nobody explained."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from searchctl.notation import parse_date

ID_NAMES = ("_id", "id")
TITLE_NAMES = ("title", "subject", "headline", "name", "summary", "заголовок", "название", "тема")
TEXT_NAMES = (
    *("text", "body", "content", "description", "desc", "message"),
    *("текст", "содержание", "описание", "сообщение"),
)
_LANGUAGE = re.compile(r"\.[a-z]{2}(?:[-_][A-Za-z]{2})?$")
_DRESSED = ("rendered", "raw", "value", "text", "plain", "plain_text", "html")  # a text beside what is said about it
_NO_WORDS = frozenset(
    "id _id uuid guid type kind object url uri href link self etag cursor color avatar icon locale lang format".split()
)  # what stands there in a record of objects is for programs


def first_of(candidates: Sequence[str], names: Mapping[str, str]) -> str | None:
    """Return the first of these names that a record has, as it is written there; `names` are by their small letters."""
    return next((names[name] for name in candidates if name in names), None)


def dressed(candidates: Sequence[str], usual: Mapping[str, str]) -> str | None:
    """Return the name of a text that stands in an object with what is said about it: `content.rendered`, `body.storage.value`."""
    for candidate in candidates:
        inner = [name for name in usual if name.startswith(f"{candidate}.") and name.count(".") <= 2]
        for ending in _DRESSED:
            if name := next((name for name in inner if name.endswith(f".{ending}")), None):
                return usual[name]
    return None


def translated(candidates: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of one text in several languages: `title.ru`, `title.en`."""
    for candidate in candidates:
        translations = tuple(
            name for name in names if name.lower().startswith(f"{candidate}.") and _LANGUAGE.search(name)
        )
        if translations:
            return translations
    return ()


def may_be_words(name: str, text: str) -> bool:
    """Tell whether the string of a program's record may be words for people, by the name of its field and its form."""
    return name.rpartition(".")[2].lower() not in _NO_WORDS and parse_date(text) is None
