"""Where the files of a model stand in its folder."""

from __future__ import annotations

import json
from pathlib import Path

LASER_WEIGHTS = "laser2.pt"
ONNX_FILES = ("model.onnx", "onnx/model.onnx")


def onnx_file(folder: Path) -> Path | None:
    """Return the ONNX file of a model's folder; None if there is none."""
    return next((path for path in (folder / name for name in ONNX_FILES) if path.is_file()), None)


def kind_of(folder: Path) -> str | None:
    """Return what a folder's `searchctl.json` says that its model is, as `classifier`; None where it says nothing."""
    try:
        described = json.loads((folder / "searchctl.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    kind = described.get("kind") if isinstance(described, dict) else None
    return kind if isinstance(kind, str) else None
