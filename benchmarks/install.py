"""How large is a base install?

    python benchmarks/install.py

Installs this checkout, as anyone would, into an environment of its own and adds up what lies in its site-packages.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from report import machine, save

ROOT = Path(__file__).parents[1]
LARGEST = 8


def size(path: Path) -> int:
    """Return the bytes of a file or of all files in a folder."""
    return (
        path.stat().st_size if path.is_file() else sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    )


def main() -> None:
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=False)
        python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", str(ROOT)], check=True
        )
        (packages,) = Path(folder).glob("**/site-packages")
        parts = sorted(((size(path), path.name) for path in packages.iterdir()), reverse=True)
    total = sum(count for count, _ in parts) / 1e6
    largest = ", ".join(f"{name} {count / 1e6:.0f}" for count, name in parts[:LARGEST])
    save(
        "install", f"## Base install\n\n{machine()}\n\n{total:.0f} MB of site-packages; the largest, in MB: {largest}."
    )


if __name__ == "__main__":
    main()
