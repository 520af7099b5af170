"""A dump: an index's documents, passages, vectors and stamp in plain files, to keep or to move between engines.

A folder of three files: `documents.jsonl` (or `.jsonl.gz`), one document a line in the order of the rows of vectors;
`vectors.safetensors` with one tensor `vectors` (passages, dim); `manifest.json` with the format, the stamp, counts and
SHA-256 of both. A document's passages have as many rows as it has passages, or none where `encoded` is false.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import version as package_version
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, cast

import numpy as np
from safetensors import SafetensorError, safe_open

from searchctl.conformity import check_types
from searchctl.engines.base import FullEngine
from searchctl.errors import IndexExists, IndexFormatError, IndexMissing, SourceError, StorageError, UsageError
from searchctl.ingest.copying import BATCH, Monitor, check_complete, fill, save_background
from searchctl.lifecycle.versions import Move, move, open_version
from searchctl.schema import Lineage, Schema
from searchctl.search.synonyms import read_rules
from searchctl.types import Document, Entry, Json, Passage

DUMP_FORMAT = 1
MANIFEST = "manifest.json"
VECTORS = "vectors.safetensors"
_TENSOR = "vectors"
_DOCUMENTS = ("documents.jsonl", "documents.jsonl.gz")
_HEADER = 256  # bytes kept free for safetensors' header, which holds the count of rows: known only at the end
_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 28  # bytes; a document that long was never stored
_PARTIAL = ".partial"  # ends the name of the folder until it's complete


@dataclass(frozen=True, slots=True)
class DumpReport:
    """What was written, and where; `size` in bytes."""

    path: Path
    documents: int
    vectors: int
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dump says of itself."""

    index: str
    schema: Schema
    documents: int
    vectors: int
    files: dict[str, str]
    digest: str

    @property
    def lines(self) -> str:
        """The name of the file of documents."""
        return next(name for name in self.files if name in _DOCUMENTS)


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What came of restoring; `moved` is None when it was interrupted."""

    version: str
    documents: int
    written: int
    moved: Move | None


def dump(engine: FullEngine, index: str, path: Path, monitor: Monitor, *, compress: bool = True) -> DumpReport | None:
    """Write an index to a new folder, which gets its name when it's complete; None when it was stopped before.

    The index may be in use. Raises UsageError when `path` is there already, StorageError when it can't be written.
    """
    if path.exists():
        raise UsageError(f"{path} is there already; name a new folder, or remove that one")
    name = engine.resolve(index)
    with _storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{token_hex(4)}{_PARTIAL}")
        partial.mkdir()  # never one that was there
        try:
            counts = _write_files(engine, name, partial, monitor, _DOCUMENTS[compress])
            if counts is None:
                return None
            _write_manifest(partial, _manifest(engine, index, name, partial, counts))
            os.replace(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return DumpReport(path, *counts, sum(file.stat().st_size for file in path.iterdir()))


def read_manifest(path: Path) -> Manifest:
    """Read what a dump says of itself; raises SourceError when it's none, IndexFormatError when it's newer than this."""
    try:
        raw = (path / MANIFEST).read_bytes()
        data = json.loads(raw)
    except FileNotFoundError as error:
        hint = "; it was interrupted, make it again" if path.name.endswith(_PARTIAL) else ""
        raise SourceError(f"{path} isn't a dump: it has no {MANIFEST}{hint}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"can't read {path / MANIFEST}: {error}") from error
    made_as = data.get("format") if isinstance(data, dict) else None
    if not isinstance(made_as, int) or made_as > DUMP_FORMAT:
        raise IndexFormatError(
            f"the dump {path} has format {made_as!r}, this searchctl reads up to {DUMP_FORMAT}; "
            "upgrade with: pip install --upgrade searchctl"
        )
    try:
        json.dumps(data, ensure_ascii=False).encode()  # half a letter, which nothing can store, raises ValueError
        files = {str(name): str(digest) for name, digest in data["files"].items()}
        if not any(name in files for name in _DOCUMENTS) or set(files) - {*_DOCUMENTS, VECTORS}:
            raise KeyError(f"files {sorted(files)}")
        schema = Schema.from_json(data["schema"])
        digest = hashlib.sha256(raw).hexdigest()[:16]
        read_rules(schema.synonyms, schema.analyzer)
        manifest = Manifest(data["index"], schema, data["documents"], data["vectors"], files, digest)
        check_types(manifest)
        return manifest
    except (KeyError, TypeError, ValueError, AttributeError, UsageError, IndexFormatError) as error:
        raise IndexFormatError(f"{path / MANIFEST} is damaged ({error}); take another copy of the dump") from error


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
            engine, version, _read_entries(path, manifest), lambda entries: entries, monitor, manifest.documents
        )
    if monitor.stop.is_set():
        return RestoreReport(version, engine.count(version), filled.written, None)
    check_complete(engine, version, manifest.documents, filled, f"the dump {path}")
    save_background(engine, version)
    return RestoreReport(version, manifest.documents, filled.written, move(engine, index, version))


def _check_free(engine: FullEngine, index: str, replace_index: bool) -> None:
    try:
        found = engine.resolve(index)
    except IndexMissing:
        return
    if not replace_index:
        raise IndexExists(
            f"there is an index '{index}' ({found}) already; choose another --index, or restore behind its name with --replace"
        )


def _check_files(path: Path, manifest: Manifest) -> None:
    for name, digest in manifest.files.items():
        if not (path / name).is_file():
            raise IndexFormatError(f"the dump {path} lacks {name}; take another copy of it")
        if _sha256(path / name) != digest:
            raise IndexFormatError(
                f"{path / name} is damaged: its SHA-256 isn't the manifest's; take another copy of it"
            )
    with _open_vectors(path, manifest):
        pass


# Writing


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
        "passages": [[one.start, one.end] for one in entry.passages],
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
        "files": {file.name: _sha256(file) for file in sorted(folder.iterdir())},
    }


def _write_manifest(folder: Path, data: Json) -> None:
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"can't write the dump {path}: {error.strerror or error}; check free space and permissions"
        raise StorageError(message) from error


# Reading


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
                    f"{path / VECTORS} has fewer rows than {manifest.lines} asks for; take another copy"
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
                raise IndexFormatError(f"{path} has a line of {_LONGEST_LINE:,} bytes, which no dump has")
            yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise IndexFormatError(f"{path} is damaged ({error}); take another copy") from error


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
        raise IndexFormatError(f"{path} has a line that isn't a document of a dump ({error}): {shown}") from error


@contextmanager
def _open_vectors(path: Path, manifest: Manifest) -> Iterator[Any]:
    """Open the file of vectors; raises IndexFormatError when it isn't what the manifest says."""
    file = path / VECTORS
    try:
        tensors: Any = safe_open(str(file), framework="numpy")
        found = tensors.get_slice(_TENSOR)
    except (SafetensorError, OSError) as error:
        raise IndexFormatError(f"can't read the vectors in {file} ({error}); take another copy of the dump") from error
    expected = [manifest.vectors, manifest.schema.encoder.dim if manifest.schema.encoder else 0], "F32"
    if (found.get_shape(), found.get_dtype()) != expected:
        (rows, dim), kind = expected
        shape = " × ".join(map(str, found.get_shape()))
        raise IndexFormatError(f"{file} holds {shape} {found.get_dtype()}, the manifest says {rows} × {dim} {kind}")
    with tensors:
        yield tensors
