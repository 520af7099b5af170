"""Archives of models: what comes out is what went in, and nothing else, wherever the archive is from."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from searchctl import open_encoder
from searchctl.errors import EncoderUnavailable, UsageError
from searchctl.models.bundles import bundle, unbundle
from searchctl.models.manifest import MANIFEST, Checked, ModelManifest
from tests.encoders.test_static import save_static


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEARCHCTL_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def write_archive(path: Path, entries: list[tuple[tarfile.TarInfo, bytes]], **files: bytes) -> Path:
    """Write an archive with a list that names `files`, and whatever entries."""
    named = {name: Checked(len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}
    head = ModelManifest("evil", "", "", named).as_json().encode()
    with tarfile.open(path, "w") as archive:
        for entry, data in [(tarfile.TarInfo(MANIFEST), head), *entries]:
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def entry(name: str, change: Callable[[tarfile.TarInfo], None] = lambda made: None) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    change(made)
    return made


def test_a_model_travels_whole(models: Path, tmp_path: Path) -> None:
    save_static(models / "potion-base-8M")
    (models / "potion-base-8M" / "1_Extra").mkdir()
    (models / "potion-base-8M" / "1_Extra" / "config.json").write_text("{}")
    before = open_encoder("potion-base-8M").encode_documents(["green tea"])
    manifest = bundle("potion-base-8M", tmp_path / "model.tar")
    assert manifest.name == "potion-base-8M" and "1_Extra/config.json" in manifest.files
    with pytest.raises(UsageError, match="is there already"):
        unbundle(tmp_path / "model.tar")
    (models / "potion-base-8M").rename(tmp_path / "elsewhere")
    assert unbundle(tmp_path / "model.tar") == models / "potion-base-8M"
    np.testing.assert_array_equal(open_encoder("potion-base-8M").encode_documents(["green tea"]), before)
    bundle("potion-base-8M", tmp_path / "again.tar")
    (models / "potion-base-8M" / "config.json").write_text("changed")
    with pytest.raises(EncoderUnavailable, match=r"config\.json has changed"):
        bundle("potion-base-8M", tmp_path / "changed.tar")
    assert not (tmp_path / "changed.tar").exists()


def test_links_of_the_hubs_cache_become_files(models: Path, tmp_path: Path) -> None:
    save_static(tmp_path / "blobs")
    (models / "mine").mkdir(parents=True)
    for path in (tmp_path / "blobs").iterdir():
        (models / "mine" / path.name).symlink_to(path)
    bundle(str(models / "mine"), tmp_path / "model.tar")
    with tarfile.open(tmp_path / "model.tar") as archive:
        assert all(member.isreg() for member in archive)


def link(made: tarfile.TarInfo) -> None:
    made.type, made.linkname = tarfile.SYMTYPE, "/etc/passwd"


def device(made: tarfile.TarInfo) -> None:
    made.type = tarfile.CHRTYPE


@pytest.mark.parametrize(
    ("named", "entries"),
    [
        ({"../a": b"x"}, [(entry("../a"), b"x")]),
        ({"/tmp/a": b"x"}, [(entry("/tmp/a"), b"x")]),
        ({"a/../../b": b"x"}, [(entry("a/../../b"), b"x")]),
        ({"a\\..\\b": b"x"}, [(entry("a\\..\\b"), b"x")]),
        ({"C:a": b"x"}, [(entry("C:a"), b"x")]),
        ({".hidden": b"x"}, [(entry(".hidden"), b"x")]),
        ({MANIFEST: b"x"}, [(entry(MANIFEST), b"x")]),
        ({"a": b"x"}, [(entry("a"), b"x"), (entry("b"), b"y")]),
        ({"a": b"x"}, [(entry("a"), b"x"), (entry("a"), b"x")]),
        ({"a": b"x"}, [(entry("a"), b"y")]),
        ({"a": b"x"}, [(entry("a"), b"xx")]),
        ({"a": b""}, [(entry("a", link), b"")]),
        ({"a": b""}, [(entry("a", device), b"")]),
        ({"a": b"x"}, []),
        ({}, []),
    ],
)
def test_an_archive_that_means_harm_leaves_nothing_behind(
    named: dict[str, bytes], entries: list[tuple[tarfile.TarInfo, bytes]], models: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    path = write_archive(tmp_path / "evil.tar", entries, **named)
    with pytest.raises(EncoderUnavailable, match="take another copy"):
        unbundle(path)
    path.unlink()
    assert [one for one in sorted(tmp_path.rglob("*")) if one != models] == before


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\0" * 2000])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(EncoderUnavailable, match="isn't an archive of a model|doesn't begin with"):
        unbundle(tmp_path / "x.tar")


def test_an_archive_of_a_hundred_times_its_size_is_not_unpacked(tmp_path: Path) -> None:
    """A compressed one, that is: bundles never are."""
    with tarfile.open(tmp_path / "x.tar", "w:gz") as archive:
        data = b"\0" * 1_000_000
        made = tarfile.TarInfo(MANIFEST)
        made.size = len(data)
        archive.addfile(made, io.BytesIO(data))
    with pytest.raises(EncoderUnavailable, match="isn't an archive of a model"):
        unbundle(tmp_path / "x.tar")
