"""Reading one source: its format chosen, its records given one by one, whatever is wrong with it given as failures.

To add a format: a row in `formats.py`, and a reader. A reader of rows takes a `records.SourceReading` and yields records and
failures; a reader of pages takes a `pages.PageInput` and returns a `pages.Page`. Both raise `Unreadable` for what they
can't read. Whoever loads gives `read` one `Remarks` for all files, and shows its lines.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace

from searchctl.sources.apart import read_page
from searchctl.sources.encodings import detect_lines
from searchctl.sources.formats import Format, formats
from searchctl.sources.model import Failure, FieldMapping, Limits, Record, Remarks, SourceFile, Unreadable, size_of
from searchctl.sources.pages import BINARY, PageInput
from searchctl.sources.records import SourceReading
from searchctl.sources.streams import opened, whole
from searchctl.translation import _
from searchctl.types import Document


def read(
    file: SourceFile,
    mapping: FieldMapping,
    *,
    boilerplate: bool = False,
    limits: Limits | None = None,
    remarks: Remarks | None = None,
) -> Iterator[Record | Failure]:
    """Yield what a source holds, lazily and in bounded memory; nothing that is wrong with it raises an exception.

    `boilerplate` drops menus, headers and footers of HTML pages. What is left out without being a failure is counted in
    `remarks`.
    """
    limits, position = limits or Limits(), 0
    try:
        with opened(file) as stream:
            reading = SourceReading(file, stream, mapping, limits, remarks or Remarks(), boilerplate=boilerplate)
            for item in items(reading):
                position = item.position
                yield item
    except Unreadable as error:
        yield Failure(file.source, position + 1, error.id, error.reason, error.excerpt)
    except MemoryError:
        reason = _("reading it takes more memory than there is")
        yield Failure(file.source, position + 1, file.uri, reason)
    except (EOFError, zlib.error) as error:
        kept = "; what stands before the damage was read" if position else ""
        yield Failure(
            file.source,
            position + 1,
            None,
            _("the gzip file is cut off or damaged ({error}){kept}").format(error=error, kept=kept),
        )
    except OSError as error:
        yield Failure(
            file.source, position + 1, None, _("can't be read: {value}").format(value=error.strerror or error)
        )


def items(reading: SourceReading) -> Iterator[Record | Failure]:
    """Yield what an open source holds; raises Unreadable."""
    file = reading.file
    form = formats()[file.format or sniffed(reading.stream.head)]
    if form.missing:
        from searchctl.sources.formats import office_command

        raise Unreadable(
            _("reading {name} needs another library; type: {office_command}").format(
                name=form.name, office_command=office_command()
            ),
            id=file.uri,
        )
    if not form.rows:
        yield from _page_items(reading, form.name)
        return
    encoding = (file.encoding or detect_lines(reading.stream.head)) if form.text else ""
    if encoding is None:
        raise Unreadable(BINARY)
    yield from form.load()(replace(reading, encoding=encoding))


def sniffed(head: bytes) -> Format:
    """Return the format of a stream whose name doesn't tell it."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"%PDF-"):
        return "pdf"
    if start.startswith((b"{", b"[")):
        return "json" if _is_json(start) else "txt"
    if start[:200].lower().startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "html"
    return "csv" if _is_table(head) else "txt"


def _is_json(start: bytes) -> bool:
    """Tell whether text that begins with a bracket is JSON: not a wiki link, a shell script, or a log's `[INFO]`."""
    after = start[1:].lstrip()
    return after[:1] in ((b'"', b"}", b"'", b"") if start[:1] == b"{" else (b"{", b"[", b'"', b"]", b""))


def _is_table(head: bytes) -> bool:
    from searchctl.sources.csv_dialect import looks_like_table

    encoding = detect_lines(head)
    return encoding is not None and looks_like_table(head.decode(encoding, "replace"))


def _page_items(reading: SourceReading, format: Format) -> Iterator[Record | Failure]:
    file, mapping = reading.file, reading.mapping
    try:
        data = whole(reading.stream, reading.limits.file)
        page = read_page(PageInput(format, data, file.encoding, reading.boilerplate, reading.limits, _stem(file)))
        if not page.text.strip() and not page.title.strip():
            raise Unreadable(_("the file is empty"))
        if len(page.text) > reading.limits.file:
            raise Unreadable(
                _("the file has more than {size} of text; split it").format(size=size_of(reading.limits.file))
            )
    except Unreadable as error:
        raise Unreadable(error.reason, error.excerpt, file.uri) from error
    for remark in page.remarks:
        reading.remarks.add(remark, file.source)
    keep = page.fields if mapping.keep is None else mapping.keep
    fields = {name: value for name, value in page.fields.items() if name in keep}
    document = Document(file.uri, page.text, page.title or _stem(file), fields)
    yield Record(document, file.source, 1, sections=page.sections)
    if page.damage:
        yield Failure(file.source, 1, file.uri, page.damage)


def _stem(file: SourceFile) -> str:
    """Return the file's name without folder and ending, as a title; none for a stream."""
    if file.size is None:
        return ""
    name = file.uri.rsplit("/", 1)[-1].removesuffix(".gz")
    return name.rpartition(".")[0] or name
