"""What people read passes through gettext, in the domain `searchctl`; English is what stands in the source.

A message with values in it is a template, so that a catalogue can hold it: `_("no index '{name}'").format(name=name)`. A text that is
translated later, where it's printed, is marked by `marked`. Machines' words (keys of JSON, columns, names of fields) aren't messages.
Catalogues lie in `locale/` and are read when the first message in another language is needed.
"""

from __future__ import annotations

import gettext
import os
import string
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

DOMAIN = "searchctl"
LOCALES = Path(__file__).parent / "locale"
LANGUAGES = ("en", "ru")
VARIABLE = "SEARCHCTL_LANG"
_THOUSANDS = "\u00a0"  # between groups of three digits: a blank that no line is broken at

_language = LANGUAGES[0]


def use_language(language: str) -> None:
    """Have all messages from now on in a language of `LANGUAGES`. Raises ValueError for another."""
    global _language
    if language not in LANGUAGES:
        raise ValueError(f"no language '{language}'; there is {', '.join(LANGUAGES)}")
    _language = language


def language_in_use() -> str:
    """Return the language of messages, one of `LANGUAGES`."""
    return _language


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language that the environment asks for: SEARCHCTL_LANG, then as gettext does; English where it's none of ours."""
    places = [environment[name] for name in (VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)]
    if not places or _code(places[0]) in ("c", "posix"):
        return LANGUAGES[0]
    wanted = places[:1] if environment.get(VARIABLE) else [*environment.get("LANGUAGE", "").split(":"), places[0]]
    return next((code for code in map(_code, wanted) if code in LANGUAGES), LANGUAGES[0])


def _code(locale: str) -> str:
    return locale.replace("-", "_").partition("_")[0].partition(".")[0].partition("@")[0].lower()


def _(message: str) -> str:
    """Return a message in the language in use; itself where the catalogue doesn't have it."""
    if _language == "en" or not message:
        return message
    return _Template(_catalogue(_language).gettext(message))


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form of a message that goes with a number."""
    if _language == "en":
        return singular if number == 1 else plural
    return _Template(_catalogue(_language).ngettext(singular, plural, number))


def marked(message: str) -> str:
    """Return a message as it is: the catalogue holds it, and `_` translates it where it's printed."""
    return message


def number(value: float, form: str = ",") -> str:
    """Return a number as people write it in the language in use, in one of Python's formats: `1,204` or `1 204`."""
    text = format(value, form)
    return text if _language == "en" else text.translate(_MARKS)


_MARKS = str.maketrans({",": _THOUSANDS, ".": ","})


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALES, [language], fallback=True)


class _Template(str):
    """A translated message; numbers that are put into it are written as its language does."""

    __slots__ = ()

    def format(self, *args: object, **values: object) -> str:
        return _FORMATTER.vformat(self, args, values)


class _Formatter(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, int | float) and format_spec:
            return number(value, format_spec)
        return str(super().format_field(value, format_spec))


_FORMATTER = _Formatter()
