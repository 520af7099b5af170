"""Measures of how easily one finds one's way in a source tree: rooms, circles, upward imports, seams, lengths, double names.

    python tools/structure.py [CHECKOUT]

A room is what stands directly below the package: a module or a package. Imports count wherever they stand, those for typing
only included. Upward ones are those that the checkout's own table in tests/test_layers.py forbids.
"""

from __future__ import annotations

import argparse
import ast
import runpy
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

PACKAGE = "searchctl"
_Node = TypeVar("_Node")


@dataclass(frozen=True, slots=True)
class Module:
    """A source file of the package: its dotted name, without the package's, and what is in it."""

    name: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        """The name directly below the package."""
        return self.name.split(".")[0]


def modules(source: Path) -> list[Module]:
    """Return the modules of a package's folder."""
    found = []
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        text = path.read_text(encoding="utf-8")
        found.append(Module(".".join(parts), path, ast.parse(text), len(text.splitlines())))
    return found


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names of ours that a module imports, without the package's: also for typing only, also by import_module."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            names = [f"{PACKAGE}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        yield from (name.removeprefix(f"{PACKAGE}.") for name in names if name.startswith(f"{PACKAGE}."))


def graph_of(found: Iterable[Module], node: Callable[[str], str | None]) -> dict[str, set[str]]:
    """Return who imports whom, of the nodes that `node` makes of dotted names; what it gives no node is left out."""
    graph: dict[str, set[str]] = defaultdict(set)
    for module in found:
        here = node(module.name)
        if here is None:
            continue
        graph[here] |= {there for name in imported(module.tree) if (there := node(name)) is not None and there != here}
    return graph


def circles(graph: Mapping[_Node, set[_Node]]) -> list[list[_Node]]:
    """Return the groups of nodes that reach each other (strongly connected, of two or more): Tarjan 1972."""
    index: dict[_Node, int] = {}
    low: dict[_Node, int] = {}
    stack: list[_Node] = []
    found: list[list[_Node]] = []

    def visit(node: _Node) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(group)

    for node in list(graph):
        if node not in index:
            visit(node)
    return found


def seams(found: Iterable[Module]) -> list[tuple[int, str]]:
    """Return the protocols with how many members an implementation must have, the widest first."""
    sizes = []
    for module in found:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Protocol") for base in node.bases):
                members = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AnnAssign)]
                sizes.append((len(members), f"{module.name}.{node.name}"))
    return sorted(sizes, reverse=True)


def functions(found: Iterable[Module]) -> list[tuple[int, str]]:
    """Return the functions with their lines, decorators not counted, the longest first."""
    lengths = [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{module.name}.{node.name}")
        for module in found
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(lengths, reverse=True)


def classes(found: Iterable[Module]) -> Counter[str]:
    """Count how often each class name stands in the package."""
    return Counter(node.name for module in found for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))


def _floors(checkout: Path) -> dict[str, int]:
    sys.path.insert(0, str(checkout))
    table = runpy.run_path(str(checkout / "tests" / "test_layers.py"))
    floors: dict[str, int] = table.get("FLOOR") or table["LAYERS"]
    return floors


def main() -> None:
    """Print one measure a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, nargs="?", default=Path(__file__).parents[1])
    checkout = parser.parse_args().checkout
    found = modules(checkout / "src" / PACKAGE)
    names = {module.name for module in found}

    def as_module(name: str) -> str | None:
        return name if name in names else name.rpartition(".")[0] if name.rpartition(".")[0] in names else None

    rooms = graph_of(found, lambda name: None if name in ("__init__", "__main__") else name.split(".")[0])
    floors = _floors(checkout)
    upward = [(a, b) for a, others in rooms.items() for b in others if floors.get(b, 0) >= floors.get(a, 99)]
    inner = [
        f"{module.name} -> {name}"
        for module in found
        if module.room != "engines"
        for name in imported(module.tree)
        if name.startswith(("engines.rest", "engines.embedded", "engines.opensearch", "engines.elasticsearch"))
    ]
    top = sorted(path.stem for path in (checkout / "src" / PACKAGE).glob("*.py") if not path.stem.startswith("__"))
    packages = sorted(path.parent.name for path in (checkout / "src" / PACKAGE).glob("*/__init__.py"))
    twice = sorted((count, name) for name, count in classes(found).items() if count > 1)
    longest = max(found, key=lambda module: module.lines)
    print(f"modules: {len(found)}, lines: {sum(module.lines for module in found)}")
    print(f"top level: {len(top)} modules ({' '.join(top)}), {len(packages)} packages ({' '.join(packages)})")
    print(f"rooms: {len(rooms)}, arrows between them: {sum(map(len, rooms.values()))}")
    print(f"circles of rooms: {[sorted(group) for group in circles(rooms)]}")
    print(f"circles of modules: {[sorted(group) for group in circles(graph_of(found, as_module))]}")
    print(f"upward imports, or within one line of the table: {len(upward)} {sorted(upward)}")
    print(f"imports of one engine from outside engines/: {len(inner)} {inner}")
    print(f"widest seams: {', '.join(f'{name} {size}' for size, name in seams(found)[:4])}")
    print(f"longest module: {longest.name} {longest.lines}; over 300 lines: {sum(m.lines > 300 for m in found)}")
    print(f"longest functions: {', '.join(f'{name} {size}' for size, name in functions(found)[:3])}")
    print(f"class names used twice or more: {len(twice)} {[f'{name} {count}' for count, name in twice]}")


if __name__ == "__main__":
    main()
