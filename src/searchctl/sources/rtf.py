"""RTF to text, by striprtf: it knows the code pages that Word and WordPad write."""

from __future__ import annotations

import re
from typing import Any

from searchctl.sources.model import Unreadable
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.sources.texts import without_hyphenation
from searchctl.translation import _

_TITLE = re.compile(rb"\{\\title\s+([^{}]*)\}")
_HIDDEN = re.compile(r"\x00")


def rtf(given: PageInput) -> Page:
    """Read an RTF file; raises Unreadable."""
    from striprtf import striprtf

    rtf_to_text: Any = striprtf.rtf_to_text  # it has no types
    if not given.data.lstrip().startswith(b"{\\rtf"):
        raise Unreadable(_("the file doesn't begin with {\\rtf, so it isn't RTF"))
    # RTF is ASCII; a program that writes other bytes means its code page, which Latin-1 hands through.
    source = given.data.decode("latin-1")
    try:
        words = rtf_to_text(source, errors="replace")
    except (LookupError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise Unreadable(_("broken RTF: {error}").format(error=error)) from error
    title = _TITLE.search(given.data)
    text = PageText(given.limits.file)
    for block in re.split(r"\n{2,}", without_hyphenation(_HIDDEN.sub("", words))):
        text.add(block)
    stated = rtf_to_text(f"{{\\rtf1{_codepage(source)} {title.group(1).decode('latin-1')}}}").strip() if title else ""
    return Page(text.text(), stated)


def _codepage(source: str) -> str:
    declared = re.search(r"\\ansicpg\d+", source[:1000])
    return declared.group() if declared else ""
