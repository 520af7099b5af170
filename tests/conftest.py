"""Fixtures for all tests: a clean environment, and small things to store."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchctl.engines import open_engine
from searchctl.engines.base import FullEngine
from searchctl.schema import EncoderStamp, Schema
from searchctl.types import Document, Entry, Passage, Value, Vectors
from tests.servers.parameters import SERVERS, server_param, server_url

pytest_plugins = ["tests.servers.fixtures"]

DIM = 8
os.environ["SEARCHCTL_LANG"] = "en"  # also of what fixtures of a whole session start
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ask for a browser, so that they can be run or left out together."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the person who runs the tests may reach them."""
    for name in list(os.environ):
        if name.startswith(("SEARCHCTL_", "OPENSEARCH_", "ELASTICSEARCH_", "ES_")) and not name.startswith(
            "SEARCHCTL_TEST_"
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SEARCHCTL_LANG", "en")
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))


@pytest.fixture(params=["embedded", *map(server_param, SERVERS)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FullEngine]:
    """Every engine in turn, as empty as it was."""
    opened = open_engine(tmp_path / "engine" if request.param == "embedded" else server_url(request, request.param))
    before = {one.name for one in opened.indexes()}
    yield opened
    for one in opened.indexes():
        if one.name not in before:
            opened.drop(one.name)
    opened.close()


@pytest.fixture
def schema() -> Schema:
    return Schema(
        EncoderStamp("test", "0" * 12, DIM),
        fields={"lang": "keyword", "year": "number", "day": "date", "open": "boolean"},
    )


def unit(*numbers: float) -> Vectors:
    """Return one vector of length 1, padded with zeros: shape (DIM,)."""
    vector = np.zeros(DIM, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


def entry(id: str, text: str, *vectors: Vectors, title: str = "", source: str = "", **fields: Value) -> Entry:
    """Return an entry whose text is cut evenly into as many passages as there are vectors."""
    count = max(len(vectors), 1)
    step = -(-len(text) // count)
    passages = tuple(
        Passage(start, min(start + step, len(text))) for start in range(0, max(len(text), 1), max(step, 1))
    )[:count]
    return Entry(
        Document(id, text, title, fields),
        passages,
        np.stack(vectors) if vectors else None,
        f"print of {id} {text}",
        source,
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return axe-core's script, as npm gives it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm on this machine: apt-get install npm")
    folder = tmp_path_factory.mktemp("axe")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), "axe-core@4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        pytest.skip(f"npm gives no axe-core here: {done.stderr.strip()[-200:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
