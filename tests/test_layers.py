"""Imports go downwards only: a reader may start at the bottom and never meet what stands above."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import searchctl

ROOT = Path(searchctl.__file__).parent
LAYERS = {
    name: layer
    for layer, names in enumerate(
        [
            "types errors recent",
            "schema secrets resources",
            "sentences text fields query bm25 synonyms metrics cleaning passages fusion gating relevance repair highlight journal "
            "connection dotenv",
            "config sources recipes background hub",
            "engines encoders rerankers",
            "dead_letters answers reranking search",
            "prepare",
            "index ingest",
            "doctor selection runs evaluate evaluation trials tune plan route routing explore filling versions gates pipeline",
            "reembed dump vectorize vectorize_foreign",
            "cli gateway",
            "__main__ __init__",
        ]
    )
    for name in names.split()
}
ADAPTERS = {"engines", "encoders", "rerankers"}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py"))


def home(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Return the top modules of ours that a file imports at run time."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.dump(test.test)
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("searchctl."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "searchctl":
            found |= {name.name for name in node.names if name.name in LAYERS}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downwards(path: Path) -> None:
    here = home(path)
    for name in imported(path) - {here}:
        assert LAYERS[name] <= LAYERS[here], f"{here} may not import {name}"
        assert not (here in ADAPTERS and name in ADAPTERS), f"adapters never import each other: {here}, {name}"


def test_pure_modules_need_only_numpy_and_the_standard_library() -> None:
    import sys

    allowed = {*sys.stdlib_module_names, "numpy", "searchctl", "Stemmer", "selectolax", "tomli"}
    for path in modules():
        if LAYERS[home(path)] > 2:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [one.name for one in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert {name.split(".")[0] for name in names} <= allowed, f"{path.name}: {names}"
