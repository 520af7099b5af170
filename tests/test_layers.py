"""Imports go downwards only: a reader may start at the bottom and never meet what stands above."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import searchctl

ROOT = Path(searchctl.__file__).parent
LAYERS = [  # from the ground up; packages on one line don't import each other
    "types errors",
    "schema",
    "notation settings",
    "fields",
    "filters text ranking models",
    "sources encoders rerankers",
    "engines",
    "ingest search",
    "index",
    "evaluation explore",
    "tuning routing",
    "lifecycle",
    "gateway service training",
    "cli",
    "__init__ __main__",
]
FLOOR = {name: floor for floor, names in enumerate(LAYERS) for name in names.split()}
# Typing only, and with no way round: what a value is called that is handed through.
TYPING_ONLY = {("filters", "engines")}
ENGINES_INSIDE = ("searchctl.engines.rest", "searchctl.engines.embedded")
KNOWN_TO_REACH_INTO_ENGINES = {"lifecycle/foreign.py"}  # until the engines offer what it asks for


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def package(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted names of our modules that a file imports, also those for typing only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("searchctl."))
        elif isinstance(node, ast.ImportFrom) and node.module == "searchctl":
            yield from (f"searchctl.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("searchctl."):
            yield node.module


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downwards(path: Path) -> None:
    here = package(path)
    for name in {name.split(".")[1] for name in imported(path)} - {here}:
        assert FLOOR[name] < FLOOR[here] or (here, name) in TYPING_ONLY, f"{here} may not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_engines_know_one_engine_from_another(path: Path) -> None:
    if package(path) == "engines" or str(path.relative_to(ROOT)) in KNOWN_TO_REACH_INTO_ENGINES:
        return
    assert not [name for name in imported(path) if name.startswith(ENGINES_INSIDE)]


def test_pure_packages_need_only_numpy_and_the_standard_library() -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "searchctl", "Stemmer", "selectolax"}
    pure = {"types", "errors", "schema", "fields", "filters", "text", "ranking"}
    for path in modules():
        if package(path) not in pure:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert {name.split(".")[0] for name in names} <= allowed, f"{path.name}: {names}"
