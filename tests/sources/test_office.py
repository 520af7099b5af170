"""Office files and e-mails: what each gives, and that a missing library, a password or damage is said."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from searchctl.errors import SourceError
from searchctl.sources import FieldMapping, Limits, Record, discover
from searchctl.sources.formats import FileFormat, formats
from tests.sources.kit import documents, failures, items, remarks, written


def zipped(path: Path, parts: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in parts.items():
            file.writestr(name, part)
    return path


def test_a_workbook_gives_the_rows_of_each_sheet(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Заявки"
    for row in (
        ("Отчёт за март", None, None, None),
        (None, None, None, None),
        ("Код", "Тема", "Текст", "Дата"),
        ("007", "Возврат", "Не вернули деньги", dt.datetime(2026, 3, 5)),
        (8, "Доставка", "Курьер не приехал", dt.datetime(2026, 3, 6, 14, 30)),
    ):
        sheet.append(row)
    other = book.create_sheet("Other")
    other.append(["id", "text", "price"])
    other.append(["x", "words", 9.5])
    book.create_sheet("hidden").sheet_state = "hidden"
    book.save(tmp_path / "b.xlsx")
    found = documents(tmp_path / "b.xlsx")
    assert [(one.id, one.title, one.text) for one in found] == [
        ("b.xlsx#Заявки!4", "Возврат", "Не вернули деньги"),
        ("b.xlsx#Заявки!5", "Доставка", "Курьер не приехал"),
        ("x", "", "words"),
    ]
    assert found[0].fields == {"Код": "007", "Дата": "2026-03-05"}
    assert found[1].fields == {"Код": "8", "Дата": "2026-03-06T14:30:00"} and found[2].fields == {"price": 9.5}
    assert "hidden sheets left out" in remarks(tmp_path / "b.xlsx")


def test_workbooks_that_are_broken_or_have_a_password(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    assert "broken XLSX" in failures(zipped(tmp_path / "a.xlsx", {"x": "y"}))[0].reason
    assert "password" in failures(written(tmp_path / "b.xlsx", b"\xd0\xcf\x11\xe0" + b"\0" * 600))[0].reason
    bomb = zipped(tmp_path / "c.xlsx", {"xl/sharedStrings.xml": b" " * 250_000_000})
    assert "unpacks to" in failures(bomb)[0].reason


def test_slides_with_tables_charts_and_notes(tmp_path: Path) -> None:
    pptx = pytest.importorskip("pptx")
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    deck = pptx.Presentation()
    for title, body in (("Возврат товара", "Четырнадцать дней"), ("Доставка", "Курьером")):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, body
    table = slide.shapes.add_table(1, 2, 0, 0, 100, 100).table
    table.cell(0, 0).text, table.cell(0, 1).text = "Срок", "3 дня"
    slide.notes_slide.notes_text_frame.text = "Сказать про выходные"
    data = CategoryChartData()
    data.categories = ["Восток", "Запад"]
    data.add_series("Продажи", (1, 2))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 100, 100, data)
    deck.save(tmp_path / "d.pptx")
    (record,) = items(tmp_path / "d.pptx")
    assert isinstance(record, Record)
    assert record.document.title == "Возврат товара"
    assert record.document.text.split("\n\n") == [
        *(
            "Возврат товара",
            "Четырнадцать дней",
            "Доставка",
            "Курьером",
            "Срок | 3 дня",
            "Восток | Запад | Продажи",
            "Сказать про выходные",
        )
    ]
    assert [(one.heading, one.page) for one in record.sections] == [("Возврат товара", 1), ("Доставка", 2)]


def test_opendocument_text(tmp_path: Path) -> None:
    odfdo = pytest.importorskip("odfdo")
    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Header(1, "Правила"))
    document.body.append(odfdo.Paragraph("Деньги возвращаются за десять дней."))
    table = odfdo.Table("T", width=2, height=1)
    table.set_values([["Срок", "3 дня"]])
    document.body.append(table)
    document.save(str(tmp_path / "o.odt"))
    (found,) = documents(tmp_path / "o.odt")
    assert found.title == "Правила"
    assert found.text == "Правила\n\nДеньги возвращаются за десять дней.\n\nСрок | 3 дня"
    assert "broken ODT" in failures(zipped(tmp_path / "x.odt", {"x": "y"}))[0].reason


def test_rtf_in_a_code_page(tmp_path: Path) -> None:
    pytest.importorskip("striprtf")
    words = "".join(f"\\'{byte:02x}" for byte in "Возврат".encode("cp1251"))
    path = written(tmp_path / "r.rtf", rf"{{\rtf1\ansi\ansicpg1251 {words} \u1095? {{\b kettle}}\par second}}")
    (found,) = documents(path)
    assert found.text == "Возврат ч kettle\nsecond"
    assert "isn't RTF" in failures(written(tmp_path / "x.rtf", "plain"))[0].reason


def test_restructured_text_of_sphinx(tmp_path: Path) -> None:
    pytest.importorskip("docutils")
    content = """Descaling
