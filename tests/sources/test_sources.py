"""Reading sources: what each format gives, and that whatever is wrong with a file costs only that."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.sources import FORMATS, Failure, FieldMapping, Format, Limits, Record, SourceFile, discover, read
from searchctl.types import Document


def source(path: Path, **changes: Any) -> SourceFile:
    (file,) = discover([str(path)], **changes)
    return file


def items(path: Path, mapping: FieldMapping | None = None, **options: Any) -> list[Record | Failure]:
    return list(read(source(path), mapping or FieldMapping(), **options))


def documents(path: Path, mapping: FieldMapping | None = None, **options: Any) -> list[Document]:
    found = items(path, mapping, **options)
    assert all(isinstance(one, Record) for one in found), found
    return [one.document for one in found if isinstance(one, Record)]


def failures(path: Path, mapping: FieldMapping | None = None, **options: Any) -> list[Failure]:
    return [one for one in items(path, mapping, **options) if isinstance(one, Failure)]


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# Fields


@pytest.mark.parametrize(
    ("record", "document"),
    [
        ({"_id": "a", "title": "T", "text": "x"}, Document("a", "x", "T")),
        (
            {"id": 7, "body": "x", "lang": "ru", "n": 1.5, "ok": True},
            Document("7", "x", "", {"lang": "ru", "n": 1.5, "ok": True}),
        ),
        ({"Id": 1, "Subject": "S", "Description": "x"}, Document("1", "x", "S")),
        ({"id": 1, "заголовок": "З", "текст": "т"}, Document("1", "т", "З")),
        ({"id": 1, "question": "q?", "answer": "a."}, Document("1", "q?\na.", "", {"question": "q?", "answer": "a."})),
        ({"text": "x"}, Document("f.jsonl#1", "x")),
        ({"_id": None, "text": "x"}, Document("f.jsonl#1", "x")),
        ({"id": "a", "text": ["one", "two"]}, Document("a", "one\n\ntwo")),
        ({"id": "a", "title": "T", "text": ""}, Document("a", "", "T")),
        ({"id": "a", "text": "x", "metadata": {"lang": "en", "text": "no"}}, Document("a", "x", "", {"lang": "en"})),
        (
            {"id": "a", "text": "x", "by": {"name": "n", "tags": ["a", 1, None]}},
            Document("a", "x", "", {"by.name": "n", "by.tags": ["a", 1]}),
        ),
        (
            {"_id": "a", "_index": "i", "_score": 1, "_source": {"title": "T", "text": "x", "n": 1}},
            Document("a", "x", "T", {"n": 1}),
        ),
        ({"id": "a", "text": "x", "_error": {"reason": "r"}}, Document("a", "x")),
        (
            {"id": "a", "text": "x", "e": "", "n": None, "l": [], "deep": {"a": {"b": 1}}, "rows": [{"a": 1}]},
            Document("a", "x", "", {"deep.a.b": 1}),
        ),
        (
            {"id": "a", "text": "x", "big": 2**70, "list": [1, 2]},
            Document("a", "x", "", {"big": str(2**70), "list": [1, 2]}),
        ),
        ({"id": "a", "text": 12}, Document("a", "12")),
    ],
)
def test_usual_names_are_understood(tmp_path: Path, record: dict[str, Any], document: Document) -> None:
    assert documents(written(tmp_path / "f.jsonl", json.dumps(record))) == [document]


def test_a_mapping_says_otherwise(tmp_path: Path) -> None:
    path = written(
        tmp_path / "f.jsonl",
        json.dumps({"id": 1, "sku": "s", "name": "N", "a": "one", "b": "two", "price": 3, "text": "t"}),
    )
    mapping = FieldMapping(id="sku", title="name", text=("a", "missing", "b"), keep=("price",))
    assert documents(path, mapping) == [Document("s", "one\n\ntwo", "N", {"price": 3})]
    inner = written(tmp_path / "g.jsonl", json.dumps({"id": 1, "body": {"value": "x"}}))
    assert documents(inner, FieldMapping(text=("body.value",))) == [Document("1", "x")]
    assert documents(path, FieldMapping(keep=()))[0].fields == {}


@pytest.mark.parametrize(
    ("line", "id", "reason"),
    [
        ('{"id": [1], "text": "x"}', None, "id is a list"),
        ('{"id": true, "text": "x"}', None, "id is true or false"),
        ('{"id": {"a": 1}, "text": "x"}', "f.jsonl#2", None),
        ('{"id": "a\\nb", "text": "x"}', None, "id"),
        ('{"id": "\\ud800", "text": "x"}', None, "id"),
        ('{"id": "a", "text": {"a": [1]}, "title": "t"}', "a", None),
        ('{"id": "a", "text": [{"b": 1}]}', "a", "'text' holds a list of objects"),
        ("{bad json", None, "broken JSON"),
        ('{"id": "a", "text": "x"', None, "broken JSON"),
        ('{"id": "a\x00", "text": "x"}', None, "broken JSON"),
        ('["a"]', None, "found a list"),
        ('"a"', None, "found a string"),
        ("[" * 100_000, None, "JSON that can't be read"),
        ('{"id": ' + "9" * 5000 + "}", None, "JSON that can't be read"),
    ],
)
def test_a_broken_line_costs_that_line(tmp_path: Path, line: str, id: str | None, reason: str | None) -> None:
    path = written(tmp_path / "f.jsonl", f'{{"id": 1, "text": "before"}}\n{line}\n\n{{"id": 4, "text": "after"}}\n')
    first, found, last = items(path)
    assert isinstance(first, Record) and first.document.text == "before"
    assert isinstance(last, Record) and (last.document.text, last.position) == ("after", 4)
    assert (found.source, found.position) == (str(path), 2)
    if reason is None:  # objects are flattened, so that nothing is wrong here
        assert isinstance(found, Record) and found.document.id == id
    else:
        assert isinstance(found, Failure) and found.id == id
        assert reason in found.reason
        assert found.excerpt and len(found.excerpt) <= 200


def test_nan_is_a_missing_value(tmp_path: Path) -> None:
    assert documents(written(tmp_path / "f.jsonl", '{"id": 1, "text": "x", "n": NaN, "m": -Infinity, "k": 1e999}')) == [
        Document("1", "x")
    ]


def test_a_named_field_that_cannot_be_kept_is_a_failure(tmp_path: Path) -> None:
    path = written(tmp_path / "f.jsonl", '{"id": 1, "text": "x", "rows": [{"a": 1}]}')
    (found,) = failures(path, FieldMapping(keep=("rows",)))
    assert found.id == "1" and "'rows' holds a list of objects" in found.reason


def test_a_named_id_or_text_that_is_missing_is_a_failure_that_lists_the_fields(tmp_path: Path) -> None:
    path = written(tmp_path / "f.jsonl", '{"sku": null, "body": "x"}')
    assert (
        "'sku' is missing or empty; the record has: 'sku', 'body'" in failures(path, FieldMapping(id="sku"))[0].reason
    )
    assert "no field 'txt'; the record has: 'sku', 'body'" in failures(path, FieldMapping(text=("txt",)))[0].reason


# Damage


def test_a_truncated_gzip_gives_what_can_be_unpacked(tmp_path: Path) -> None:
    rng = random.Random(5)
    lines = [json.dumps({"id": n, "text": f"{rng.random()}"}) for n in range(20_000)]
    packed = gzip.compress("\n".join(lines).encode())
    found = items(written(tmp_path / "f.jsonl.gz", packed[: len(packed) * 3 // 4]))
    records, (last,) = found[:-1], found[-1:]
    assert 10_000 < len(records) < 20_000
    assert [one.document.id for one in records if isinstance(one, Record)] == [str(n) for n in range(len(records))]
    assert isinstance(last, Failure) and "cut off or damaged" in last.reason
    assert len(documents(written(tmp_path / "whole.jsonl.gz", packed))) == 20_000


def test_gzip_that_is_not_gzip_and_gzip_with_a_wrong_checksum(tmp_path: Path) -> None:
    unpacked = written(tmp_path / "a.jsonl.gz", '{"id": 1, "text": "x"}')  # a browser did that and kept the name
    assert documents(unpacked) == [Document("1", "x")]
    packed = bytearray(gzip.compress(b'{"id": 1, "text": "x"}\n'))
    packed[-6] ^= 0xFF
    record, failure = items(written(tmp_path / "b.jsonl.gz", bytes(packed)))
    assert isinstance(record, Record) and isinstance(failure, Failure)


@pytest.mark.parametrize(
    "content",
    [
        random.Random(0).randbytes(4096),
        b"\0" * 100,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random.Random(1).randbytes(200),
        gzip.compress(b"text" * 99, mtime=0),
    ],
    ids=["random", "zeros", "picture", "packed"],
)
@pytest.mark.parametrize("name", ["f.txt", "f.md", "f.jsonl", "f.csv", "f.json", "f.html"])
def test_binary_files_by_other_names(tmp_path: Path, content: bytes, name: str) -> None:
    found = items(written(tmp_path / name, content))
    assert found and all(isinstance(one, Failure) for one in found)


def test_a_line_over_the_limit_is_skipped_in_bounded_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "f.jsonl"
    with path.open("wb") as file:
        file.write(b'{"id": 1, "text": "a"}\n{"id": 2, "text": "')
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n{"id": 3, "text": "c"}\n')
    limits = Limits(record=1_000_000)
    tracemalloc.start()
    first, long, last = read(source(path), FieldMapping(), limits=limits)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(first, Record) and isinstance(last, Record) and last.position == 3
    assert isinstance(long, Failure) and "longer than 1 MB" in long.reason and long.position == 2
    assert peak < 6_000_000


def test_whole_files_have_a_limit_also_when_they_are_packed(tmp_path: Path) -> None:
    limits = Limits(file=1_000_000)
    for name in ("f.txt", "f.json", "f.pdf", "f.docx"):
        content = b'{"text": "' + b"x" * 5_000_000
        (failure,) = failures(written(tmp_path / f"{name}.gz", gzip.compress(content)), limits=limits)
        assert "more than 1 MB" in failure.reason and failure.source.endswith(f"{name}.gz")


def test_a_gzip_bomb_in_a_line_costs_that_line(tmp_path: Path) -> None:
    bomb = gzip.compress(b'{"id": 1, "text": "' + b"x" * 30_000_000 + b'"}\n{"id": 2, "text": "b"}\n')
    long, last = items(written(tmp_path / "f.jsonl.gz", bomb))
    assert isinstance(long, Failure) and isinstance(last, Record)


def test_a_file_that_vanished_is_one_failure(tmp_path: Path) -> None:
    path = written(tmp_path / "f.txt", "text")
    file = source(path)
    path.unlink()
    (failure,) = read(file, FieldMapping())
    assert isinstance(failure, Failure) and "No such file" in failure.reason


@pytest.mark.parametrize("name", ["f.txt", "f.md", "f.html", "f.csv", "f.json"])
def test_an_empty_file_is_a_failure_and_an_empty_jsonl_is_nothing(tmp_path: Path, name: str) -> None:
    assert len(failures(written(tmp_path / name, " \n"))) == 1
    assert items(written(tmp_path / "f.jsonl", " \n\n")) == []


# Whole files


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


def a_pdf(*pages: str, title: str = "") -> bytes:
    """Return a PDF made by hand, one line of Helvetica a page."""
    import pypdf
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = pypdf.PdfWriter()
    font = DictionaryObject(
        {
            NameObject(k): NameObject(v)
            for k, v in (("/Type", "/Font"), ("/Subtype", "/Type1"), ("/BaseFont", "/Helvetica"))
        }
    )
    for text in pages:
        page = writer.add_blank_page(500, 500)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 50 400 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = stream
    if title:
        writer.add_metadata({"/Title": title})
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


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


# Rows


def test_csv_with_quotes_lines_in_cells_and_types(tmp_path: Path) -> None:
    content = (
        'id,title,text,price,ok,zip,note\n1,"A, b","line one\nline ""two""",10,true,01234,\n2,C,d,2.5,FALSE,01235,x\n\n'
    )
    assert documents(written(tmp_path / "f.csv", content)) == [
        Document("1", 'line one\nline "two"', "A, b", {"price": 10, "ok": True, "zip": "01234"}),
        Document("2", "d", "C", {"price": 2.5, "ok": False, "zip": "01235", "note": "x"}),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.csv", "id;text\n1;a, b\n"),
        ("f.csv", "sep=;\nid;text\n1;a, b\n"),
        ("f.csv", "\ufeffid\ttext\r\n1\ta, b\r\n"),
        ("f.csv", "id|text\n1|a, b\n"),
        ("f.tsv", "id\ttext\n1\ta, b\n"),
        ("f.csv", 'id,text\n1,"a, b"'),
    ],
)
def test_delimiters(tmp_path: Path, name: str, content: str) -> None:
    assert documents(written(tmp_path / name, content)) == [Document("1", "a, b")]


