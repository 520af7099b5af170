"""Files that are one document: what a reader of them is given and returns, and how it's kept within its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from searchctl.sources.encodings import detect
from searchctl.sources.formats import Format, formats
from searchctl.sources.model import Limits, Unreadable
from searchctl.text.cleaning import clean
from searchctl.text.sections import Section
from searchctl.translation import _
from searchctl.types import Value

BINARY = "this isn't text: it has bytes that no text has; rename it, or leave it out with --exclude"


@dataclass(frozen=True, slots=True)
class PageInput:
    """A whole file. `encoding` is None unless the user said it, `name` is the file's without its ending."""

    format: Format
    data: bytes
    encoding: str | None = None
    boilerplate: bool = False
    limits: Limits = Limits()
    name: str = ""

    def text(self) -> str:
        """Return the file as text; raises Unreadable where it is none."""
        encoding = self.encoding or detect(self.data)
        if encoding is None:
            raise Unreadable(BINARY)
        return self.data.decode(encoding, "replace")


@dataclass(frozen=True, slots=True)
class Page:
    """A whole file's content. An empty title is unknown; `damage` says what of the file couldn't be read.

    With `sections` the text is clean, so that their places stay true. `remarks` say what was left out.
    """

    text: str
    title: str = ""
    fields: Mapping[str, Value] = field(default_factory=dict)
    damage: str = ""
    sections: tuple[Section, ...] = ()
    remarks: tuple[str, ...] = ()


PageReader: TypeAlias = Callable[[PageInput], Page]


class PageText:
    """A page's text in the making: blocks with blank lines between them, and the sections that they begin.

    No more than `limit` characters are taken; raises Unreadable beyond.
    """

    def __init__(self, limit: int) -> None:
        self._blocks: list[str] = []
        self._sections: list[Section] = []
        self._length = 0
        self._left = limit

    def begin_section(self, heading: str = "", *, line: int | None = None, page: int | None = None) -> None:
        """Let a section begin with the next block."""
        section = Section(self._next, clean(heading).replace("\n", " "), line, page)
        if self._sections and self._sections[-1].start == section.start and not self._sections[-1].heading:
            self._sections.pop()
        self._sections.append(section)

    @property
    def _next(self) -> int:
        return self._length + 2 if self._blocks else 0

    def add(self, block: str) -> None:
        """Add a block, cleaned; one without text is nothing. Raises Unreadable beyond the limit."""
        self._left -= len(block)
        if self._left < 0:
            raise Unreadable(_("the file unpacks to more text than may be read at once; split it"))
        block = clean(block)
        if block:
            self._length = self._next + len(block)
            self._blocks.append(block)

    def text(self) -> str:
        """Return the blocks as one text."""
        return "\n\n".join(self._blocks)

    def sections(self) -> tuple[Section, ...]:
        """Return the sections that have text."""
        return tuple(section for section in self._sections if section.start < self._length)


def read_here(given: PageInput) -> Page:
    """Read a whole file in this process; raises Unreadable."""
    reader: PageReader = formats()[given.format].load()
    try:
        return reader(given)
    except RecursionError as error:
        raise Unreadable(_("its parts are nested deeper than any document's for readers")) from error
