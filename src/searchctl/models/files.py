"""Where the files of a model stand in its folder."""

from __future__ import annotations

from pathlib import Path

ONNX_FILES = ("model.onnx", "onnx/model.onnx")


def onnx_file(folder: Path) -> Path | None:
    """Return the ONNX file of a model's folder; None if there is none."""
    return next((path for path in (folder / name for name in ONNX_FILES) if path.is_file()), None)