def test_rows_without_an_id_are_named_by_their_line(tmp_path: Path) -> None:
    found = items(written(tmp_path / "f.csv", 'text\n"a\nb"\nc\n'))
    assert [(one.document.id, one.position) for one in found if isinstance(one, Record)] == [
        ("f.csv#2", 2),
        ("f.csv#4", 4),
    ]


def test_a_wrong_row_costs_that_row(tmp_path: Path) -> None:
    content = 'id,text\n1,a\n2\n3,b,c\n4,d,,\n5,"not closed\n6,e\n7,"x"y"\n8,"f, g" h\n,,\n9,"a\nb\nc'
    found = items(written(tmp_path / "f.csv", content))
    assert [(one.document.id, one.document.text) for one in found if isinstance(one, Record)] == [
        ("1", "a"),
        ("4", "d"),
        ("5", '"not closed'),
        ("6", "e"),
        ("7", '"x"y"'),
    ]
    assert [(one.position, one.reason.split(":")[0]) for one in found if isinstance(one, Failure)] == [
        (4, "the row has 3 cells, the first row has 2"),
        (9, "broken row"),
        (11, "broken row"),
    ]


def test_quotes_mean_nothing_in_tabs_without_quoting(tmp_path: Path) -> None:
    content = 'id\ttext\n1\t"Never closed\n2\t5" disk\n3\t"closed\ttab"\n'
    assert [(one.id, one.text) for one in documents(written(tmp_path / "f.tsv", content))] == [
        ("1", '"Never closed'),
        ("2", '5" disk'),
        ("3", "closed\ttab"),
    ]


