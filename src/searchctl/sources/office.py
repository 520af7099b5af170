"""PDF and Word files to text. Both come from strangers, so every size is limited before it is unpacked."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError

from searchctl.sources.model import Unreadable, size_of
from searchctl.sources.texts import Page

if TYPE_CHECKING:
    from pypdf import PdfReader

_HYPHENATION = re.compile(r"(?<=[^\W\d_])[-\u2010]\n(?=[^\W\d_])(?=\w*[a-zа-яё])")
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # says again what stands before it
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_BODY = "word/document.xml"


def pdf(data: bytes, limit: int) -> Page:
    """Return a PDF's text and title, `limit` characters at most; raises Unreadable. Pages that fail are named in `damage`."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every oddity of a file, page by page
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable(
                "the PDF needs a password; store a copy without one: qpdf --decrypt --password=… in.pdf out.pdf"
            )
        title = str((reader.metadata and reader.metadata.title) or "").strip()
        texts, failed = _pages(reader, limit)
    except Unreadable:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged PDF can raise nearly anything
        raise Unreadable(f"broken PDF: {error or type(error).__name__}") from error
    text = _HYPHENATION.sub("", "\n".join(texts))
    if not text.strip():
        told = (
            "none of its pages can be read"
            if failed
            else "its pages are pictures; recognise them first: ocrmypdf in.pdf out.pdf"
        )
        raise Unreadable(f"the PDF has no text: {told}")
    damage = f"pages that can't be read: {', '.join(map(str, failed))}; the others are stored" if failed else ""
    return Page(text, title, damage=damage)


def _pages(reader: PdfReader, limit: int) -> tuple[list[str], list[int]]:
    texts: list[str] = []
    failed: list[int] = []
    for number, page in enumerate(reader.pages, 1):
        try:
            texts.append(page.extract_text())
        except Exception:  # noqa: BLE001 - one bad page mustn't lose the others
            failed.append(number)
        if sum(map(len, texts[-1:])) > limit:
            raise Unreadable(f"page {number} has more than {size_of(limit)} of text")
        limit -= sum(map(len, texts[-1:]))
    return texts, failed


def docx(data: bytes, limit: int) -> Page:
    """Return a Word file's text and title; raises Unreadable, also when its parts unpack to more than `limit` bytes."""
    if data.startswith(_OLD_OFFICE):
        raise Unreadable("the file has a password or is an old .doc; save it as .docx without one")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            body = _part(parts, _BODY, limit)
            if body is None:
                raise Unreadable(f"the file has no {_BODY}, so it isn't a Word file")
            styles, core = _part(parts, "word/styles.xml", limit), _part(parts, "docProps/core.xml", limit)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise Unreadable(f"broken DOCX: {error}") from error
    title = (core.findtext(_TITLE) or "").strip() if core is not None else ""
    blocks = list(_blocks(body, _heading_styles(styles)))
    heading = next((text for text, is_heading in blocks if is_heading), "")
    return Page("\n\n".join(text for text, _ in blocks), title or heading)


def _part(parts: zipfile.ZipFile, name: str, limit: int) -> Element | None:
    """Return one part's XML. Entities are refused, and no more is unpacked than the part says it has."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if name not in parts.NameToInfo:
        return None
    if parts.getinfo(name).file_size > limit:
        raise Unreadable(f"{name} unpacks to more than {size_of(limit)}; split the file")
    try:
        root: Element = fromstring(parts.read(name), forbid_dtd=True)
    except ParseError as error:
        raise Unreadable(f"broken DOCX: {name}: {error}") from error
    except DefusedXmlException as error:
        raise Unreadable(f"{name} declares entities, which no Word file does; it isn't read") from error
    return root


def _heading_styles(styles: Element | None) -> set[str]:
    """Return the ids of heading and title styles; the names are the same in every language of Word, the ids aren't."""
    found = set()
    for style in styles.iter(f"{_W}style") if styles is not None else ():
        name = style.find(f"{_W}name")
        if name is not None and name.get(f"{_W}val", "").lower().startswith(("heading", "title")):
            found.add(style.get(f"{_W}styleId", ""))
    return found


def _blocks(body: Element, headings: set[str]) -> Iterator[tuple[str, bool]]:
    """Yield paragraphs and whole tables in order, and whether each is a heading. Depth is Word's, so a stack will do."""
    stack = [body]
    while stack:
        element = stack.pop()
        if element.tag == f"{_W}p":
            text = _words(element).strip()
            style = element.find(f"{_W}pPr/{_W}pStyle")
            if text:
                yield text, style is not None and style.get(f"{_W}val", "") in headings
        elif element.tag == f"{_W}tbl":
            rows = (_row(row) for row in element.iter(f"{_W}tr"))
            if text := "\n".join(row for row in rows if row):
                yield text, False
        else:
            stack.extend(reversed(element))


def _row(row: Element) -> str:
    cells = (
        " ".join(text for one in cell.iter(f"{_W}p") if (text := _words(one).strip()))
        for cell in row.findall(f"{_W}tc")
    )
    return " | ".join(cell for cell in cells if cell)


def _words(paragraph: Element) -> str:
    signs = {f"{_W}tab": " ", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
    repeated = {id(one) for fallback in paragraph.iter(_FALLBACK) for one in fallback.iter()}
    return "".join(
        (one.text or "") if one.tag == f"{_W}t" else signs.get(one.tag, "")
        for one in paragraph.iter()
        if id(one) not in repeated
    )
