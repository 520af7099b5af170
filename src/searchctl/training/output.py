"""The folder that a training writes: nothing until all is there, and then all of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from searchctl.engines.lock import WriteLock
from searchctl.errors import UsageError
from searchctl.files import replacing, sync_folder
from searchctl.training.card import FORMAT, read_card
from searchctl.training.checkpoints import last_checkpoint
from searchctl.types import Json

_RUN = "run.json"


def fingerprint_of(parts: Mapping[str, Any]) -> str:
    """Return the hash of what decides a training: the same command on the same data goes on, or is done already."""
    text = json.dumps({"format": FORMAT, **parts}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def finished_training(out: Path, fingerprint: str) -> Json | None:
    """Return the card of a folder that this very training made; None if there is no such folder yet.

    Raises UsageError when there is something else.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    card = read_card(out) if out.is_dir() else None
    if card is None:
        raise UsageError(f"{out} is there already and no training made it; name another folder with -o")
    if card.get("fingerprint") != fingerprint:
        raise UsageError(
            f"{out} holds a model that other data or settings made ({card.get('command', 'unknown')}); name another folder with -o"
        )
    return card


@contextmanager
def workspace(out: Path, fingerprint: str, fixed: Mapping[str, Any]) -> Iterator[tuple[Path, Json]]:
    """Yield the folder for checkpoints beside `out`, and `fixed` as it was when this training began.

    It stays after an interruption, and is removed when the block ends well and `out` is there. Raises UsageError when another
    process trains for the same folder, or an unfinished training of other data or settings lies there.
    """
    home = out.parent / f".{out.name}.training"
    home.mkdir(parents=True, exist_ok=True)
    lock = WriteLock(home, f"the training of {out}")
    if not lock.try_acquire():
        raise UsageError(f"another process is training {out}; wait for it, or name another folder with -o")
    try:
        begun = _begun(home, out, fingerprint, dict(fixed))
        yield home, begun
    finally:
        lock.release()
    if out.is_dir():
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Yield a draft of a folder, which becomes `out` in one step when the block ends well."""
    draft = out.with_name(f".{out.name}.{os.urandom(4).hex()}.tmp")
    draft.mkdir(parents=True)
    try:
        yield draft
        for path in draft.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        if out.is_dir():
            out.rmdir()  # an empty one, as `finished_training` saw
        os.replace(draft, out)
        sync_folder(out.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _begun(home: Path, out: Path, fingerprint: str, fixed: dict[str, Any]) -> Json:
    path = home / _RUN
    if path.is_file():
        begun: Json = json.loads(path.read_text(encoding="utf-8"))
        if begun.get("fingerprint") == fingerprint:
            return begun
        if last_checkpoint(home) is not None:
            raise UsageError(
                f"an unfinished training of other data or settings lies in {home}; name another folder with -o, "
                f"or begin anew: rm -r {home}"
            )
        for stale in home.glob("*.json"):  # nothing was learnt yet
            stale.unlink()
    with replacing(path) as draft:
        draft.write_text(json.dumps({"fingerprint": fingerprint, **fixed}), encoding="utf-8")
    return {"fingerprint": fingerprint, **fixed}
