"""The public names are those in `__all__`, and importing the package costs nothing."""

from __future__ import annotations

import subprocess
import sys

import searchctl


def test_every_public_name_exists_and_is_listed_once() -> None:
    assert searchctl.__all__ == sorted(set(searchctl.__all__))
    for name in searchctl.__all__:
        assert getattr(searchctl, name) is not None


def test_unknown_names_are_refused() -> None:
    assert not hasattr(searchctl, "nothing_of_the_kind")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import searchctl, sys; print([name for name in ('numpy', 'onnxruntime', 'tantivy', 'faiss') if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