def test_columns_that_were_asked_for_must_be_there(tmp_path: Path) -> None:
    (failure,) = failures(
        written(tmp_path / "f.csv", "id,body\n1,a\n2,b\n"), FieldMapping(text=("body",), title="subject")
    )
    assert failure.reason == "no column 'subject'; the first row has: 'id', 'body'"


def test_a_column_that_stops_being_numbers_keeps_its_strings(tmp_path: Path) -> None:
    rows = "".join(f"{n},word,{n}\n" for n in range(10_000)) + "x,word,12А\n"
    found = documents(written(tmp_path / "f.csv", "id,text,n\n" + rows))
    assert found[9999].fields == {"n": 9999} and found[10_000].fields == {"n": "12А"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([{"id": 1, "text": "a"}, {"text": "b"}], [("1", "a"), ("f.json#2", "b")]),
        ({"version": 2, "items": [{"id": 1, "text": "a"}]}, [("1", "a")]),
        ({"text": "a", "tags": ["x"]}, [("f.json", "a")]),
        ({"id": "one", "text": "a", "parts": [{"n": 1}], "more": [{"n": 2}]}, [("one", "a")]),
    ],
)
def test_json(tmp_path: Path, content: Any, expected: list[tuple[str, str]]) -> None:
    assert [(one.id, one.text) for one in documents(written(tmp_path / "f.json", json.dumps(content)))] == expected


