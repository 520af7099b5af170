"""EPUB books to text: their pages in the order of reading, in sections by their headings."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from searchctl.sources.html import decode_html, page_paragraphs
from searchctl.sources.model import Unreadable
from searchctl.sources.package import Package, opened_package, parsed_xml
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.translation import _

_CONTAINER = "META-INF/container.xml"
_DC = "{http://purl.org/dc/elements/1.1/}"
_OPF = "{http://www.idpf.org/2007/opf}"
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def epub(given: PageInput) -> Page:
    """Read a book; raises Unreadable."""
    text = PageText(given.limits.file)
    remarks: list[str] = []
    with opened_package(given.data, given.limits.file, "EPUB") as package:
        title, names = _order(package)
        if "META-INF/encryption.xml" in package.names and not any(name in package.names for name in names):
            raise Unreadable(_("the book is protected against copying, so it can't be read"))
        for name in names:
            data = package.data(name)
            html = decode_html(data) if data is not None else None
            if html is None:
                remarks.append("a page of a book left out: it isn't there, or protected against copying")
                continue
            for words, is_heading in page_paragraphs(html):
                if is_heading:
                    text.begin_section(words)
                text.add(words)
    return Page(text.text(), title, sections=text.sections(), remarks=tuple(remarks))


def _order(package: Package) -> tuple[str, list[str]]:
    """Return a book's title and the names of its pages in the order of reading."""
    container = package.xml(_CONTAINER)
    root = (
        next((one.get("full-path") for one in container.iter() if one.get("full-path")), None)
        if container is not None
        else None
    )
    data = package.data(root) if root else None
    if root is None or data is None:
        raise Unreadable(_("the file doesn't say where its pages are, so it isn't an EPUB book"))
    opf = parsed_xml(data, root, "EPUB")
    folder = posixpath.dirname(root)
    items = {item.get("id"): item for item in opf.iter(f"{_OPF}item")}
    names: dict[str, None] = {}
    for reference in opf.iter(f"{_OPF}itemref"):
        item = items.get(reference.get("idref"))
        if item is not None and item.get("media-type") in _PAGES:
            names[posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))] = None
    return (opf.findtext(f".//{_DC}title") or "").strip(), list(names)
