"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from searchctl.files import replacing


def test_a_file_changes_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with replacing(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "old" and draft.parent == tmp_path
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_nothing_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as draft:
        draft.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "nowhere" / "x") as draft:
        draft.write_text("x")


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom searchctl.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as draft:\n    draft.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert path.read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="needs /dev and links")
def test_links_are_followed_and_devices_are_written_directly(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with replacing(tmp_path / "link") as draft:
        draft.write_text("new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "new"
    with replacing(Path("/dev/null")) as draft:
        draft.write_text("gone")
    assert not Path("/dev/null").is_file()


def test_a_link_that_lies_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """Drafts have names that nobody can guess, and are never files that are there."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in (f".out.{os.getpid()}.tmp", "out.new", "out.tmp"):
        (tmp_path / name).symlink_to(precious)
    with replacing(tmp_path / "out") as draft:
        draft.write_text("new")
    assert (precious.read_text(), (tmp_path / "out").read_text()) == ("mine", "new")
