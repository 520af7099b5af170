"""OpenDocument texts (LibreOffice Writer) to text, in sections by their headings."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from searchctl.sources.model import Unreadable
from searchctl.sources.package import check_archive
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.translation import _

_SKIPPED = frozenset(
    (
        *("text:tracked-changes", "office:annotation", "text:sequence-decls", "office:forms", "text:table-of-content"),
        *("text:note-citation", "office:annotation-end"),
    )
)
_PARAGRAPHS = frozenset(("text:p", "text:h"))


def odt(given: PageInput) -> Page:
    """Read an OpenDocument text; raises Unreadable."""
    import odfdo

    check_archive(given.data, "ODT", {"content.xml": given.limits.file})
    try:
        document = odfdo.Document(io.BytesIO(given.data))
        title = (document.meta.title or "").strip()
        text = PageText(given.limits.file)
        heading = _read(document.body, text)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file can raise nearly anything
        raise Unreadable(_("broken ODT: {value}").format(value=error or type(error).__name__)) from error
    return Page(text.text(), title or heading, sections=text.sections())


def _read(body: Any, text: PageText) -> str:
    """Take the blocks of a document in order, each once; return the first heading."""
    first = ""
    stack = [body]
    while stack:
        element = stack.pop()
        if element.tag in _SKIPPED:
            continue
        if element.tag == "table:table":
            inner: list[Any] = []
            text.add("\n".join(_rows(element, inner)))
            stack.extend(reversed(inner))
        elif element.tag in _PARAGRAPHS:
            notes: list[Any] = []
            words = "".join(_words(element, notes))
            if element.tag == "text:h":
                first = first or " ".join(words.split())
                text.begin_section(words)
            text.add(words)
            stack.extend(reversed(notes))
        else:
            stack.extend(reversed(element.children))
    return first


def _rows(table: Any, inner: list[Any]) -> Iterator[str]:
    for row in _direct(table, "table:table-row"):
        cells = []
        for cell in [*_direct(row, "table:table-cell")]:
            parts = []
            stack = list(reversed(cell.children))
            while stack:
                element = stack.pop()
                if element.tag == "table:table":
                    inner.append(element)
                elif element.tag in _PARAGRAPHS:
                    parts.append(" ".join("".join(_words(element, inner)).split()))
                elif element.tag not in _SKIPPED:
                    stack.extend(reversed(element.children))
            cells.append(" ".join(part for part in parts if part))
        yield " | ".join(cell for cell in cells if cell)


def _direct(element: Any, tag: str) -> Iterator[Any]:
    stack = list(reversed(element.children))
    while stack:
        inner = stack.pop()
        if inner.tag == tag:
            yield inner
        elif inner.tag not in ("table:table", "table:table-row", "table:table-cell"):
            stack.extend(reversed(inner.children))


def _words(element: Any, notes: list[Any]) -> Iterator[str]:
    """Yield the words of a paragraph; notes and text boxes in it are put in `notes`."""
    yield element.text or ""
    for child in element.children:
        tag = child.tag
        if tag == "text:s" or tag == "text:tab":
            yield " "
        elif tag == "text:line-break":
            yield "\n"
        elif tag in ("text:note", "draw:frame", "draw:custom-shape"):
            notes.append(child)
        elif tag not in _SKIPPED:
            yield from _words(child, notes)
        yield child.tail or ""
