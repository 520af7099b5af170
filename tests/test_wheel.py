"""The wheel in a clean environment: it holds all it needs, and the README's first commands work. `make test-wheel` sets it up."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.test_docs import BLOCKS, ROOT, commands

INSTALLED = Path(os.environ.get("SEARCHCTL_TEST_INSTALLED", ""))  # the interpreter of the environment with the wheel
pytestmark = [
    pytest.mark.wheel,
    pytest.mark.skipif(Path() == INSTALLED, reason="needs the wheel in an environment of its own: make test-wheel"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a user who has the wheel and the demo, and no checkout."""
    (tmp_path / "ingest").symlink_to(ROOT / "ingest")
    return tmp_path


def run(folder: Path, program: str, *arguments: str) -> str:
    """Run a program of the clean environment, which mustn't see this checkout."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ["PATH"] = f"{INSTALLED.parent}{os.pathsep}{os.environ['PATH']}"
    command = [str(INSTALLED.parent / program), *arguments]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_what_is_tested_is_the_wheel_alone(folder: Path) -> None:
    code = "import importlib.util, searchctl; print(searchctl.__file__, importlib.util.find_spec('pytest'))"
    home, pytest_is = run(folder, "python", "-c", code).split()
    assert Path(home).is_relative_to(INSTALLED.parents[1]) and pytest_is == "None"
    (version,) = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"searchctl {version}" in " ".join(run(folder, "searchctl", "--version").split())


def test_the_first_commands_of_the_readme_work(folder: Path) -> None:
    first = [shlex.split(command, comments=True) for command in commands()[:4]]
    assert first[0] == ["searchctl", "ingest", "ingest/demo"]
    for program, *arguments in first:
        run(folder, program, *arguments)
    answer = json.loads(run(folder, "searchctl", "search", "will you take my old fridge away", "--json"))
    assert answer["hits"][0]["title"] == "We take away your old appliance"
    assert answer["legs"]["lexical"]["ran"] and answer["legs"]["vector"]["ran"]


def test_the_python_of_the_readme_works(folder: Path) -> None:
    (code,) = (block for kind, block in BLOCKS if kind == "python")
    assert "returns" in run(folder, "python", "-c", code)


def test_every_file_beside_the_code_is_in_it(folder: Path) -> None:
    listed = "from importlib.resources import files; print(files('searchctl'))"
    package = Path(run(folder, "python", "-c", listed).strip())
    source = ROOT / "src" / "searchctl"
    beside = {
        path.relative_to(source) for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
    beside |= {Path("mappings") / path.relative_to(ROOT / "mappings") for path in (ROOT / "mappings").glob("*/*.json")}
    missing = sorted(str(path) for path in beside if not (package / path).is_file())
    assert missing == []


def test_the_example_plugin_is_installed_beside_it(folder: Path) -> None:
    run(folder, "searchctl", "ingest", "ingest/demo", "--encoder", "trigrams:256")
    assert len(run(folder, "searchctl", "titles", "-k", "3").splitlines()) == 3
    findings = json.loads(run(folder, "searchctl", "doctor", "--json"))["findings"]
    (plugins,) = [finding for finding in findings if finding["subject"] == "plugins"]
    assert plugins["level"] == "ok" and "srt (formats, searchctl-example 0.1.0)" in plugins["message"]
