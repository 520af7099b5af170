"""What a command lists, for programs: JSON Lines in a pipe, with --json one object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from searchctl.cli.context import Frame
from searchctl.cli.output import print_json, print_json_lines


def print_listing(
    frame: Frame, kind: str, item: str, key: str, values: Iterable[Mapping[str, Any]], **rest: Any
) -> None:
    """Print things: one object a line in a pipe, with --json one object that has them all under `key`."""
    if frame.json:
        print_json(kind, {key: list(values), **rest})
    else:
        print_json_lines(item, values)
