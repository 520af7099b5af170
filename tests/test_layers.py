"""Imports go downwards only: a reader may start at the bottom and never meet what stands above.

All imports count: inside functions, for typing only, by `import_module`. `python tools/structure.py` prints the same as measures.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from tools.structure import Module, circles, classes, graph_of, imported, modules

import searchctl

ROOT = Path(searchctl.__file__).parent
LAYERS = [  # from the ground up; packages on one line don't import each other
    "translation installation",
    "errors",
    "tables",
    "types suggest files conformity",
    "schema several extras plugins",
    "notation settings",
    "fields",
    "filters text models pages",
    "ranking",
    "sources encoders rerankers",
    "engines",
    "ingest search",
    "index",
    "across",
    "evaluation explore",
    "tuning routing",
    "lifecycle route generation",
    "gateway service training notebook",
    "cli",
    "__init__ __main__",
]
FLOOR = {name: floor for floor, names in enumerate(LAYERS) for name in names.split()}
PURE = {
    "types",
    "errors",
    "suggest",
    "several",
    "files",
    "conformity",
    "schema",
    "notation",
    "fields",
    "filters",
    "text",
    "ranking",
}
PURE_LIBRARIES = {"numpy", "Stemmer", "selectolax"}
MODULES = modules(ROOT)
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


@each_module
def test_imports_go_downwards(module: Module) -> None:
    assert module.room in FLOOR, f"'{module.room}' has no line in the table"
    upward = {
        name
        for name in imported(module.tree)
        if name.split(".")[0] != module.room and FLOOR.get(name.split(".")[0], 99) >= FLOOR[module.room]
    }
    assert not upward, f"{module.name} may not import these: they stand beside or above it"


@each_module
def test_only_engines_know_one_engine_from_another(module: Module) -> None:
    inside = ("engines.rest.", "engines.embedded.")
    if module.room == "engines":
        own = next((prefix for prefix in inside if f"{module.name}.".startswith(prefix)), None)
        inside = tuple(prefix for prefix in inside if own and prefix != own)
    assert not [name for name in imported(module.tree) if inside and f"{name}.".startswith(inside)]


def test_no_modules_import_each_other() -> None:
    names = {module.name for module in MODULES}

    def as_module(name: str) -> str | None:
        return next((candidate for candidate in (name, name.rpartition(".")[0]) if candidate in names), None)

    assert circles(graph_of(MODULES, as_module)) == []


def test_no_packages_import_each_other() -> None:
    rooms = graph_of(MODULES, lambda name: name.split(".")[0] if name.split(".")[0] in FLOOR else None)
    assert circles(rooms) == []


@pytest.mark.parametrize(
    "module", [module for module in MODULES if module.room in PURE], ids=lambda module: module.name
)
def test_pure_packages_need_only_numpy_and_the_standard_library(module: Module) -> None:
    allowed = {*sys.stdlib_module_names, *PURE_LIBRARIES, "searchctl"}
    names = [
        name
        for node in ast.walk(module.tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    assert {name.split(".")[0] for name in names} <= allowed


def test_no_class_has_the_name_of_another() -> None:
    """A name in a message, a search or a traceback leads to one place."""
    assert {name for name, count in classes(MODULES).items() if count > 1} == set()


def test_what_is_counted_is_found(tmp_path: Path) -> None:
    """The reading itself: imports of every kind, a circle of two, a class that stands twice."""
    (tmp_path / "below.py").write_text("class Same: ...\n")
    (tmp_path / "above.py").write_text(
        "from typing import TYPE_CHECKING\nfrom importlib import import_module\n"
        "if TYPE_CHECKING:\n    from searchctl import typing_only\n"
        "class Same:\n    def later(self):\n        from searchctl.below import Same\n        import_module('searchctl.lazy')\n"
    )
    above, below = modules(tmp_path)
    assert set(imported(above.tree)) == {"typing_only", "below.Same", "lazy"} and not list(imported(below.tree))
    assert classes([above, below])["Same"] == 2
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c"]]