def test_json_failures(tmp_path: Path) -> None:
    found = items(written(tmp_path / "f.json", '[{"id": 1, "text": "a"}, 5, {"id": [3], "text": "b"}]'))
    assert [type(one).__name__ for one in found] == ["Record", "Failure", "Failure"]
    assert "broken JSON" in failures(written(tmp_path / "g.json", '[{"id": 1'))[0].reason
    assert "found a number" in failures(written(tmp_path / "h.json", "5"))[0].reason


# Finding files


def tree(root: Path, *names: str) -> Path:
    for name in names:
        written(root / name, "text")
    return root


def uris(*paths: str | Path, **options: Any) -> list[str]:
    return [file.uri for file in discover([str(path) for path in paths], **options)]


def test_folders_are_searched_in_a_stable_order(tmp_path: Path) -> None:
    root = tree(
        tmp_path / "r",
        "b.txt",
        "a/z.md",
        "a/b/c.TXT",
        "c.jsonl.gz",
        ".hidden.txt",
        ".git/x.txt",
        "pic.png",
        "~$lock.docx",
        "noending",
    )
    found = discover([str(root)])
    assert [file.uri for file in found] == ["a/b/c.TXT", "a/z.md", "b.txt", "c.jsonl.gz"]
    assert [(file.format, file.gzip, file.size, file.root) for file in found][2:] == [
        ("txt", False, 4, root),
        ("jsonl", True, 4, root),
    ]
    assert [(one.path.name, one.reason) for one in found.skipped] == [
        ("noending", "unknown ending (none)"),
        ("pic.png", "unknown ending .png"),
    ]


