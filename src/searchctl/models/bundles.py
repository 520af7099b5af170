"""Models as single files, to be carried to machines without a network."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.files import replacing
from searchctl.models.manifest import (
    MANIFEST,
    Checked,
    ModelManifest,
    list_files,
    parse_manifest,
    read_manifest,
    write_manifest,
)
from searchctl.models.places import folder_name, missing_model, model_folder, models_folders
from searchctl.settings.paths import user_path
from searchctl.translation import _

_LARGEST_MANIFEST = 1 << 20  # bytes
_BLOCK = 1 << 20
_NAME = re.compile(r"[\w][\w.+-]{0,99}")
_PART = re.compile(r"[\w][\w.+-]{0,199}")


def bundle(name: str, path: Path) -> ModelManifest:
    """Write a model of this machine, by name or folder, into an archive; return what is in it.

    Raises EncoderUnavailable when it isn't here or its files have changed since they were fetched.
    """
    given = user_path(name)
    folder = given if given.is_dir() else model_folder(name)
    if folder is None:
        raise missing_model(name)
    manifest = read_manifest(folder)
    if manifest is None:
        own = given.resolve().name if given.is_dir() else folder_name(name)
        manifest = ModelManifest(own, "", "", list_files(folder))
        manifest = parse_manifest(manifest.as_json(), str(folder))
    else:
        manifest.check(folder)
    if not _NAME.fullmatch(manifest.name):
        raise UsageError(_("a model can't be called {name!r}; rename its folder").format(name=manifest.name))
    with replacing(path) as draft, tarfile.open(draft, "w", format=tarfile.PAX_FORMAT, dereference=True) as archive:
        head = manifest.as_json().encode()
        archive.addfile(_entry(MANIFEST, len(head)), io.BytesIO(head))
        for file, checked in manifest.files.items():
            with (folder / file).open("rb") as content:
                archive.addfile(_entry(file, checked.size), content)
    return manifest


def unbundle(path: Path) -> Path:
    """Unpack an archive into the folder of models; return the model's folder.

    Only the files that its list names are taken, plain ones, of the sizes and checksums that stand there; nothing is unpacked when one
    isn't. Raises EncoderUnavailable for such an archive, UsageError when the model is here already.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            manifest = _read_head(archive, path)
            folder = models_folders()[0] / manifest.name
            if folder.exists():
                raise UsageError(_("{folder} is there already; move it away to unpack another").format(folder=folder))
            _refuse_without_room(manifest, folder)
            draft = folder.with_name(f".{folder.name}.part")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            try:
                _unpack(archive, manifest, draft, path)
                write_manifest(draft, manifest)
                os.replace(draft, folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    except (tarfile.TarError, EOFError) as error:
        raise EncoderUnavailable(
            _("{path} isn't an archive of a model ({error}); take another copy").format(path=path, error=error)
        ) from error
    return folder


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o644
    return entry


def _read_head(archive: tarfile.TarFile, path: Path) -> ModelManifest:
    try:
        first = archive.next()
    except OSError as error:  # so Python 3.10 answers to zeros
        raise EncoderUnavailable(
            _("{path} isn't an archive of a model ({error}); take another copy").format(path=path, error=error)
        ) from error
    content = archive.extractfile(first) if first is not None and first.isreg() else None
    if first is None or content is None or first.name != MANIFEST or first.size > _LARGEST_MANIFEST:
        raise EncoderUnavailable(
            _("{path} doesn't begin with {MANIFEST}; make it with: searchctl models bundle").format(
                path=path, MANIFEST=MANIFEST
            )
        )
    manifest = parse_manifest(content.read(), str(path))
    strange = [name for name in manifest.files if not _is_inside(name)]
    if strange or not _NAME.fullmatch(manifest.name):
        raise EncoderUnavailable(
            _("{path} names {value!r}, which can't be; take another copy").format(
                path=path, value=(strange or [manifest.name])[0]
            )
        )
    return manifest


def _is_inside(name: str) -> bool:
    """Tell whether a file's name stays in its folder on every system, and isn't the list's own."""
    return name != MANIFEST and all(_PART.fullmatch(part) for part in name.split("/")) and len(name) < 1000


def _unpack(archive: tarfile.TarFile, manifest: ModelManifest, draft: Path, path: Path) -> None:
    missing = dict(manifest.files)
    while (entry := archive.next()) is not None:
        expected = missing.pop(entry.name, None)
        content = archive.extractfile(entry) if entry.isreg() else None
        if expected is None or content is None or entry.size != expected.size:
            raise EncoderUnavailable(
                _("{path} holds {name!r}, which its list doesn't name so; take another copy").format(
                    path=path, name=entry.name
                )
            )
        _write(content, draft / PurePosixPath(entry.name), expected, path)
    if missing:
        raise EncoderUnavailable(
            _("{path} lacks {next}; take another copy").format(path=path, next=next(iter(missing)))
        )


def _write(content: IO[bytes], target: Path, expected: Checked, path: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("xb") as file:
        while block := content.read(_BLOCK):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != expected.sha256:
        raise EncoderUnavailable(
            _("{path} holds another {name} than its list says; take another copy").format(path=path, name=target.name)
        )


def _refuse_without_room(manifest: ModelManifest, folder: Path) -> None:
    size = sum(checked.size for checked in manifest.files.values())
    place = next(parent for parent in folder.absolute().parents if parent.exists())
    free = shutil.disk_usage(place).free
    if size > free:
        raise EncoderUnavailable(
            _("'{name}' takes {size:,.0f} MB, and {place} has {free:,.0f} MB left").format(
                name=manifest.name, size=size / 1000000.0, place=place, free=free / 1000000.0
            )
        )
