"""E-mails as programs write them: encodings that are stated falsely or not, parts, forwarded ones, mailboxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.kit import documents, remarks, written

OUTLOOK = (
    Path(__file__).parent / "outlook"
)  # made with aspose-email-foss 26.3; code_page.msg then got its texts in cp1251
BODY = "Здравствуйте, чайник сломался"


def alternatives(*parts: tuple[str, str]) -> str:
    inner = "".join(f"--b\nContent-Type: text/{kind}\n\n{text}\n" for kind, text in parts)
    return f"Subject: S\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n{inner}--b--\n"


@pytest.mark.parametrize("charset", ["cp1251", "koi8-r", "utf-8"])
@pytest.mark.parametrize("stated", [True, False])
def test_a_subject_in_bytes_is_read_as_the_body(tmp_path: Path, charset: str, stated: bool) -> None:
    kind = f"Content-Type: text/plain; charset={charset}\n" if stated else ""
    mail = f"Subject: Возврат денег за чайник\n{kind}\n{BODY}\n".encode(charset)
    (found,) = documents(written(tmp_path / "m.eml", mail))
    assert (found.title, found.text) == ("Возврат денег за чайник", BODY)


@pytest.mark.parametrize(
    ("plain", "html", "expected"),
    [
        ("", "<p>Only here</p>", "Only here"),
        ("Please view this in an HTML capable client.", "<p>Your order 4711 has been shipped and comes tomorrow morning.</p>",
         "Your order 4711 has been shipped and comes tomorrow morning."),
        ("Your order has been shipped.", "<p>Your order has been shipped.</p><p>Imprint</p>", "Your order has been shipped."),
    ],
)  # fmt: skip
def test_the_plain_form_is_taken_unless_it_says_nothing(tmp_path: Path, plain: str, html: str, expected: str) -> None:
    mail = alternatives(("plain", plain), ("html", html))
    assert documents(written(tmp_path / "m.eml", mail))[0].text == expected


def test_parts_are_read_in_their_order_and_a_forwarded_mail_with_its_subject(tmp_path: Path) -> None:
    mail = (
        "Subject: Fwd\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nSee below\n--b\nContent-Type: text/html\n\n<p>and <b>here</b></p>\n"
        "--b\nContent-Type: message/rfc822\n\nSubject: Broken kettle\nFrom: c@example.org\n\nIt leaks\n"
        "--b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\n--b--\n"
    )
    path = written(tmp_path / "m.eml", mail)
    assert documents(path)[0].text.split() == "See below and here Broken kettle It leaks".split()
    assert "parts of e-mails left out: text/calendar" in remarks(path)


@pytest.mark.parametrize(
    ("parameters", "text", "expected"),
    [
        ("format=flowed", "A long \nline.\n\nNext\n> said \n> before", "A long line.\n\nNext\n> said\n> before"),
        ("format=flowed; delsp=yes", "A para \ngraph.  \n Indented", "A paragraph. Indented"),
        ("charset=utf-8", "A long \nline.", "A long\nline."),
    ],
)
def test_flowed_lines_are_joined(tmp_path: Path, parameters: str, text: str, expected: str) -> None:
    mail = f"Subject: S\nContent-Type: text/plain; {parameters}\n\n{text}\n"
    assert documents(written(tmp_path / "m.eml", mail))[0].text == expected


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_text_that_says_from_does_not_part_a_mailbox(tmp_path: Path, end: str) -> None:
    box = (
        "From a@x Mon Jan  5 10:00:00 2026\nSubject: one\n\nHello\n>From here on\n\n"
        "From - Mon Jan 05 11:00:00 2026\nSubject: two\n\nFirst\n\nFrom now on we ship daily\n"
    )
    found = documents(written(tmp_path / "b.mbox", box.replace("\n", end)))
    assert [(one.title, one.text) for one in found] == [
        ("one", "Hello\nFrom here on"),
        ("two", "First\n\nFrom now on we ship daily"),
    ]


def test_a_page_saved_by_a_browser(tmp_path: Path) -> None:
    saved = (
        "From: <Saved by Blink>\nSubject: Kettle care\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n"
        "--b\nContent-Type: text/html; charset=utf-8\n\n<p>Descale it</p>\n--b\nContent-Type: text/css\n\np{}\n--b--\n"
    )
    (found,) = documents(written(tmp_path / "p.mhtml", saved))
    assert (found.title, found.text) == ("Kettle care", "Descale it")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("attachment", "Здравствуйте!\n\nЧайник сломался, верните деньги."),
        ("code_page", "Здравствуйте!\n\nЧайник сломался, верните деньги."),
        ("html", "Чайник сломался"),
    ],
)
def test_messages_of_outlook(name: str, text: str) -> None:
    pytest.importorskip("oxmsg")
    (found,) = documents(OUTLOOK / f"{name}.msg")
    assert (found.title, found.text) == ("Возврат: чайник", text)
    assert found.fields["date"] == "2026-01-05T07:00:00+00:00" and found.fields["to"] == ["shop@example.org"]
    assert found.fields.get("attachments") == (["чек.txt"] if name == "attachment" else None)
    assert ("attachments of e-mails left out" in remarks(OUTLOOK / f"{name}.msg")) == (name == "attachment")