def test_patterns(tmp_path: Path) -> None:
    root = tree(
        tmp_path, "a.md", "b.txt", "docs/a.md", "docs/old/c.md", "docs/d[1].txt", "drafts/x.md", "deep/drafts/y.md"
    )
    assert uris(root, include=["*.md"]) == ["a.md", "deep/drafts/y.md", "docs/a.md", "docs/old/c.md", "drafts/x.md"]
    assert uris(root, include=["docs/*"]) == ["docs/a.md", "docs/d[1].txt", "docs/old/c.md"]
    assert uris(root, include=["docs/*.md"]) == ["docs/a.md"]
    assert uris(root, include=["**/old/**", "?.txt"]) == ["b.txt", "docs/old/c.md"]
    assert uris(root, exclude=["drafts/", "*.txt"]) == ["a.md", "docs/a.md", "docs/old/c.md"]
    assert uris(root, exclude=["/drafts", "docs/**"]) == ["a.md", "b.txt", "deep/drafts/y.md"]
    assert uris(root, include=["[a-b].*"], exclude=["[!b]*.md"]) == ["b.txt"]
    assert uris(root / "a.md", root / "b.txt", exclude=["*.md"]) == ["b.txt"]


def test_links_are_followed_once(tmp_path: Path) -> None:
    root = tree(tmp_path / "r", "a.txt", "sub/b.txt")
    other = tree(tmp_path / "other", "c.txt")
    (root / "sub" / "loop").symlink_to(root)
    (root / "linked").symlink_to(other)
    (root / "same.txt").symlink_to(root / "a.txt")
    (root / "dangling.txt").symlink_to(tmp_path / "nowhere")
    found = discover([str(root), str(root / "sub")])
    assert [file.uri for file in found] == ["a.txt", "linked/c.txt", "sub/b.txt"]
    assert [one.path.name for one in found.skipped] == ["dangling.txt"]


def test_of_a_corpus_only_the_documents_are_read(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "x/corpus.jsonl",
        "x/queries.jsonl",
        "x/README.md",
        "y/corpus.jsonl.gz",
        "y/qrels/test.tsv",
        "z/corpus.jsonl",
    )
    assert uris(root) == ["x/corpus.jsonl", "y/corpus.jsonl.gz", "z/corpus.jsonl"]


def test_engines_folders_are_passed_over(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "a.txt",
        "mine/searchctl.json",
        "mine/x.json",
        "fresh/indexes/default/index.sqlite",
        "fresh/indexes/default/state.json",
    )
    assert uris(root) == ["a.txt"]


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/x.txt", "a/only.txt", "b/x.txt", "c/a/x.txt")
    assert uris(root / "a", root / "b") == ["only.txt", "a/x.txt", "b/x.txt"]
    assert uris(root / "a/x.txt", root / "b/x.txt") == ["a/x.txt", "b/x.txt"]
    full = str(root).lstrip("/")
    assert uris(root / "a/x.txt", root / "c/a/x.txt") == [f"{full}/a/x.txt", f"{full}/c/a/x.txt"]


def test_names_that_are_not_utf8_and_decomposed_names(tmp_path: Path) -> None:
    try:
        with open(os.fsencode(tmp_path) + b"/\xff.txt", "wb") as file:
            file.write(b"text")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    written(tmp_path / "и\u0306.txt", "text")
    found = discover([str(tmp_path)])
    assert sorted(file.uri for file in found) == ["\\xff.txt", "й.txt"]
    for file in found:
        (record,) = read(file, FieldMapping())
        assert isinstance(record, Record)
        record.source.encode("utf-8")


