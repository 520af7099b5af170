"""Running the command line: in process, and as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from searchctl.cli import main

Run = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the current one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(here: Path) -> Run:
    """Run a command in process; standard output isn't a terminal, as in a pipe."""

    def call(*arguments: str | Path, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, list(map(str, arguments)), input=stdin, prog_name="searchctl")

    return call


def process(*arguments: str | Path, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command as its user does."""
    command = [sys.executable, "-m", "searchctl", *map(str, arguments)]
    environ = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environ, timeout=120, **settings
    )  # type: ignore[call-overload,no-any-return]
