"""A dump back to an index: checked whole before anything is written, then filled behind the name."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from safetensors import SafetensorError, safe_open

from searchctl.engines.base import FullEngine
from searchctl.errors import IndexExists, IndexFormatError, IndexMissing
from searchctl.ingest.copying import BATCH, Monitor, check_complete, fill, save_background
from searchctl.lifecycle.manifest import (
    VECTORS,
    Manifest,
    read_manifest,
    sha256_of,
)
from searchctl.lifecycle.versions import Move, move, open_version
from searchctl.schema import Lineage
from searchctl.translation import _
from searchctl.types import Document, Entry, Passage

_TENSOR = "vectors"
_LONGEST_LINE = 1 << 28  # bytes; a document that long was never stored


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What came of restoring; `moved` is None when it was interrupted."""

    version: str
    documents: int
    written: int
    moved: Move | None


def restore(
    engine: FullEngine, index: str, path: Path, monitor: Monitor, *, replace_index: bool = False
) -> RestoreReport:
    """Fill a new version of `index` from a dump, whole or not at all, and point the name at it.

    What an interrupted call stored is taken up by the next. Raises IndexExists when the name is taken and `replace_index`
    isn't set, IndexFormatError when the dump is damaged: that is looked for before anything is written.
    """
    manifest = read_manifest(path)
    made_from = f"dump {manifest.digest}"
    _check_free(engine, index, replace_index)
    _check_files(path, manifest)
    version = open_version(engine, index, replace(manifest.schema, lineage=Lineage(made_from)))
    with engine.writing(version):
        filled = fill(
            engine,
            version,
            _read_entries(path, manifest),
            lambda entries, _ignored: entries,
            monitor,
            manifest.documents,
        )
    if monitor.stop.is_set():
        return RestoreReport(version, engine.count(version), filled.written, None)
    check_complete(engine, version, manifest.documents, filled, f"the dump {path}")
    save_background(engine, version)
    return RestoreReport(version, manifest.documents, filled.written, move(engine, index, version))


def _check_free(engine: FullEngine, index: str, replace_index: bool) -> None:
    try:
        taken = engine.resolve(index)
    except IndexMissing:
        return
    if not replace_index:
        raise IndexExists(
            _(
                "there is an index '{index}' ({taken}) already; choose another --index, or restore behind its "
                "name with --replace"
            ).format(index=index, taken=taken)
        )


def _check_files(path: Path, manifest: Manifest) -> None:
    for name, digest in manifest.files.items():
        if not (path / name).is_file():
            raise IndexFormatError(
                _("the dump {path} lacks {name}; take another copy of it").format(path=path, name=name)
            )
        if sha256_of(path / name) != digest:
            raise IndexFormatError(
                _("{path} is damaged: its SHA-256 isn't the manifest's; take another copy of it").format(
                    path=path / name
                )
            )
    with _open_vectors(path, manifest):
        pass


def _read_entries(path: Path, manifest: Manifest) -> Iterator[list[Entry]]:
    """Yield a dump's entries in batches. Raises IndexFormatError."""
    opened = gzip.open if manifest.lines.endswith(".gz") else open
    with _open_vectors(path, manifest) as tensors, opened(path / manifest.lines, "rb") as lines:
        rows = tensors.get_slice(_TENSOR)
        start = 0
        numbered = _lines(cast("IO[bytes]", lines), path / manifest.lines)
        while batch := list(islice(numbered, BATCH)):
            entries = [_as_entry(line, path / manifest.lines) for line in batch]
            counts = [len(entry.passages) if encoded else 0 for entry, encoded in entries]
            if start + sum(counts) > manifest.vectors:
                raise IndexFormatError(
                    _("{path} has fewer rows than {lines} asks for; take another copy").format(
                        path=path / VECTORS, lines=manifest.lines
                    )
                )
            vectors = np.asarray(rows[start : start + sum(counts)], np.float32)
            parts = np.split(vectors, np.cumsum(counts)[:-1])
            start += sum(counts)
            yield [
                replace(entry, vectors=own) if encoded and manifest.schema.encoder is not None else entry
                for (entry, encoded), own in zip(entries, parts, strict=True)
            ]


