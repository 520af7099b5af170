"""Pages and papers: nothing of the article lost, nothing hidden shown, and each part found again in its source."""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path

import pytest

from searchctl.sources import Record
from searchctl.sources.encodings import declared_encoding, detect
from searchctl.sources.html import html_to_text
from searchctl.text.cleaning import clean
from searchctl.text.sections import Section, section_at, shown_fields, with_sections
from tests.sources.kit import documents, failures, items, remarks, written

# Encodings


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Our fee is £25 – that’s final", "cp1252"),
        ("Café señor", "cp1252"),
        ("Die Größe der Straße: 20 €", "cp1252"),
        ("½ cup, 25 °C, 10 m²", "cp1252"),
        ("São Paulo não é Århus", "cp1252"),
        ("Þetta er góður matur", "cp1252"),
        ("şifre değiştirmek istiyorum", "cp1254"),
        ("Zażółć gęślą jaźń, proszę o zwrot pieniędzy", "cp1250"),
        ("№ 5 от марта", "cp1251"),
    ],
)
def test_short_texts_in_the_code_pages_of_windows(text: str, encoding: str) -> None:
    found = detect(text.encode(encoding))
    assert found is not None and text.encode(encoding).decode(found) == text


@pytest.mark.parametrize(
    ("declared", "text", "real"),
    [
        ("iso-8859-1", "don’t pay 100 € – ever", "cp1252"),
        ("us-ascii", "“ok”", "cp1252"),
        ("iso-8859-1", "Возврат товара", "cp1251"),
        ("koi8-r", "Возврат товара", "cp1251"),
        ("windows-1251", "Café, señor, naïve", "cp1252"),
        ("gb2312", "朱镕基 中文", "gb18030"),
    ],
)
def test_declarations_are_read_as_browsers_do_and_lies_are_seen(declared: str, text: str, real: str) -> None:
    found = declared_encoding(text.encode(real), declared)
    assert found is not None and text.encode(real).decode(found) == text


# HTML


def test_what_a_page_hides_is_not_read() -> None:
    page = (
        "<style>.secret, #x {display: none} .y {color: red} @media print {.z {display: none}}</style>"
        "<p class=secret>no</p><p id=x>no</p><p style='Display : None'>no</p><div hidden>no<p>no</p></div>"
        "<dialog>no</dialog><p style='visibility:hidden'>no</p><p class='y z'>seen</p><details>inside</details>"
    )
    assert html_to_text(page)[1] == "seen\n\ninside"


@pytest.mark.parametrize(
    "page",
    [
        '<div id="content" class="area has-sidebar"><article><h1>T</h1><p>{}</p></article></div><aside>ad</aside>',
        "<form id=aspnet><div class=header><a href=/>x</a></div><p>{}</p></form>",
        '<header><h1>T</h1><p>{}</p></header><div class="cookie-banner"><p>We use cookies here, agree.</p></div>',
        '<div class="sidebar-layout"><main><p>{}</p></main></div><div class=sidebar><p>Other things to read.</p></div>',
        '<div id="menu"><article><p>{}</p></article></div><footer><p>All rights reserved by the shop.</p></footer>',
        "<aside><p>{}</p></aside><p>end</p>",
    ],
)
def test_no_layout_costs_the_article(page: str) -> None:
    article = "Fill the kettle with water and citric acid, boil it, and wait for half an hour."
    assert article in html_to_text(page.format(article), boilerplate=True)[1]


def test_frames_around_an_article_go() -> None:
    page = (
        '<div class="main-navigation"><a href=1>Menu</a></div><div class="page-with-sidebar"><h1>How</h1>'
        "<p>The article about kettles goes here, and is long enough.</p></div>"
        '<div class="cookie-banner"><p>We use cookies to please you.</p></div><footer><p>All rights reserved</p></footer>'
    )
    assert html_to_text(page, boilerplate=True)[1] == "How\n\nThe article about kettles goes here, and is long enough."


# Markdown

