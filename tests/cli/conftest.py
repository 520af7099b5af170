"""Running the command line: in process, and as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from searchctl.cli import main
from searchctl.cli.schema import schemas

Run = Callable[..., Result]


def strict(schema: Any) -> Any:
    """Return a JSON Schema that allows no key which it doesn't name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: strict(one) for key, one in schema.items()}
    return {"additionalProperties": False, **changed} if isinstance(schema.get("properties"), dict) else changed


SCHEMAS = strict(schemas())
seen: set[str] = set()


def check_schemas(printed: str) -> None:
    """Compare each JSON object that a command printed with the schema of its kind."""
    for value in _objects(printed):
        if "schema" in value and "/" in str(value["schema"]):
            kind = value["schema"].partition("/")[0]
            jsonschema.validate(value, {"$ref": f"#/$defs/{kind}", "$defs": SCHEMAS["$defs"]})
            seen.add(kind)


def _objects(printed: str) -> list[dict[str, Any]]:
    try:
        values = [json.loads(printed)]
    except ValueError:
        values = []
        for line in printed.splitlines():
            with suppress(ValueError):
                values.append(json.loads(line))
    return [value for value in values if isinstance(value, dict)]


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
        result = CliRunner().invoke(main, list(map(str, arguments)), input=stdin, prog_name="searchctl")
        check_schemas(result.stdout)
        return result

    return call


@pytest.fixture
def shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in process as for a person: standard output is a terminal of 100 columns."""

    def call(*arguments: str | Path, stdin: str | None = None) -> Result:
        with monkeypatch.context() as patch:
            patch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda stream: stream.name == "<stdout>")
            patch.setenv("COLUMNS", "100")
            patch.setenv("TERM", "dumb")
            return run(*arguments, stdin=stdin)

    return call


def process(*arguments: str | Path, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command as its user does."""
    command = [sys.executable, "-m", "searchctl", *map(str, arguments)]
    environ = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environ, timeout=120, **settings
    )  # type: ignore[call-overload,no-any-return]