=========

Pour in :term:`citric acid <acid>` and *boil*.

.. note:: Be careful.

.. include:: /etc/passwd

.. toctree::
   :maxdepth: 2

   other

Next part
---------

.. code-block:: python

   x = 1

========  =====
Part      Price
========  =====
Lid       5
========  =====
"""
    (record,) = items(written(tmp_path / "d.rst", content))
    assert isinstance(record, Record)
    assert record.document.title == "Descaling"
    assert record.document.text.split("\n\n") == [
        *("Pour in citric acid and boil.", "Be careful.", "Next part", "x = 1", "Part | Price\nLid | 5")
    ]
    assert [(one.heading, one.line) for one in record.sections] == [("Descaling", 1), ("Next part", 15)]
    assert "included file isn't read" in remarks(tmp_path / "d.rst")


def test_a_notebook(tmp_path: Path) -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "source": ["# Kettles\n", "Some **words**."]},
        {"cell_type": "code", "source": "x = '```'", "outputs": [{"text": "junk"}]},
    ]
    (found,) = documents(written(tmp_path / "n.ipynb", json.dumps({"cells": cells, "nbformat": 4})))
    assert (found.title, found.text) == ("Kettles", "Some words.\n\nx = '```'")
    assert "outputs" in remarks(tmp_path / "n.ipynb")
    old = {
        "worksheets": [
            {"cells": [{"cell_type": "heading", "level": 1, "source": "Old"}, {"cell_type": "code", "input": "y"}]}
        ]
    }
    assert documents(written(tmp_path / "o.ipynb", json.dumps(old)))[0].title == "Old"
    assert "isn't a notebook" in failures(written(tmp_path / "x.ipynb", "[]"))[0].reason


def test_a_book_is_read_in_its_order(tmp_path: Path) -> None:
    opf = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>
    <dc:title>Чайники</dc:title></metadata><manifest><item id="a" href="z.xhtml" media-type="application/xhtml+xml"/>
    <item id="b" href="a%20b.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/>
    <itemref idref="b"/></spine></package>"""
    parts = {
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="O/c.opf"/></rootfiles></container>',
        "O/c.opf": opf,
        "O/z.xhtml": "<html><body><h1>Первая</h1><p>Вода кипит.</p></body></html>",
        "O/a b.xhtml": "<html><body><h1>Вторая</h1><p>Чай готов.</p></body></html>",
    }
    (record,) = items(zipped(tmp_path / "b.epub", dict(parts)))
    assert isinstance(record, Record)
    assert (record.document.title, record.document.text) == ("Чайники", "Первая\n\nВода кипит.\n\nВторая\n\nЧай готов.")
    assert [one.heading for one in record.sections] == ["Первая", "Вторая"]
    assert "isn't an EPUB" in failures(zipped(tmp_path / "x.epub", {"x": "y"}))[0].reason


