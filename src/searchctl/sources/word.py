"""Word files to text: paragraphs, tables, text boxes, notes and headers, in sections by their headings.

Read here and not by python-docx: that one gives neither footnotes nor text boxes, doubles what was moved, and refuses
Strict Open XML; benchmarks/reading.py shows both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from searchctl.sources.model import Unreadable
from searchctl.sources.package import Package, opened_package
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.translation import _

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # says again what stands before it
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_BODY = "word/document.xml"
_STRICT = {  # the names that Strict Open XML has for the same things
    b"http://purl.oclc.org/ooxml/wordprocessingml/main": b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
}
_SIGNS = {
    **{f"{_W}tab": " ", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"},
    **{f"{_W}softHyphen": "\u00ad", f"{_W}ptab": " "},
}
_GONE = frozenset(f"{_W}{name}" for name in ("moveFrom", "del", "instrText", "delText", "pPr", "rPr", "sectPr"))
_BOX = f"{_W}txbxContent"
_NOTES = (("word/footnotes.xml", f"{_W}footnote"), ("word/endnotes.xml", f"{_W}endnote"))
_MARGINS = ("word/header", "word/footer")
_SEPARATORS = frozenset(("separator", "continuationSeparator", "continuationNotice"))


@dataclass(frozen=True, slots=True)
class _Block:
    text: str
    is_heading: bool = False


def docx(given: PageInput) -> Page:
    """Read a Word file; raises Unreadable, also when its parts unpack to more than the limit for files.

    Notes, then the headers and footers that say something of their own, follow the text.
    """
    limit = given.limits.file
    with opened_package(given.data, limit, "DOCX") as package:
        body = package.xml(_BODY, _STRICT)
        if body is None:
            raise Unreadable(_("the file has no {BODY}, so it isn't a Word file").format(BODY=_BODY))
        headings = _heading_styles(package.xml("word/styles.xml", _STRICT))
        core = package.xml("docProps/core.xml")
        remarks = ("comments in the margin left out",) if "word/comments.xml" in package.names else ()
        blocks = list(_blocks(body, headings))
        blocks += _notes(package)
        blocks += _margins(package, {block.text for block in blocks})
    title = (core.findtext(_TITLE) or "").strip() if core is not None else ""
    text = PageText(limit)
    for block in blocks:
        if block.is_heading:
            text.begin_section(block.text)
        text.add(block.text)
    heading = next((block.text for block in blocks if block.is_heading), "")
    return Page(text.text(), title or heading, sections=text.sections(), remarks=remarks)


def _heading_styles(styles: Element | None) -> set[str]:
    """Return the ids of heading and title styles; the names are the same in every language of Word, the ids aren't."""
    found = set()
    for style in styles.iter(f"{_W}style") if styles is not None else ():
        name = style.find(f"{_W}name")
        if name is not None and name.get(f"{_W}val", "").lower().startswith(("heading", "title")):
            found.add(style.get(f"{_W}styleId", ""))
    return found


def _blocks(body: Element, headings: set[str]) -> Iterator[_Block]:
    """Yield paragraphs and whole tables in order. Depth is Word's, so a stack will do; each element is met once."""
    stack = [body]
    while stack:
        element = stack.pop()
        if element.tag == f"{_W}p":
            boxes: list[Element] = []
            text = _words(element, boxes).strip()
            if text:
                yield _Block(text, _is_heading(element, headings))
            stack.extend(reversed(boxes))
        elif element.tag == f"{_W}tbl":
            inner: list[Element] = []
            text = "\n".join(row for row in (_row(row, inner) for row in _direct(element, f"{_W}tr")) if row)
            if text:
                yield _Block(text)
            stack.extend(reversed(inner))
        elif element.tag not in _GONE and element.tag != _FALLBACK:
            stack.extend(reversed(element))


def _is_heading(paragraph: Element, headings: set[str]) -> bool:
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    return style is not None and style.get(f"{_W}val", "") in headings


def _direct(element: Element, tag: str) -> Iterator[Element]:
    """Yield the elements of a kind that belong to this one, also within controls and changes, not within tables in it."""
    stack = list(reversed(element))
    while stack:
        inner = stack.pop()
        if inner.tag == tag:
            yield inner
        elif inner.tag not in _GONE and inner.tag not in (f"{_W}tbl", f"{_W}tr", f"{_W}tc", _FALLBACK):
            stack.extend(reversed(inner))


def _row(row: Element, inner: list[Element]) -> str:
    """Return a row's cells; tables and text boxes within them are put in `inner`, to be read for themselves."""
    cells = []
    for cell in _direct(row, f"{_W}tc"):
        paragraphs = []
        stack = list(reversed(cell))
        while stack:
            element = stack.pop()
            if element.tag == f"{_W}p":
                paragraphs.append(_words(element, inner).strip())
            elif element.tag == f"{_W}tbl":
                inner.append(element)
            elif element.tag not in _GONE and element.tag != _FALLBACK:
                stack.extend(reversed(element))
        cells.append(" ".join(text for text in paragraphs if text))
    return " | ".join(cell for cell in cells if cell)


def _words(paragraph: Element, boxes: list[Element]) -> str:
    """Return a paragraph's words; text boxes in it are put in `boxes`. What was moved away or deleted isn't there."""
    parts: list[str] = []
    stack = list(reversed(paragraph))
    while stack:
        element = stack.pop()
        tag = element.tag
        if tag == f"{_W}t":
            parts.append(element.text or "")
        elif tag in _SIGNS:
            parts.append(_SIGNS[tag])
        elif tag == _BOX:
            boxes.append(element)
        elif tag not in _GONE and tag != _FALLBACK and not (tag == f"{_W}r" and _is_hidden(element)):
            stack.extend(reversed(element))
    return "".join(parts)


def _is_hidden(run: Element) -> bool:
    mark = run.find(f"{_W}rPr/{_W}vanish")
    return mark is not None and mark.get(f"{_W}val", "1") not in ("0", "false", "off")


def _notes(package: Package) -> Iterator[_Block]:
    for name, tag in _NOTES:
        root = package.xml(name, _STRICT)
        for note in root.iter(tag) if root is not None else ():
            if note.get(f"{_W}type") not in _SEPARATORS:
                yield from _blocks(note, set())


def _margins(package: Package, known: set[str]) -> Iterator[_Block]:
    """Yield headers and footers, each text once."""
    for name in sorted(package.names):
        if name.startswith(_MARGINS) and name.endswith(".xml") and (root := package.xml(name, _STRICT)) is not None:
            for block in _blocks(root, set()):
                if block.text not in known and any(char.isalpha() for char in block.text):
                    known.add(block.text)
                    yield block
