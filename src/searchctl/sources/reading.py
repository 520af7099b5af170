"""Reading one source: its format chosen, its records given one by one, whatever is wrong with it given as failures."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from searchctl.sources.encodings import detect, detect_lines
from searchctl.sources.html import decode_html, html_to_text
from searchctl.sources.model import Failure, FieldMapping, Format, Limits, Record, SourceFile, Unreadable
from searchctl.sources.office import docx, pdf
from searchctl.sources.rows import read_json, read_jsonl
from searchctl.sources.streams import Stream, opened, whole
from searchctl.sources.tables import read_table
from searchctl.sources.texts import Page, markdown
from searchctl.types import Document

RowReader: TypeAlias = Callable[[SourceFile, Stream, str, FieldMapping, Limits], "Iterator[Record | Failure]"]
_ROWS: Mapping[Format, RowReader] = {"jsonl": read_jsonl, "json": read_json, "csv": read_table, "tsv": read_table}
_BINARY = "this isn't text: it has bytes that no text has; rename it, or leave it out with --exclude"


def read(
    file: SourceFile, mapping: FieldMapping, *, boilerplate: bool = False, limits: Limits | None = None
) -> Iterator[Record | Failure]:
    """Yield what a source holds, lazily and in bounded memory; nothing that is wrong with it raises an exception.

    `boilerplate` drops menus, headers and footers of HTML pages.
    """
    limits = limits or Limits()
    position = 0
    try:
        with opened(file) as stream:
            for item in _items(file, stream, mapping, boilerplate, limits):
                position = item.position
                yield item
    except Unreadable as error:
        yield Failure(file.source, position + 1, error.id, error.reason, error.excerpt)
    except (EOFError, zlib.error) as error:
        kept = "; what stands before the damage was read" if position else ""
        yield Failure(file.source, position + 1, None, f"the gzip file is cut off or damaged ({error}){kept}")
    except OSError as error:
        yield Failure(file.source, position + 1, None, f"can't be read: {error.strerror or error}")


def _items(
    file: SourceFile, stream: Stream, mapping: FieldMapping, boilerplate: bool, limits: Limits
) -> Iterator[Record | Failure]:
    format = file.format or _sniffed(stream.head)
    if format in _ROWS:
        encoding = file.encoding or detect_lines(stream.head)
        if encoding is None:
            raise Unreadable(_BINARY)
        yield from _ROWS[format](file, stream, encoding, mapping, limits)
        return
    try:
        page = _page(format, whole(stream, limits.file), file.encoding, boilerplate, limits)
        if not page.text.strip() and not page.title.strip():
            raise Unreadable("the file is empty")
    except Unreadable as error:
        raise Unreadable(error.reason, error.excerpt, file.uri) from error
    keep = page.fields if mapping.keep is None else mapping.keep
    fields = {name: value for name, value in page.fields.items() if name in keep}
    yield Record(Document(file.uri, page.text, page.title or _stem(file), fields), file.source, 1)
    if page.damage:
        yield Failure(file.source, 1, file.uri, page.damage)


def _sniffed(head: bytes) -> Format:
    return "jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "txt"


def _page(format: Format, data: bytes, encoding: str | None, boilerplate: bool, limits: Limits) -> Page:
    if format == "pdf":
        return pdf(data, limits.file)
    if format == "docx":
        return docx(data, limits.file)
    text = _decoded(format, data, encoding)
    if format == "html":
        title, words = html_to_text(text, boilerplate=boilerplate)
        return Page(words, title)
    return markdown(text) if format == "md" else Page(text)


def _decoded(format: Format, data: bytes, encoding: str | None) -> str:
    if encoding is None and format == "html":
        text = decode_html(data)
    else:
        found = encoding or detect(data)
        text = data.decode(found, "replace") if found else None
    if text is None:
        raise Unreadable(_BINARY)
    return text


def _stem(file: SourceFile) -> str:
    """Return the file's name without folder and ending, as a title; none for a stream."""
    if file.size is None:
        return ""
    name = file.uri.rsplit("/", 1)[-1].removesuffix(".gz")
    return name.rpartition(".")[0] or name