SITE = """---
title: Setup: the guide
tags: [a, b]
released: 2026-01-05
author:
  name: Ann
---
# Setup {#setup .x}

!!! note "Read first"
    Be **careful** with [links](http://x){target=_blank}.

=== "Linux"

    ```bash
    apt install x
    ```

:::warning Hot
Water!
:::

{% include "x.html" %}
--8<-- "other.md"

| A | B |
|---|---|
| 1 | 2 |

Use `{{ code }}` and {{ var }}, [[Page|label]], H<sub>2</sub>O.

## Next part
1. one
2. two
"""


def test_markdown_of_documentation_sites(tmp_path: Path) -> None:
    (record,) = items(written(tmp_path / "f.md", SITE))
    assert isinstance(record, Record)
    assert record.document.title == "Setup: the guide"
    assert record.document.fields == {"tags": ["a", "b"], "released": "2026-01-05", "author.name": "Ann"}
    assert record.document.text.split("\n\n") == [
        *("Setup", "Read first\nBe careful with links.", "Linux", "apt install x", "Hot\nWater!", "A | B\n1 | 2"),
        *("Use {{ code }} and , label, H2O.", "Next part", "1. one\n2. two"),
    ]
    assert [(one.heading, one.line) for one in record.sections] == [("Setup", 8), ("Next part", 32)]
    assert "included file" in remarks(tmp_path / "f.md")


@pytest.mark.parametrize(
    ("content", "title", "fields"),
    [
        ('+++\ntitle = "T"\ntags = ["x"]\n+++\nbody', "T", {"tags": ["x"]}),
        ("---\ntitle: >-\n  Two\n  lines\nversion: 1.10 # patch\n---\nbody", "Two lines", {"version": 1.1}),
        ("---\r\ntitle: Windows\r\n...\r\nbody", "Windows", {}),
        ("---\ntitle: [broken\nx: 1\n---\nbody", "[broken", {}),
        ("---\njust text\n\n---\nbody", "f", {}),
    ],
)
def test_front_matter(tmp_path: Path, content: str, title: str, fields: dict[str, object]) -> None:
    (found,) = documents(written(tmp_path / "f.md", content))
    assert (found.title, found.fields) == (title, fields) and found.text.endswith("body")


