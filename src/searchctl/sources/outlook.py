"""Outlook messages (.msg) to documents, by python-oxmsg."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from searchctl.sources.encodings import detect
from searchctl.sources.html import html_to_text
from searchctl.sources.model import Unreadable
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.translation import _
from searchctl.types import Value

_SUBJECT, _BODY, _RTF = "__substg1.0_0037001E", "__substg1.0_1000001E", "__substg1.0_10090102"


def msg(given: PageInput) -> Page:
    """Read an Outlook message; raises Unreadable."""
    import olefile
    from oxmsg import Message

    try:
        message = Message.load(io.BytesIO(given.data))
        with olefile.OleFileIO(io.BytesIO(given.data)) as streams:
            narrow = {tag: _in_code_page(streams, tag) for tag in (_SUBJECT, _BODY)}
            only_rtf = streams.exists(_RTF)
        body = narrow[_BODY] or message.body or ""
        if not body.strip() and message.html_body:
            body = html_to_text(message.html_body)[1]
        subject = narrow[_SUBJECT] or message.subject or ""
        fields: dict[str, Value] = {}
        with contextlib.suppress(UnicodeDecodeError):  # names in a code page that isn't the one that the message states
            if message.sender:
                fields["from"] = message.sender
            if to := [recipient.email_address or recipient.name for recipient in message.recipients]:
                fields["to"] = to
        if message.sent_date:
            fields["date"] = message.sent_date.isoformat()
        attachments = [attachment.file_name for attachment in message.attachments if attachment.file_name]
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file can raise nearly anything
        raise Unreadable(_("broken MSG: {value}").format(value=error or type(error).__name__)) from error
    if attachments:
        fields["attachments"] = attachments
    text = PageText(given.limits.file)
    text.add(body)
    remarks: tuple[str, ...] = ("attachments of e-mails left out",) if attachments else ()
    if only_rtf and not body.strip():
        remarks += ("Outlook messages whose text is RTF alone: only their subjects are read",)
    return Page(text.text(), subject, fields, remarks=remarks)


def _in_code_page(streams: Any, tag: str) -> str:
    """Return a property that older versions wrote in a code page, by its bytes: which one is often stated falsely."""
    if not streams.exists(tag):
        return ""
    data = streams.openstream(tag).read()
    encoding = detect(data)
    return data.decode(encoding, "replace").rstrip("\0") if encoding else ""
