"""A file format: subtitles (.srt), of which the spoken text is kept."""

from __future__ import annotations

import re

from searchctl.sources.formats import FileFormat
from searchctl.sources.model import Unreadable
from searchctl.sources.pages import Page, PageInput

_TIMES = re.compile(r"^\d\d:\d\d:\d\d[,.]\d{3} --> .*$")
_TAG = re.compile(r"</?[biu]>|</?font[^>]{0,200}>")


def read_srt(given: PageInput) -> Page:
    """Return what is said; raises Unreadable for a file without times."""
    lines = given.text().splitlines()
    if not any(map(_TIMES.match, lines)):
        raise Unreadable("no subtitles: there is no line like 00:00:01,000 --> 00:00:02,500")
    spoken = [_TAG.sub("", line) for line in lines if not line.strip().isdigit() and not _TIMES.match(line)]
    return Page(" ".join(filter(None, (line.strip() for line in spoken))))


SRT = FileFormat("srt", (".srt",), read_srt, text=True)
