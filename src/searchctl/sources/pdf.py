"""PDF files to text, page by page. They come from strangers, so sizes are limited; the caller limits time and memory."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from searchctl.sources.model import Unreadable, size_of
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.sources.texts import without_hyphenation
from searchctl.translation import _

if TYPE_CHECKING:
    from pypdf import PdfReader

# What programs write in place of a title: the file's name, themselves, "untitled".
_NO_TITLE = re.compile(
    r"(?:microsoft\s+(?:word|powerpoint|excel)|powerpoint presentation|презентация powerpoint"
    r"|untitled|без\s*(?:названия|имени)|no title|title|document\s*\d*|документ\s*\d*|книга\s*\d+|presentation\s*\d*"
    r"|slide\s*\d+|scan(?:ned)?\b.*|image\b.*|pdf\b.*|print\b.*)(?:\s*-\s.*)?"
    r"|.*\.(?:docx?|pptx?|xlsx?|rtf|odt|pdf|indd|qxd|pages|tex|dvi|ps|html?|jpe?g|tiff?|txt|cdr|ai|pmd)|[\W\d_]*",
    re.IGNORECASE | re.DOTALL,
)
_MOST_BOOKMARKS = 5000


def pdf(given: PageInput) -> Page:
    """Read a PDF; raises Unreadable. Pages that fail are named in `damage`, pages begin sections, with their bookmarks."""
    import pypdf

    with _silent("pypdf"):
        try:
            reader = pypdf.PdfReader(io.BytesIO(given.data))
            if reader.is_encrypted and not reader.decrypt(""):
                raise Unreadable(
                    _("the PDF needs a password; store a copy without one: qpdf --decrypt --password=… in.pdf out.pdf")
                )
            title = _title(reader)
            text, failed = _text(reader, given.limits.file)
        except (Unreadable, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - a damaged PDF can raise nearly anything
            raise Unreadable(_("broken PDF: {value}").format(value=error or type(error).__name__)) from error
    if not text.text():
        told = (
            "none of its pages can be read"
            if failed
            else "its pages are pictures; recognise them first: ocrmypdf in.pdf out.pdf"
        )
        raise Unreadable(_("the PDF has no text: {told}").format(told=told))
    damage = f"pages that can't be read: {', '.join(map(str, failed))}; the others are stored" if failed else ""
    return Page(text.text(), title, damage=damage, sections=text.sections())


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Keep a library's logger quiet: it reports every oddity of a file, page by page."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _title(reader: PdfReader) -> str:
    """Return the title that the file states, empty where that is only what its program put there."""
    stated = str((reader.metadata and reader.metadata.title) or "").replace("\0", "").strip()
    return "" if _NO_TITLE.fullmatch(stated) else stated


def _text(reader: PdfReader, limit: int) -> tuple[PageText, list[int]]:
    """Return the text, a block and a section a page, and the numbers of the pages that can't be read."""
    text, failed = PageText(limit), []
    bookmarks = _bookmarks(reader)
    heading = ""
    for number, page in enumerate(reader.pages, 1):
        try:
            words = page.extract_text()
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - one bad page mustn't lose the others
            failed.append(number)
            continue
        if len(words) > limit:
            raise Unreadable(_("page {number} has more than {size} of text").format(number=number, size=size_of(limit)))
        heading = bookmarks.get(number, heading)
        text.begin_section(heading, page=number)
        text.add(without_hyphenation(words))
    return text, failed


def _bookmarks(reader: PdfReader) -> dict[int, str]:
    """Return the first bookmark of each page, from 1; none where they can't be read."""
    titles: dict[int, str] = {}
    try:
        level: list[Any] = list(reader.outline)
        while level and len(titles) < _MOST_BOOKMARKS:
            item = level.pop(0)
            if isinstance(item, list):
                level = [*item, *level]
            elif (number := reader.get_destination_page_number(item)) is not None:
                titles.setdefault(number + 1, str(item.title or "").strip())
    except Exception:  # noqa: BLE001 - the text counts, not the bookmarks
        return {}
    return titles
