"""What a dump says of itself: its manifest, and the names of its files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from searchctl.conformity import check_types
from searchctl.errors import IndexFormatError, SourceError, UsageError
from searchctl.schema import Schema
from searchctl.search.synonyms import read_rules
from searchctl.translation import _

DUMP_FORMAT = 1
MANIFEST = "manifest.json"
VECTORS = "vectors.safetensors"
DOCUMENT_FILES = ("documents.jsonl", "documents.jsonl.gz")
_BLOCK = 1 << 20
PARTIAL = ".partial"  # ends the name of the folder until it's complete


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dump says of itself; `files` has the SHA-256 of each, `digest` is the manifest's own, shortened."""

    index: str
    schema: Schema
    documents: int
    vectors: int
    files: dict[str, str]
    digest: str

    @property
    def lines(self) -> str:
        """The name of the file of documents."""
        return next(name for name in self.files if name in DOCUMENT_FILES)


def read_manifest(path: Path) -> Manifest:
    """Read what a dump says of itself; raises SourceError when it's none, IndexFormatError when it's newer than this."""
    try:
        raw = (path / MANIFEST).read_bytes()
        data = json.loads(raw)
    except FileNotFoundError as error:
        if not path.exists():
            raise SourceError(
                _("there is no folder {path}; name one that searchctl dump wrote").format(path=path)
            ) from error
        hint = "; it was interrupted, make it again" if path.name.endswith(PARTIAL) else ""
        raise SourceError(
            _("{path} isn't a dump: it has no {MANIFEST}{hint}").format(path=path, MANIFEST=MANIFEST, hint=hint)
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(_("can't read {path}: {error}").format(path=path / MANIFEST, error=error)) from error
    made_as = data.get("format") if isinstance(data, dict) else None
    if not isinstance(made_as, int) or made_as > DUMP_FORMAT:
        raise IndexFormatError(
            _(
                "the dump {path} has format {made_as!r}, this searchctl reads up to {DUMP_FORMAT}; upgrade with: "
                "pip install --upgrade searchctl"
            ).format(path=path, made_as=made_as, DUMP_FORMAT=DUMP_FORMAT)
        )
    try:
        json.dumps(data, ensure_ascii=False).encode()  # half a letter, which nothing can store, raises ValueError
        files = {str(name): str(digest) for name, digest in data["files"].items()}
        if not any(name in files for name in DOCUMENT_FILES) or set(files) - {*DOCUMENT_FILES, VECTORS}:
            raise KeyError(f"files {sorted(files)}")
        schema = Schema.from_json(data["schema"])
        digest = hashlib.sha256(raw).hexdigest()[:16]
        read_rules(schema.synonyms, schema.analyzer)
        manifest = Manifest(data["index"], schema, data["documents"], data["vectors"], files, digest)
        check_types(manifest)
        return manifest
    except (KeyError, TypeError, ValueError, AttributeError, UsageError, IndexFormatError) as error:
        raise IndexFormatError(
            _("{path} is damaged ({error}); take another copy of the dump").format(path=path / MANIFEST, error=error)
        ) from error


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
