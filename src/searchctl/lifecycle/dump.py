"""A dump: an index's documents, passages, vectors and stamp in plain files, to keep or to move between engines.

A folder of three files: `documents.jsonl` (or `.jsonl.gz`), one document a line in the order of the rows of vectors;
`vectors.safetensors` with one tensor `vectors` (passages, dim); `manifest.json` with the format, the stamp, counts and
SHA-256 of both. A document's passages have as many rows as it has passages, or none where `encoded` is false.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import version as package_version
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np

from searchctl.engines.base import FullEngine
from searchctl.errors import IndexExists, StorageError
from searchctl.ingest.copying import BATCH, Monitor
from searchctl.lifecycle.manifest import (
    DOCUMENT_FILES,
    DUMP_FORMAT,
    MANIFEST,
    PARTIAL,
    VECTORS,
    sha256_of,
)
from searchctl.translation import _
from searchctl.types import Entry, Json

_HEADER = 256  # bytes kept free for safetensors' header, which holds the count of rows: known only at the end


@dataclass(frozen=True, slots=True)
class DumpReport:
    """What was written, and where; `size` in bytes."""

    path: Path
    documents: int
    vectors: int
    size: int


def dump(engine: FullEngine, index: str, path: Path, monitor: Monitor, *, compress: bool = True) -> DumpReport | None:
    """Write an index to a new folder, which gets its name when it's complete; None when it was stopped before.

    The index may be in use. Raises IndexExists when `path` is there already, StorageError when it can't be written.
    """
    if path.exists():
        raise IndexExists(_("{path} is there already; name a new folder, or remove that one").format(path=path))
    name = engine.resolve(index)
    with _storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{token_hex(4)}{PARTIAL}")
        partial.mkdir()  # never one that was there
        try:
            counts = _write_files(engine, name, partial, monitor, DOCUMENT_FILES[compress])
            if counts is None:
                return None
            _write_manifest(partial, _manifest(engine, index, name, partial, counts))
            os.replace(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return DumpReport(path, *counts, sum(file.stat().st_size for file in path.iterdir()))


def _write_files(
    engine: FullEngine, index: str, folder: Path, monitor: Monitor, lines_name: str
) -> tuple[int, int] | None:
    """Write both files in one pass over the index and return how many documents and rows; None when stopped."""
    encoder = engine.schema(index).encoder
    dim, rows, seen, total = encoder.dim if encoder else 0, 0, set[int](), engine.count(index)
    with ExitStack() as files:
        plain = files.enter_context((folder / lines_name).open("wb"))
        vectors = files.enter_context((folder / VECTORS).open("wb"))
        lines: Any = plain
        if lines_name.endswith(".gz"):
            lines = files.enter_context(gzip.GzipFile("", "wb", 6, plain, mtime=0))
        vectors.write(bytes(_HEADER))
        for entries in engine.scan(index, batch=BATCH, vectors=True):
            if monitor.stop.is_set():
                return None
            for entry in entries:
                mark = hash(entry.document.id)
                if mark in seen:  # written anew since it was read; 64 bits tell millions of ids apart
                    continue
                seen.add(mark)
                lines.write(_as_line(entry))
                if entry.vectors is not None:
                    vectors.write(np.ascontiguousarray(entry.vectors, "<f4").tobytes())
                    rows += len(entry.vectors)
            if monitor.tell is not None:
                monitor.tell(len(seen), total)
        vectors.seek(0)
        vectors.write(_header(rows, dim))
        vectors.flush()
        os.fsync(vectors.fileno())
    return len(seen), rows


def _as_line(entry: Entry) -> bytes:
    document = entry.document
    data = {
        "id": document.id,
        "title": document.title,
        "text": document.text,
        "fields": dict(document.fields),
        "source": entry.source,
        "fingerprint": entry.fingerprint,
        "passages": [[passage.start, passage.end] for passage in entry.passages],
        "encoded": entry.vectors is not None,
    }
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _header(rows: int, dim: int) -> bytes:
    """Return safetensors' header, padded with blanks as its format allows: length, then JSON, then data.

    The library writes only arrays that are whole in memory; here rows come one by one, and their number is known at the end.
    """
    tensor = {"dtype": "F32", "shape": [rows, dim], "data_offsets": [0, rows * dim * 4]}
    text = json.dumps({"__metadata__": {"made_by": "searchctl"}, "vectors": tensor}).encode()
    return (_HEADER - 8).to_bytes(8, "little") + text.ljust(_HEADER - 8)


def _manifest(engine: FullEngine, index: str, name: str, folder: Path, counts: tuple[int, int]) -> Json:
    return {
        "format": DUMP_FORMAT,
        "searchctl": package_version("searchctl"),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "engine": engine.name,
        "index": index,
        "documents": counts[0],
        "vectors": counts[1],
        "schema": replace(engine.schema(name), lineage=None, layout=None).to_json(),
        "files": {file.name: sha256_of(file) for file in sorted(folder.iterdir())},
    }


def _write_manifest(folder: Path, data: Json) -> None:
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = _("can't write the dump {path}: {value}; check free space and permissions").format(
            path=path, value=error.strerror or error
        )
        raise StorageError(message) from error
