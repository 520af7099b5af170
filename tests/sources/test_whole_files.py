"""Files that are one document: text, Markdown, PDF, Word."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from searchctl.sources import Limits
from searchctl.types import Document
from tests.sources.kit import a_pdf, documents, failures, written


def test_text_files(tmp_path: Path) -> None:
    written(tmp_path / "a" / "Заметка о доме.txt", "Первая\r\nстрока")
    assert documents(tmp_path / "a") == [Document("Заметка о доме.txt", "Первая\r\nстрока", "Заметка о доме")]


def test_markdown(tmp_path: Path) -> None:
    content = """---
title: "From front matter"
tags: [a, b]
year: 2024
draft: false
authors:
  - Ann
  - Боб
empty:
---
# Heading

See [the *docs*](https://x.y/(z) "t") and ![picture](p.png), **bold** __too__, snake_case_name.
<!-- hidden -->
```python
x = a[0](b)  # **kept**
```
"""
    (document,) = documents(written(tmp_path / "f.md", content))
    assert document.title == "From front matter"
    assert document.fields == {"tags": ["a", "b"], "year": 2024, "draft": False, "authors": ["Ann", "Боб"]}
    assert document.text.split("\n", 2)[0] == "Heading"
    assert "See the docs and picture, bold too, snake_case_name." in document.text
    assert "x = a[0](b) # **kept**" in document.text and "```" not in document.text and "hidden" not in document.text


@pytest.mark.parametrize(
    ("content", "title", "text"),
    [
        ("# One #\n\ntext", "One", "text"),
        ("One\n===\ntext", "One", "text"),
        ("intro\n\n## Two\ntext", "Two", "intro\n\nTwo\n\ntext"),
        ("no heading\n\n---\n\ntext", "f", "no heading\n\ntext"),
        ("---\ntitle: T\n---\n# T\ntext", "T", "text"),
        ("```\n# comment\n```\n", "f", None),
    ],
)
def test_markdown_titles(tmp_path: Path, content: str, title: str, text: str | None) -> None:
    (document,) = documents(written(tmp_path / "f.md", content))
    assert document.title == title
    assert text is None or document.text == text


def test_pdf(tmp_path: Path) -> None:
    path = written(tmp_path / "f.pdf", a_pdf("Returns are free for 30 days.", "Second page."))
    (document,) = documents(path)
    assert document.text.split() == ["Returns", "are", "free", "for", "30", "days.", "Second", "page."]
    assert document.title == "f"
    (titled,) = documents(written(tmp_path / "g.pdf", a_pdf("Text", title="Terms")))
    assert titled.title == "Terms"


def test_pdfs_without_text_with_passwords_or_broken(tmp_path: Path) -> None:
    import pypdf

    blank = pypdf.PdfWriter()
    blank.add_blank_page(100, 100)
    blank.write(tmp_path / "blank.pdf")
    assert "no text" in failures(tmp_path / "blank.pdf")[0].reason
    blank.encrypt("secret", algorithm="RC4-128")
    blank.write(tmp_path / "locked.pdf")
    assert "password" in failures(tmp_path / "locked.pdf")[0].reason
    good = a_pdf("Text")
    for n, content in enumerate((b"%PDF-1.4\nno", good[: len(good) // 2], b"no pdf at all")):
        (failure,) = failures(written(tmp_path / f"{n}.pdf", content))
        assert "PDF" in failure.reason and failure.id == f"{n}.pdf"


def test_docx(tmp_path: Path) -> None:
    docx = pytest.importorskip("docx")
    made = docx.Document()
    made.core_properties.title = ""
    made.add_paragraph("Вступление.")
    made.add_heading("Возврат товара", 1)
    made.add_paragraph("Первый\tабзац\nс переносом.")
    table = made.add_table(2, 2)
    for place, text in enumerate(("a", "b", "c", "")):
        table.cell(place // 2, place % 2).text = text
    made.add_paragraph("Конец.")
    made.save(tmp_path / "f.docx")
    (document,) = documents(tmp_path / "f.docx")
    assert document.title == "Возврат товара"
    assert document.text == "Вступление.\n\nВозврат товара\n\nПервый абзац\nс переносом.\n\na | b\nc\n\nКонец."
    made.core_properties.title = "Свойство"
    made.save(tmp_path / "g.docx")
    assert documents(tmp_path / "g.docx")[0].title == "Свойство"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04 no zip", "broken DOCX"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 512, "password"),
        ({"a.xml": b"<a/>"}, "isn't a Word file"),
        ({"word/document.xml": b"<a>"}, "broken DOCX"),
        ({"word/document.xml": b" " * 3_000_000}, "unpacks to more than 1 MB"),
        ({"word/document.xml": b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'}, "declares entities"),
        (
            {"word/document.xml": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'},
            "declares entities",
        ),
    ],
)
def test_word_files_that_are_broken_or_hostile(tmp_path: Path, content: bytes | dict[str, bytes], reason: str) -> None:
    path = tmp_path / "f.docx"
    if isinstance(content, dict):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, part in content.items():
                file.writestr(name, part)
    else:
        path.write_bytes(content)
    (failure,) = failures(path, limits=Limits(file=1_000_000))
    assert reason in failure.reason and failure.id == "f.docx"
