"""What a model's folder should hold: sizes and checksums, written when it was fetched, exported or bundled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from searchctl.conformity import check_types
from searchctl.errors import EncoderUnavailable
from searchctl.files import replacing
from searchctl.translation import _

MANIFEST = "searchctl-model.json"
FORMAT = 1
_MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class Checked:
    """Size in bytes and sha256 of a file."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """A model's name, where it is from (a hub's name or an address), that place's revision, and its files by relative path."""

    name: str
    origin: str
    revision: str
    files: Mapping[str, Checked]

    def check(self, folder: Path) -> None:
        """Raise EncoderUnavailable naming the first file that is missing or isn't what it was."""
        for name, expected in self.files.items():
            path = folder / name
            if not path.is_file():
                raise EncoderUnavailable(
                    _("{path} is missing; remove {folder} and fetch the model again").format(path=path, folder=folder)
                )
            if path.stat().st_size != expected.size or file_hash(path) != expected.sha256:
                raise EncoderUnavailable(
                    _("{path} has changed since it came; remove {folder} and fetch the model again").format(
                        path=path, folder=folder
                    )
                )

    def as_json(self) -> str:
        """Return it as it is stored."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1)


def parse_manifest(text: str | bytes, where: str) -> ModelManifest:
    """Read a manifest; `where` it is stands in messages. Raises EncoderUnavailable."""
    try:
        data = json.loads(text)
        if data.pop("format") != FORMAT:
            raise ValueError("its format isn't that of this version of searchctl")
        files = {str(name): Checked(**entry) for name, entry in data.pop("files").items()}
        manifest = ModelManifest(**data, files=files)
        check_types(manifest)
        for entry in files.values():
            check_types(entry)
        if not 0 < len(files) <= _MOST_FILES or any(entry.size < 0 for entry in files.values()):
            raise ValueError(f"it names {len(files)} files")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EncoderUnavailable(
            _("{where} isn't a manifest of a model: {error}; take another copy").format(where=where, error=error)
        ) from error
    return manifest


def read_manifest(folder: Path) -> ModelManifest | None:
    """Return a folder's manifest; None if it has none. Raises EncoderUnavailable for a damaged one."""
    path = folder / MANIFEST
    return parse_manifest(path.read_bytes(), str(path)) if path.is_file() else None


def write_manifest(folder: Path, manifest: ModelManifest) -> None:
    """Write it into a model's folder."""
    with replacing(folder / MANIFEST) as draft:
        draft.write_text(manifest.as_json(), encoding="utf-8")


def list_files(folder: Path) -> dict[str, Checked]:
    """Return what a folder holds, without hidden files and the manifest. Links count as what they lead to."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {
        name: Checked(path.stat().st_size, file_hash(path))
        for name, path in names.items()
        if name != MANIFEST and not any(part.startswith(".") for part in name.split("/"))
    }


def file_hash(path: Path) -> str:
    """Return a file's sha256 in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
