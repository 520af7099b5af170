"""What tests of reading share: a file written, read, and its documents, failures and remarks."""

from __future__ import annotations

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