def test_front_matter_that_multiplies_itself_does_not(tmp_path: Path) -> None:
    lines = [
        "a: &a [" + "x," * 9 + "x]",
        *(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    ]
    (found,) = documents(written(tmp_path / "f.md", "---\n" + "\n".join(lines) + "\n---\nbody"))
    assert found.text == "body" and len(str(found.fields)) < 1000
    long = "a: &a " + "x" * 500 + "".join(f"\nk{n}: *a" for n in range(900))
    (found,) = documents(written(tmp_path / "g.md", f"---\n{long}\n---\nbody"))
    assert len(str(found.fields)) < 100_000


def test_an_unclosed_comment_hides_nothing(tmp_path: Path) -> None:
    (found,) = documents(written(tmp_path / "f.md", "before <!-- open\n\n# Heading\n\nafter"))
    assert "Heading" in found.title and "after" in found.text


# Text


def test_words_parted_at_line_ends_are_joined(tmp_path: Path) -> None:
    text = "право на воз-\nврат; кто-\nто; well-known, well-\nknown; self-\nservice; non-\nEuropean; 2020-\n2021"
    (found,) = documents(written(tmp_path / "f.txt", text))
    assert found.text == "право на возврат; кто-то; well-known, well-known; self-service; non-European; 2020-\n2021"


def test_ligatures_become_letters() -> None:
    assert clean("oﬃce conﬁguration of the ﬂow") == "office configuration of the flow"


# PDF and Word


def test_pdf_pages_are_sections_and_restrictions_no_password(tmp_path: Path) -> None:
    import pypdf

    from tests.sources.kit import a_pdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(a_pdf("First page.", "Second page.", title="Microsoft Word - Doc1")))
    writer.add_outline_item(title="Part two", page_number=1)
    writer.encrypt("", owner_password="owner", algorithm="AES-256")
    writer.write(tmp_path / "f.pdf")
    (record,) = items(tmp_path / "f.pdf")
    assert isinstance(record, Record) and record.document.title == "f"
    assert [(one.heading, one.page) for one in record.sections] == [("", 1), ("Part two", 2)]
    assert record.document.text[record.sections[1].start :] == "Second page."
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(tmp_path / "g.pdf")
    assert "needs a password" in failures(tmp_path / "g.pdf")[0].reason
    assert logging.getLogger("pypdf").level != logging.CRITICAL


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def word(path: Path, body: str, namespace: str = W, **others: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("word/document.xml", f'<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>')
        for name, part in others.items():
            file.writestr(f"word/{name}.xml", f'<w:x xmlns:w="{namespace}">{part}</w:x>')
    return path


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_word_notes_boxes_headers_and_changes(tmp_path: Path) -> None:
    moved = "<w:p><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p><w:p><w:moveTo><w:r><w:t>moved</w:t></w:r></w:moveTo></w:p>"
    box = f"<w:p><w:r><w:t>beside</w:t><w:pict><w:txbxContent>{paragraph('in a box')}</w:txbxContent></w:pict></w:r></w:p>"
    hidden = "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>"
    notes = (
        f'<w:footnote w:type="separator">{paragraph("no")}</w:footnote><w:footnote>{paragraph("a note")}</w:footnote>'
    )
    path = word(
        tmp_path / "f.docx", moved + box + hidden, footnotes=notes, header1=paragraph("ООО Ромашка"), comments=""
    )
    (found,) = documents(path)
    assert found.text.split("\n\n") == ["moved", "beside", "in a box", "a note", "ООО Ромашка"]
    assert "comments" in remarks(path)
    strict = word(tmp_path / "s.docx", paragraph("strict"), "http://purl.oclc.org/ooxml/wordprocessingml/main")
    assert documents(strict)[0].text == "strict"


# Sections


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.md", "intro\n\n# One\n\ntext  with   spaces\n\n## Two\n\nmore"),
        ("f.html", "<p>intro</p><h1>One</h1><p>text &nbsp; with spaces</p><h2>Two</h2>more"),
    ],
)
def test_sections_begin_where_their_headings_stand(tmp_path: Path, name: str, content: str) -> None:
    (record,) = items(written(tmp_path / name, content))
    assert isinstance(record, Record)
    text = record.document.text
    assert clean(text) == text
    assert [text[one.start :].split("\n")[0] for one in record.sections] == ["One", "Two"]


def test_sections_are_stored_in_a_field_that_is_not_shown() -> None:
    sections = (Section(0, page=1), Section(10, "Two: 5 - words", 7), Section(20, "", None, 3))
    fields = with_sections({"a": 1}, sections)
    assert [section_at(fields, place) for place in (0, 9, 10, 25)] == [sections[0], sections[0], *sections[1:]]
    assert shown_fields(fields) == {"a": 1} and section_at({}, 3) is None
    assert section_at({"_sections": ["junk", "5 - - x"]}, 3) is None


def test_comments_of_mdx_and_obsidian_are_not_read_and_code_is(tmp_path: Path) -> None:
    page = "Shown {/* by nobody */}and %%not this%% here, 100 %\n\n`%%kept%%`\n\n```\n%%kept too%%\n```\n"
    (found,) = documents(written(tmp_path / "a.mdx", page))
    assert found.text.split() == "Shown and here, 100 % %%kept%% %%kept too%%".split()


def test_a_page_that_a_script_makes_is_told(tmp_path: Path) -> None:
    page = written(tmp_path / "a.html", "<title>Shop</title><div id=root></div><script>run()</script>")
    assert documents(page)[0].title == "Shop" and "no text" in remarks(page)
    assert remarks(written(tmp_path / "b.html", "<title>Shop</title><p>Words</p>")) == ""


def test_what_forms_say_is_not_run_together(tmp_path: Path) -> None:
    page = "<p>Press <button>Save</button><button>Send</button></p><textarea>typed</textarea>then"
    assert documents(written(tmp_path / "a.html", page))[0].text.split() == "Press Save Send typed then".split()
