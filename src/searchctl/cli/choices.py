"""Options that take one of a few words, which the library's own types name."""

from __future__ import annotations

from typing import get_args

import click


def choice(*literals: object) -> click.Choice[str]:
    """Return the parameter type for the values of `Literal` types, so that what a command gets has that type."""
    return click.Choice([str(value) for literal in literals for value in get_args(literal)])
