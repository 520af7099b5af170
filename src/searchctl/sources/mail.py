"""E-mails to documents: subject, body, who and when. Attachments are named, not read."""

from __future__ import annotations

import contextlib
import email
import email.policy
import re
from collections.abc import Iterator, Sequence
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
from searchctl.translation import _
from searchctl.types import Document, Value

Mail: TypeAlias = "Message[str, str]"

_ADDRESSES = ("from", "to", "cc", "reply-to")
_MOST_PARTS = 1000
_LONGEST_HEADER = 20_000  # characters
_DEEPEST = 30
_FEW_WORDS = 30
_POINTS_AWAY = re.compile(r"html|browser|браузер", re.IGNORECASE)
_OTHER_TEXTS = frozenset(("text/calendar", "text/rtf", "text/enriched", "application/ms-tnef"))
_FROM = b"From "
_FROM_DATED = re.compile(rb"From .*\d:\d\d.* \d{4}")


def eml(given: PageInput) -> Page:
    """Read an e-mail; raises Unreadable."""
    return message_page(email.message_from_bytes(given.data, policy=email.policy.compat32), given.limits.file)


def message_page(message: Mail, limit: int) -> Page:
    """Return a message's page: the plain text of its body, or where it has none its HTML; addresses and date as fields."""
    text = PageText(limit)
    for words in _texts(message):
        text.add(words)
    parts = list(_parts(message))
    attachments = [name for part in parts if (name := _words(part.get_filename() or ""))]
    fields: dict[str, Value] = {name: value for name in _ADDRESSES if (value := _header(message, name))}
    if date := _date(message):
        fields["date"] = date
    if attachments:
        fields["attachments"] = attachments
    if not fields and not text.text() and not _header(message, "subject"):
        raise Unreadable(_("the file has no headers and no text, so it isn't an e-mail"))
    others = {kind for part in parts if (kind := part.get_content_type()) in _OTHER_TEXTS and not part.get_filename()}
    remarks = tuple(f"parts of e-mails left out: {kind}" for kind in sorted(others))
    remarks += ("attachments of e-mails left out",) if attachments else ()
    return Page(text.text(), _header(message, "subject"), fields, remarks=remarks)


def read_mbox(reading: SourceReading) -> Iterator[Record | Failure]:
    """Yield a record for each message of a mailbox; one that can't be read costs that one."""
    source, uri = reading.file.source, reading.file.uri
    for number, data in enumerate(_messages(reading), 1):
        name = f"{uri}#{number}"
        if data is None:
            yield Failure(source, number, name, _("the message is longer than may be read at once; split it"))
            continue
        try:
            page = read_page(PageInput("eml", data, limits=reading.limits))
        except (Unreadable, ValueError, LookupError, RecursionError) as error:
            yield Failure(source, number, name, _("a message that can't be read: {error}").format(error=error))
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
    """Yield the messages of a mailbox, None for one that is too long.

    A line `From ` after a blank one begins the next, and has to have a date where the first one has one: texts say "From", too.
    """
    limit = reading.limits.record
    parts: list[bytes] = []
    size, blank, begun, dated = 0, True, False, False
    for line in iter(lambda: reading.stream.file.readline(1 << 16), b""):
        if blank and line.startswith(_FROM) and (not dated or _FROM_DATED.match(line)):
            if begun:
                yield b"".join(parts) if size <= limit else None
            elif size:
                raise Unreadable(_("the file doesn't begin with a line 'From …', so it isn't a mailbox"))
            dated = dated or _FROM_DATED.match(line) is not None
            parts, size, begun, blank = [], 0, True, False
            continue
        blank = not line.strip()
        size += len(line)
        if size <= limit:
            parts.append(line[1:] if line.startswith(b">From ") else line)
    if not begun and size:
        raise Unreadable(_("the file doesn't begin with a line 'From …', so it isn't a mailbox"))
    if begun:
        yield b"".join(parts) if size <= limit else None


def _parts(message: Mail) -> Iterator[Mail]:
    for count, part in enumerate(message.walk()):
        if count > _MOST_PARTS:
            return
        yield part


def _texts(part: Mail, depth: int = 0) -> Iterator[str]:
    """Yield the texts of a message's body in their order: of alternatives one, of a message within it the subject, too."""
    kind = part.get_content_type()
    inner = part.get_payload()
    if depth > _DEEPEST or part.get_content_disposition() == "attachment" and kind != "message/rfc822":
        return
    if isinstance(inner, list):
        options = [option for option in inner[:_MOST_PARTS] if isinstance(option, Message)]
        if kind == "multipart/alternative":
            texts = ([text for text in _texts(option, depth + 1) if text.strip()] for option in options)
            yield _fullest(["\n\n".join(one) for one in texts])
            return
        for option in options:
            if kind == "message/rfc822" and (subject := _header(option, "subject")):
                yield subject
            yield from _texts(option, depth + 1)
    elif kind in ("text/plain", "text/html") and not part.get_filename():
        yield _text(part, kind)


def _fullest(options: Sequence[str]) -> str:
    """Return the first of the forms of one text, which is the plain one, unless it only says that there is another."""
    first = next((option for option in options if option.strip()), "")
    longest = max(options, key=len, default="")
    words, most = len(first.split()), len(longest.split())
    if words < _FEW_WORDS and (most > 4 * words or (most > words and _POINTS_AWAY.search(first))):
        return longest
    return first


def _text(part: Mail, kind: str) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    words = _decoded(data, part.get_content_charset())
    if kind == "text/html":
        return html_to_text(words if words is not None else decode_html(data) or "")[1]
    if words and str(part.get_param("format", "")).lower() == "flowed":
        words = _unfolded(words, joined=str(part.get_param("delsp", "")).lower() == "yes")
    return words or ""


def _unfolded(text: str, *, joined: bool) -> str:
    """Return a flowed text with its paragraphs in one line each: a line that ends with a blank goes on in the next (RFC 3676).

    With `joined` that blank isn't part of the text, so that words may be parted at it.
    """
    lines: list[str] = []
    goes_on = False
    for line in text.splitlines():
        quoted = line.startswith(">")
        if goes_on and not quoted:
            lines[-1] += line.removeprefix(" ")
        else:
            lines.append(line.removeprefix(" "))
        goes_on = line.endswith(" ") and line != "-- " and not quoted
        if goes_on and joined:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


def _decoded(data: bytes, charset: str | None) -> str | None:
    """Return a part's text in the encoding it states, else as detected."""
    detected = detect(data)
    if charset and not (detected or "").startswith("utf"):
        detected = declared_encoding(data, charset) or detected
    return data.decode(detected, "replace") if detected else None


def _header(message: Mail, name: str) -> str:
    """Return a header's words; bytes that nothing explains are read as the body's, or as detected."""
    value = next((value for header, value in message.raw_items() if header.lower() == name), "")
    if not isinstance(value, str):
        return _words(str(value))
    raw = value[:_LONGEST_HEADER].encode("utf-8", "surrogateescape")
    if any("\udc80" <= letter <= "\udcff" for letter in value[:_LONGEST_HEADER]):
        return _words(_decoded(raw, next((part.get_content_charset() for part in _parts(message)), None)) or "")
    return _words(value)


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
