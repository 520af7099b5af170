"""The documentation: the site is built without a broken link, and every command of the tutorials is run as it stands there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SCRIPTED = [path for path in TUTORIALS if "```sh" in path.read_text(encoding="utf-8")]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder to type in, with `searchctl` on the path and the demo at hand."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "searchctl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m searchctl "$@"\n')
    program.chmod(0o755)
    (tmp_path / "ingest").symlink_to(ROOT / "ingest")
    return tmp_path


def folded(text: str) -> str:
    return " ".join(text.split())


def on_a_terminal(command: list[str], folder: Path, environ: dict[str, str]) -> tuple[int, str]:
    """Run a command as a reader of the tutorial does; return its exit code and what a plain terminal of 120 columns shows."""
    leader, follower = pty.openpty()
    environ = {**environ, "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "120"}
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # Linux's sign that nobody writes any more
            break
        if not part:
            break
        shown += part
    os.close(leader)
    return process.wait(900), shown.decode("utf-8", "replace")


@pytest.mark.slow
@pytest.mark.parametrize("tutorial", SCRIPTED, ids=lambda path: path.stem)
def test_a_tutorial_does_what_it_says(tutorial: Path, desk: Path) -> None:
    """Run the blocks in order; each line that is shown of the output must be in that of the block before it."""
    environ = {**os.environ, "PATH": f"{desk / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(desk)}
    printed, shown = "", 0
    for kind, block in BLOCK.findall(tutorial.read_text(encoding="utf-8")):
        if kind == "text":
            lines = [folded(line) for line in block.splitlines() if line.strip()]
            assert [line for line in lines if line not in printed] == [], printed
            shown += len(lines)
            continue
        code, output = on_a_terminal(["bash", "-e", "-u", "-o", "pipefail", "-c", block], desk, environ)
        assert code == 0, f"{block}\n{output}"
        printed = folded(output)
    assert shown


@pytest.mark.slow
def test_the_site_has_no_broken_link(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    commands = (tmp_path / "site" / "reference" / "cli" / "index.html").read_text(encoding="utf-8")
    assert "--min-relevance" in commands and "--target-precision" in commands
    python = (tmp_path / "site" / "reference" / "python" / "index.html").read_text(encoding="utf-8")
    assert "search_many" in python and "IndexLocked" in python
    elsewhere = [
        page
        for page in (tmp_path / "site").rglob("*.html")
        if re.search(r'(?:src|href)="https?://(?!localhost)[^"]*\.(?:js|css)"', page.read_text(encoding="utf-8"))
    ]
    assert elsewhere == []
