"""How this searchctl was installed, so that an advice to install more of it works as it is typed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit


def install_command(extra: str) -> str:
    """Return the pip command that adds an extra: from the checkout this was installed from, where that is still there."""
    import importlib.metadata  # only where something is missing: `--help` shouldn't wait for it

    try:
        origin = json.loads(importlib.metadata.distribution("searchctl").read_text("direct_url.json") or "{}")
    except (importlib.metadata.PackageNotFoundError, ValueError):
        origin = {}
    folder = Path(unquote(urlsplit(str(origin.get("url", ""))).path))
    if "dir_info" in origin and (folder / "pyproject.toml").is_file():
        option = "-e " if origin["dir_info"].get("editable") else ""
        return f"pip install {option}{shlex.quote(f'{folder}[{extra}]')}"
    return f"pip install 'searchctl[{extra}]'"
