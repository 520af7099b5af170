"""Optional dependencies: whether they are there is asked before the first minute of work, not after it."""

from __future__ import annotations

from importlib.util import find_spec

from searchctl.errors import MissingExtra


def require(module: str, feature: str, extra: str) -> None:
    """Raise MissingExtra unless the module that a feature needs is installed; it isn't imported."""
    if find_spec(module) is None:
        raise MissingExtra(feature, extra)
