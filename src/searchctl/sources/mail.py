"""E-mails to documents: subject, body, who and when. Attachments are named, not read."""

from __future__ import annotations

import contextlib
import email
import email.policy
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import TypeAlias

from searchctl.sources.apart import read_page
from searchctl.sources.encodings import declared_encoding, detect
from searchctl.sources.html import decode_html, html_to_text
from searchctl.sources.model import Failure, Record, Unreadable
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.sources.records import SourceReading
from searchctl.types import Document, Value

Mail: TypeAlias = "Message[str, str]"

_ADDRESSES = ("from", "to", "cc", "reply-to")
_MOST_PARTS = 1000
_LONGEST_HEADER = 20_000  # characters
_FROM = b"From "


def eml(given: PageInput) -> Page:
    """Read an e-mail; raises Unreadable."""
    return message_page(email.message_from_bytes(given.data, policy=email.policy.compat32), given.limits.file)


def message_page(message: Mail, limit: int) -> Page:
    """Return a message's page: the plain text of its body, or where it has none its HTML; addresses and date as fields."""
    text = PageText(limit)
    for words in _bodies(message):
        text.add(words)
    attachments = [name for part in _parts(message) if (name := _words(part.get_filename() or ""))]
    fields: dict[str, Value] = {name: value for name in _ADDRESSES if (value := _header(message, name))}
    if date := _date(message):
        fields["date"] = date
    if attachments:
        fields["attachments"] = attachments
    if not fields and not text.text() and not _header(message, "subject"):
        raise Unreadable("the file has no headers and no text, so it isn't an e-mail")
    remarks = ("attachments of e-mails left out",) if attachments else ()
    return Page(text.text(), _header(message, "subject"), fields, remarks=remarks)


def read_mbox(reading: SourceReading) -> Iterator[Record | Failure]:
    """Yield a record for each message of a mailbox; one that can't be read costs that one."""
    source, uri = reading.file.source, reading.file.uri
    for number, data in enumerate(_messages(reading), 1):
        name = f"{uri}#{number}"
        if data is None:
            yield Failure(source, number, name, "the message is longer than may be read at once; split it")
            continue
        try:
            page = read_page(PageInput("eml", data, limits=reading.limits))
        except (Unreadable, ValueError, LookupError, RecursionError) as error:
            yield Failure(source, number, name, f"a message that can't be read: {error}")
            continue
        for remark in page.remarks:
            reading.remarks.add(remark, source)
        if not page.text and not page.title:
            reading.remarks.add("passed over: neither text nor title", source)
            continue
        keep = page.fields if reading.mapping.keep is None else reading.mapping.keep
        fields = {field: value for field, value in page.fields.items() if field in keep}
        yield Record(Document(name, page.text, page.title, fields), source, number)


def _messages(reading: SourceReading) -> Iterator[bytes | None]:
    """Yield the messages of a mailbox, None for one that is too long. A line `From ` after a blank one begins the next."""
    limit = reading.limits.record
    parts: list[bytes] = []
    size, blank, begun = 0, True, False
    for line in iter(lambda: reading.stream.file.readline(1 << 16), b""):
        if blank and line.startswith(_FROM):
            if begun:
                yield b"".join(parts) if size <= limit else None
            elif size:
                raise Unreadable("the file doesn't begin with a line 'From …', so it isn't a mailbox")
            parts, size, begun, blank = [], 0, True, False
            continue
        blank = not line.strip()
        size += len(line)
        if size <= limit:
            parts.append(line[1:] if line.startswith(b">From ") else line)
    if not begun and size:
        raise Unreadable("the file doesn't begin with a line 'From …', so it isn't a mailbox")
    if begun:
        yield b"".join(parts) if size <= limit else None


def _parts(message: Mail) -> Iterator[Mail]:
    for count, part in enumerate(message.walk()):
        if count > _MOST_PARTS:
            return
        yield part


def _bodies(message: Mail) -> Iterator[str]:
    """Yield the texts of a message's body."""
    plain = [part for part in _parts(message) if _is_body(part, "text/plain")]
    for part in plain or [part for part in _parts(message) if _is_body(part, "text/html")]:
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes):
            continue
        words = _decoded(data, part.get_content_charset())
        if part.get_content_type() == "text/html":
            words = html_to_text(words if words is not None else decode_html(data) or "")[1]
        yield words or ""


def _is_body(part: Mail, kind: str) -> bool:
    return (
        part.get_content_type() == kind and not part.get_filename() and part.get_content_disposition() != "attachment"
    )


def _decoded(data: bytes, charset: str | None) -> str | None:
    """Return a part's text in the encoding it states, else as detected."""
    detected = detect(data)
    if charset and not (detected or "").startswith("utf"):
        detected = declared_encoding(data, charset) or detected
    return data.decode(detected, "replace") if detected else None


def _header(message: Mail, name: str) -> str:
    """Return a header's words; one that can't be read is empty."""
    return _words(str(message.get(name, "")))


def _words(value: str) -> str:
    """Return a header's value with its encoded words decoded; of one that can't be, what stands there."""
    value = value[:_LONGEST_HEADER]
    with contextlib.suppress(ValueError, LookupError):
        value = str(make_header(decode_header(value)))
    return " ".join(value.split())


def _date(message: Mail) -> str:
    try:
        return parsedate_to_datetime(str(message.get("date", ""))).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""