def test_what_cannot_be_found_says_what_to_type(tmp_path: Path) -> None:
    from searchctl.errors import SourceError

    with pytest.raises(SourceError, match=r"can't read '.*nothing': No such file or directory; .*ls "):
        discover([str(tmp_path / "nothing")])
    with pytest.raises(SourceError, match=r"can't tell the format of '.*x\.log'.*--format txt\|"):
        discover([str(written(tmp_path / "x.log", "text"))])
    with pytest.raises(SourceError, match=r"nothing to read in .*1 × unknown ending \.log"):
        discover([str(tmp_path)])
    with pytest.raises(SourceError, match="no encoding 'utf8000'"):
        discover([str(tmp_path)], encoding="utf8000")


def test_a_format_is_for_names_that_do_not_tell(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.log", "b.md")
    assert [file.format for file in discover([str(root)], format="txt")] == ["txt", "md"]
    assert source(root / "a.log", format="txt").format == "txt"


# Streams


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b' \n{"id": 1, "text": "a"}\n{"text": "b"}', [("1", "a"), ("stdin#3", "b")]),
        (gzip.compress(b'{"id": 1, "text": "a"}\n', mtime=0), [("1", "a")]),
        ("Просто текст".encode(), [("stdin", "Просто текст")]),
        ("Просто русский текст".encode("koi8-r"), [("stdin", "Просто русский текст")]),
    ],
)
def test_standard_input_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, content: bytes, expected: list[tuple[str, str]]
) -> None:
    assert [(one.id, one.text) for one in from_stdin(monkeypatch, content)] == expected


def test_standard_input_in_a_format(monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_stdin(monkeypatch, b"id,text\n1,a\n", format="csv") == [Document("1", "a")]
    assert from_stdin(monkeypatch, b"id,text\n1,\xe9t\xe9\n", format="csv", encoding="latin-1") == [
        Document("1", "été")
    ]


def from_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes, **options: Any) -> list[Document]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    (file,) = discover(["-"], **options)
    found = list(read(file, FieldMapping()))
    assert all(isinstance(one, Record) and one.source == "-" for one in found), found
    return [one.document for one in found if isinstance(one, Record)]


def test_a_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    file = source(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b'{"id": 1, "text": "a"}\n' * 3,))
    writer.start()
    found = list(read(file, FieldMapping()))
    writer.join()
    assert file.size is None and [one.position for one in found] == [1, 2, 3]


def test_reading_is_lazy(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text('{"id": 1, "text": "a"}\n' * 100_000)
    reader = read(source(path), FieldMapping())
    next(reader)
    with path.open("w"):
        pass  # what was looked at is all that is still known
    assert len(list(reader)) < 60_000


# Anything at all


PIECES = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\n",
        b"\r\n",
        b",",
        b";",
        b"\t",
        b":",
        b"id",
        b"text",
        b"1",
        b"\0",
        b"\xff\xfe",
        b"\x1f\x8b",
        b"---\n",
    ]
    + [
        b"<p>",
        b"<td>",
        b"</",
        b"<!--",
        b"&#0;",
        b"# ",
        b"```\n",
        b"[a](b)",
        b"\xd0\x9f",
        b"\xcf\xd0",
        b"\\ud800",
        b"NaN",
        b"1e999",
        b"%PDF-",
        b"PK\x03\x04",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(FORMATS),
    st.lists(PIECES, max_size=60).map(b"".join) | st.binary(max_size=200),
    st.booleans(),
    st.booleans(),
)
def test_nothing_in_a_file_raises(format: Format, content: bytes, packed: bool, boilerplate: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / (f"f.{format}" + ".gz" * packed), gzip.compress(content) if packed else content)
        for item in read(source(path), FieldMapping(), boilerplate=boilerplate):
            assert item.position >= 1
            if isinstance(item, Record):
                document = item.document
                assert document.id and (document.text.strip() or document.title.strip())
            else:
                assert item.reason and len(item.excerpt) <= 200


def test_a_row_is_kept_as_it_stood(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text,note\n007,hello,\n8,,x\n")
    (tmp_path / "a.jsonl").write_text('{"id": 7, "text": "hello", "note": null}\n{"id": 8, "text": ""}\n')
    table = list(read(discover([str(tmp_path / "a.csv")])[0], FieldMapping()))
    lines = list(read(discover([str(tmp_path / "a.jsonl")])[0], FieldMapping()))
    assert [one.raw for one in table] == [
        {"id": "007", "text": "hello", "note": ""},
    ]
    assert [one.raw for one in lines] == [{"id": 7, "text": "hello", "note": None}]