def _lines(file: IO[bytes], path: Path) -> Iterator[bytes]:
    """Yield a file's lines. Raises IndexFormatError where one never ends, or the file isn't what its name says."""
    try:
        while line := file.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise IndexFormatError(
                    _("{path} has a line of {LONGEST_LINE:,} bytes, which no dump has").format(
                        path=path, LONGEST_LINE=_LONGEST_LINE
                    )
                )
            yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise IndexFormatError(
            _("{path} is damaged ({error}); take another copy").format(path=path, error=error)
        ) from error


def _check_entry(entry: Entry) -> None:
    """Raise TypeError or ValueError where an entry's parts aren't what they should be."""
    document = entry.document
    for what, value in (
        ("id", document.id),
        ("title", document.title),
        ("text", document.text),
        ("fingerprint", entry.fingerprint),
        ("source", entry.source),
    ):
        if not isinstance(value, str) or (what == "id" and not value):
            raise TypeError(f"its {what} is {str(value)[:40]!r}")
    if not isinstance(document.fields, dict):
        raise TypeError("its fields aren't an object")
    for name, value in document.fields.items():
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, (str, int, float, bool)) for item in items):
            raise TypeError(f"its field '{name}' is {str(value)[:40]!r}")
    for passage in entry.passages:
        if type(passage.start) is not int or type(passage.end) is not int:
            raise TypeError("a passage isn't a pair of whole numbers")
        if not 0 <= passage.start <= passage.end <= len(document.text):
            raise ValueError(f"a passage from {passage.start} to {passage.end} isn't in its text")


def _as_entry(line: bytes, path: Path) -> tuple[Entry, bool]:
    """Return the entry of a line, without vectors, and whether it has some. Raises IndexFormatError."""
    try:
        data = json.loads(line.decode("utf-8"))  # of bytes it would take half letters
        if b"\\u" in line:
            json.dumps(data, ensure_ascii=False).encode()  # half a letter, which nothing can store, raises ValueError
        document = Document(data["id"], data["text"], data["title"], data["fields"])
        passages = tuple(Passage(start, end) for start, end in data["passages"])
        entry = Entry(document, passages, None, data["fingerprint"], data["source"])
        _check_entry(entry)
        return entry, bool(data["encoded"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        shown = line[:80].decode("utf-8", "replace").strip()
        raise IndexFormatError(
            _("{path} has a line that isn't a document of a dump ({error}): {shown}").format(
                path=path, error=error, shown=shown
            )
        ) from error


@contextmanager
def _open_vectors(path: Path, manifest: Manifest) -> Iterator[Any]:
    """Open the file of vectors; raises IndexFormatError when it isn't what the manifest says."""
    file = path / VECTORS
    try:
        tensors: Any = safe_open(str(file), framework="numpy")
        vectors = tensors.get_slice(_TENSOR)
    except (SafetensorError, OSError) as error:
        raise IndexFormatError(
            _("can't read the vectors in {file} ({error}); take another copy of the dump").format(
                file=file, error=error
            )
        ) from error
    expected = [manifest.vectors, manifest.schema.encoder.dim if manifest.schema.encoder else 0], "F32"
    if (vectors.get_shape(), vectors.get_dtype()) != expected:
        (rows, dim), kind = expected
        shape = " × ".join(map(str, vectors.get_shape()))
        raise IndexFormatError(
            _("{file} holds {shape} {get_dtype}, the manifest says {rows} × {dim} {kind}").format(
                file=file, shape=shape, get_dtype=vectors.get_dtype(), rows=rows, dim=dim, kind=kind
            )
        )
    with tensors:
        yield tensors
