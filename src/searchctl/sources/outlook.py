"""Outlook messages (.msg) to documents, by python-oxmsg."""

from __future__ import annotations

import io

from searchctl.sources.html import html_to_text
from searchctl.sources.model import Unreadable
from searchctl.sources.pages import Page, PageInput, PageText
from searchctl.types import Value


def msg(given: PageInput) -> Page:
    """Read an Outlook message; raises Unreadable."""
    from oxmsg import Message

    try:
        message = Message.load(io.BytesIO(given.data))
        body = message.body or ""
        if not body.strip() and message.html_body:
            body = html_to_text(message.html_body)[1]
        subject = message.subject or ""
        fields: dict[str, Value] = {}
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
        raise Unreadable(f"broken MSG: {error or type(error).__name__}") from error
    if attachments:
        fields["attachments"] = attachments
    text = PageText(given.limits.file)
    text.add(body)
    return Page(text.text(), subject, fields, remarks=("attachments of e-mails left out",) if attachments else ())
