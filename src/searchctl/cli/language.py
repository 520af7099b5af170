"""The language of messages: `--lang`, else what the environment says. It's known before anything is parsed, for help and errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from searchctl.translation import LANGUAGES, _, language_of, ngettext, use_language

OPTION = "--lang"
_MODULES = ("core", "exceptions", "formatting", "parser", "termui", "types")  # of click, which have words of their own


def choose_language(args: Sequence[str]) -> None:
    """Use the language that was typed, else the environment's. A wrong one is left for the option itself to refuse."""
    words = list(args[: args.index("--")] if "--" in args else args)
    typed = [word.partition("=")[2] for word in words if word.startswith(f"{OPTION}=")]
    typed += [value for word, value in zip(words, words[1:], strict=False) if word == OPTION]
    use_language(next((value for value in typed if value in LANGUAGES), language_of()))


def translate_click() -> None:
    """Let click's own words pass through the catalogue too; its gettext looks at the process's environment only."""
    for name in _MODULES:
        module = sys.modules[f"{click.__name__}.{name}"]
        for function in (_, ngettext):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)


def translated(text: str) -> str:
    """Return a text of several paragraphs in the language in use; one that begins with click's mark for it is left as it is."""
    return "\n\n".join(_(one) if one[0] != "\b" else one for one in paragraphs_of(text))


def paragraphs_of(text: str) -> list[str]:
    """Return the paragraphs of a docstring, each on one line, so that other line breaks don't make another message."""
    blocks = (one.strip() for one in text.partition("\f")[0].split("\n\n"))
    return [one if one[0] == "\b" else " ".join(one.split()) for one in blocks if one]