def a_mail(subject: str, text: str, html: str = "") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Date"] = "Анна <a@example.org>", subject, "Mon, 05 Jan 2026 10:00:00 +0300"
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def test_a_mail_and_a_mailbox(tmp_path: Path) -> None:
    mail = a_mail("Посылка опаздывает", "Где мой заказ?\n", "<p>Где мой заказ?</p>")
    mail.add_attachment(b"x", maintype="image", subtype="png", filename="чек.png")
    (found,) = documents(written(tmp_path / "m.eml", bytes(mail)))
    assert (found.title, found.text) == ("Посылка опаздывает", "Где мой заказ?")
    assert found.fields["date"] == "2026-01-05T10:00:00+03:00" and found.fields["attachments"] == ["чек.png"]
    assert "attachments" in remarks(tmp_path / "m.eml")
    box = b"".join(
        b"From a Mon Jan  1 00:00:00 2026\n" + bytes(a_mail(f"S{n}", f"text {n}\n>From me")) + b"\n" for n in range(3)
    )
    assert [(one.id, one.title) for one in documents(written(tmp_path / "b.mbox", box))] == [
        *(("b.mbox#1", "S0"), ("b.mbox#2", "S1"), ("b.mbox#3", "S2"))
    ]
    only_html = a_mail("H", "x")
    only_html.set_content("<p>Only <b>HTML</b></p>", subtype="html")
    assert documents(written(tmp_path / "h.eml", bytes(only_html)))[0].text == "Only HTML"
    assert "isn't a mailbox" in failures(written(tmp_path / "x.mbox", "no mail"))[0].reason
    assert "isn't an e-mail" in failures(written(tmp_path / "x.eml", "\n\n"))[0].reason


def test_an_archive_is_read_like_a_folder(tmp_path: Path) -> None:
    inner = io.BytesIO()
    zipfile.ZipFile(inner, "w").close()
    parts: dict[str, str | bytes] = {
        "docs/a.md": "# A\n\nwords",
        "rows.jsonl": '{"id": 1, "text": "row"}\n{"id": 2, "text": }\n',
        "picture.png": b"x",
        "__MACOSX/docs/a.md": "junk",
        "inner.zip": inner.getvalue(),
        "../out.txt": "outside",
    }
    found = items(zipped(tmp_path / "z.zip", parts))
    assert [one.document.id for one in found if isinstance(one, Record)] == ["z.zip/docs/a.md", "1"]
    assert {one.source for one in found} == {str(tmp_path / "z.zip")}
    assert [one.reason.split(":")[0] for one in found if not isinstance(one, Record)] == ["broken JSON"]
    assert "passed over: .png" in remarks(tmp_path / "z.zip") and ".zip (in a zip file)" in remarks(tmp_path / "z.zip")
    assert "broken zip" in failures(written(tmp_path / "x.zip", "no"))[0].reason


def test_a_missing_library_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = FileFormat("xlsx", (".xlsx",), "sheets:read_sheets", rows=True, needs=("no_such_module",))
    monkeypatch.setitem(formats(), "xlsx", missing)  # type: ignore[arg-type]
    written(tmp_path / "a.xlsx", b"x")
    written(tmp_path / "b.txt", "words")
    with pytest.raises(SourceError, match=r"pip install .*\[office\]'"):
        discover([str(tmp_path / "a.xlsx")])
    found = discover([str(tmp_path)])
    assert [file.uri for file in found] == ["b.txt"]
    assert "[office]'" in found.skipped[0].reason


@pytest.mark.parametrize("format", [name for name, form in formats().items() if not form.missing])
@pytest.mark.parametrize("content", [b"", b"\0", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"{\\rtf1 \\u-1?", b"From x\n\n"])
def test_no_content_raises(tmp_path: Path, format: str, content: bytes) -> None:
    path = written(tmp_path / f"f{formats()[format].endings[0]}", content)
    for item in items(path, FieldMapping(), limits=Limits(seconds=20)):
        assert item.position >= 1
