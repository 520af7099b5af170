"""Engines: where indexes live, opened by their URL."""

from __future__ import annotations

import os
from pathlib import Path

from searchctl.engines.base import Engine
from searchctl.errors import UsageError

DEFAULT_ENGINE = ".searchctl"


def open_engine(url: str | os.PathLike[str] = DEFAULT_ENGINE) -> Engine:
    """Open an engine: a plain path is an embedded one. Nothing is created yet; raises UsageError."""
    from searchctl.engines.embedded import EmbeddedEngine

    text = os.fspath(url)
    if "://" in text:
        raise UsageError(f"don't know the engine '{text.split('://')[0]}://'; give the path of a folder")
    path = Path(text).expanduser()
    if path.is_file():
        raise UsageError(f"{path} is a file; an embedded engine lives in a folder")
    return EmbeddedEngine(path)
