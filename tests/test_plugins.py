"""Plugins: the example package does what it says, and one that is broken is named, left out, and stops nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLE = Path(__file__).parents[1] / "examples" / "plugin"


def install(site: Path, package: str, points: dict[str, dict[str, str]], **modules: str) -> None:
    """Put a package into a folder as pip does: its modules, and beside them what its metadata say."""
    about = site / f"{package.replace('-', '_')}-0.1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1.0\n")
    sections = [
        f"[{group}]\n" + "".join(f"{name} = {address}\n" for name, address in named.items())
        for group, named in points.items()
    ]
    (about / "entry_points.txt").write_text("\n".join(sections))
    for name, code in modules.items():
        (site / f"{name}.py").write_text(code)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder on the path of what `run` starts, with the example package in it."""
    folder = tmp_path / "site"
    about = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install(folder, about["name"], about["entry-points"])
    (folder / "searchctl_example").symlink_to(EXAMPLE / "src" / "searchctl_example")
    return folder


def run(folder: Path, *arguments: str, code: int = 0) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "searchctl", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "site"), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def checkup(folder: Path) -> list[tuple[str, str]]:
    """Return what `doctor` says of plugins: levels and messages."""
    findings = json.loads(run(folder, "doctor", "--json")[0])["findings"]
    return [(one["level"], one["message"]) for one in findings if one["subject"] == "plugins"]


def test_the_example_does_what_it_says(site: Path, tmp_path: Path) -> None:
    talks = tmp_path / "talks"
    talks.mkdir()
    spoken = "1\n00:00:01,000 --> 00:00:02,500\n<i>Which graphics card</i>\nshould I buy?\n"
    (talks / "cards.srt").write_text(spoken)
    (talks / "bread.txt").write_text("Bread rises for an hour.")
    (talks / "broken.srt").write_text("no times here")
    _said, complaint = run(tmp_path, "ingest", "talks", "--encoder", "trigrams:128", code=3)
    assert "no subtitles: there is no line like" in complaint
    hit = json.loads(run(tmp_path, "search", "grafics kard", "--mode", "vector", "-k", "1")[0])
    assert (hit["id"], hit["passage"]["text"]) == ("cards.srt", "Which graphics card should I buy?")
    answer = json.loads(run(tmp_path, "search", "graphics card", "--rerank", "shared-words", "--json")[0])
    assert answer["hits"][0]["id"] == "cards.srt" and answer["legs"]["rerank"]["ran"]
    titles = [json.loads(line)["title"] for line in run(tmp_path, "titles")[0].splitlines()]
    assert sorted(titles) == ["bread", "cards"]
    assert "From the package searchctl-example." in run(tmp_path, "--help")[0]
    assert "Examples" in run(tmp_path, "titles", "--help")[0]
    ((level, message),) = checkup(tmp_path)
    assert level == "ok"
    assert [name in message for name in ("trigrams", "srt", "shared-words", "titles")] == [True] * 4


def test_a_broken_plugin_is_named_and_stops_nothing(site: Path, tmp_path: Path) -> None:
    points = {
        "searchctl.encoders": {"fails": "plugin_fails:open", "odd": "plugin_odd:encoder"},
        "searchctl.formats": {"nothing": "plugin_odd:no_such_name"},
        "searchctl.commands": {"crash": "plugin_fails:command", "number": "plugin_odd:number"},
        "searchctl.rerankers": {"Capital Letters": "plugin_odd:encoder"},
    }
    odd = "number = 7\ndef encoder(name, *, threads): return object()"
    install(site, "searchctl-broken", points, plugin_fails="raise RuntimeError('no licence')", plugin_odd=odd)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("Bread rises for an hour.")
    _said, warned = run(tmp_path, "ingest", "docs", "--encoder", "hashing:64")
    assert "the plugin 'nothing' (formats) of the package searchctl-broken can't be used: AttributeError" in warned
    assert json.loads(run(tmp_path, "search", "bread")[0])["id"] == "a.txt"
    refused = "pip uninstall searchctl-broken"
    for arguments, reason in (
        (("ingest", "docs", "--index", "b", "--encoder", "fails"), "RuntimeError: no licence"),
        (("ingest", "docs", "--index", "b", "--encoder", "odd"), "its encoder has no name, revision, dim"),
        (("crash",), "RuntimeError: no licence"),
        (("number",), "it is no click.Command but int"),
    ):
        complaint = run(tmp_path, *arguments, code=1)[1]
        assert reason in complaint and refused in complaint
    problems = [message for level, message in checkup(tmp_path) if level == "warning"]
    assert len(problems) == 5 and any("small letters" in message for message in problems)


def test_plugins_take_no_name_that_is_taken(site: Path, tmp_path: Path) -> None:
    points = {
        "searchctl.encoders": {"hashing": "plugin_evil:x", "trigrams": "plugin_evil:x"},
        "searchctl.formats": {"txt": "plugin_evil:x", "mine": "plugin_evil:FORM"},
        "searchctl.rerankers": {"maxsim": "plugin_evil:x"},
        "searchctl.commands": {"search": "plugin_evil:x"},
    }
    evil = (
        "from searchctl.sources.formats import FileFormat\n"
        "def x(*a, **k): raise SystemExit('evil')\n"
        "FORM = FileFormat('mine', ('.md',), x)\n"
    )
    install(site, "searchctl-zzz", points, plugin_evil=evil)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("Bread rises for an hour.")
    (tmp_path / "docs" / "b.md").write_text("# Cake\n\nCake doesn't rise.")
    run(tmp_path, "ingest", "docs", "--encoder", "hashing:64")
    run(tmp_path, "ingest", "docs", "--encoder", "trigrams:64", "--index", "other")
    assert len(run(tmp_path, "search", "bread cake")[0].splitlines()) == 2
    problems = [message for level, message in checkup(tmp_path) if level == "warning"]
    assert sum("searchctl itself has that name" in message for message in problems) == 4
    assert sum("the package searchctl-example has that name" in message for message in problems) == 1
    assert sum("can't have the endings .md" in message for message in problems) == 1
