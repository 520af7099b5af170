"""What tests of reading share: a file written, read, and its documents, failures and remarks."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from searchctl.sources import Failure, FieldMapping, Record, Remarks, SourceFile, discover, read
from searchctl.types import Document


def written(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def source(path: Path, **changes: Any) -> SourceFile:
    (file,) = discover([str(path)], **changes)
    return file


def items(path: Path, mapping: FieldMapping | None = None, **options: Any) -> list[Record | Failure]:
    return list(read(source(path), mapping or FieldMapping(), **options))


def documents(path: Path, mapping: FieldMapping | None = None, **options: Any) -> list[Document]:
    found = items(path, mapping, **options)
    assert all(isinstance(item, Record) for item in found), found
    return [item.document for item in found if isinstance(item, Record)]


def failures(path: Path, mapping: FieldMapping | None = None, **options: Any) -> list[Failure]:
    return [item for item in items(path, mapping, **options) if isinstance(item, Failure)]


def remarks(path: Path, mapping: FieldMapping | None = None, **options: Any) -> str:
    counted = Remarks()
    items(path, mapping, remarks=counted, **options)
    return "\n".join(counted.lines())


def pairs(path: Path, mapping: FieldMapping | None = None) -> list[tuple[str, str]]:
    return [(document.id, document.text) for document in documents(path, mapping)]


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
