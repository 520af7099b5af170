"""The parts of a document: under which heading, on which line or page a place in its text stands.

They're stored as one field of the document, a string each, so that every engine keeps them; hits don't show that field.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from searchctl.types import Value

_T = TypeVar("_T")
SECTIONS_FIELD = "_sections"
_MOST = 5000  # sections that are stored of a document
_LONGEST_HEADING = 200  # characters
_STORED = re.compile(r"(\d{1,9}) (\d{1,9}|-) (\d{1,9}|-) ?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document: it begins at code point `start` of the text and ends where the next one begins.

    `heading` is the words above it, empty before the first heading. `line` (of the source) and `page`, both from 1, are
    None where the format has none.
    """

    start: int
    heading: str = ""
    line: int | None = None
    page: int | None = None


def with_sections(fields: Mapping[str, Value], sections: Sequence[Section]) -> Mapping[str, Value]:
    """Return a document's fields with its sections in one of them."""
    if not sections:
        return fields
    stored = [
        f"{section.start} {section.line or '-'} {section.page or '-'} {section.heading[:_LONGEST_HEADING]}".rstrip()
        for section in sections[:_MOST]
    ]
    return {**fields, SECTIONS_FIELD: stored}


def shown_fields(fields: Mapping[str, _T]) -> Mapping[str, _T]:
    """Return fields, of a document or a schema, as their owner knows them."""
    return {name: value for name, value in fields.items() if name != SECTIONS_FIELD}


def section_at(fields: Mapping[str, Value], offset: int) -> Section | None:
    """Return the section in which code point `offset` of a document's text stands, None where nothing is known of it."""
    stored = fields.get(SECTIONS_FIELD)
    if not isinstance(stored, (list, tuple)):
        return None
    sections = [section for one in stored if (section := _read(str(one))) is not None]
    number = bisect.bisect_right([section.start for section in sections], offset)
    return sections[number - 1] if number else None


def _read(stored: str) -> Section | None:
    parts = _STORED.fullmatch(stored)
    if parts is None:
        return None
    start, line, page, heading = parts.groups()
    return Section(int(start), heading, None if line == "-" else int(line), None if page == "-" else int(page))
