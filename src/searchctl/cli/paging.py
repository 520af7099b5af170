"""A pager for what is taller than the terminal: $SEARCHCTL_PAGER, else $PAGER, else less; `cat` or an empty name is none."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from searchctl.cli.output import on_terminal

_LESS = "FRX"  # leave at once if it fits, keep colours, leave the text on the screen


def page(text: str) -> None:
    """Print text that was drawn for the terminal, through a pager if it doesn't fit and a person can press keys."""
    command = _pager() if _is_tall(text) and on_terminal() and sys.stdin.isatty() else []
    if not command:
        sys.stdout.write(text)
        return
    environ = {**os.environ, "LESS": os.environ.get("LESS") or _LESS}
    try:
        subprocess.run(command, input=text, text=True, encoding="utf-8", env=environ, check=False)  # noqa: S603 - the user's own choice
    except OSError:
        sys.stdout.write(text)


def _is_tall(text: str) -> bool:
    return text.count("\n") >= shutil.get_terminal_size().lines


def _pager() -> list[str]:
    """Return the pager's command; empty for none."""
    named = next((os.environ[name] for name in ("SEARCHCTL_PAGER", "PAGER") if name in os.environ), "less")
    try:
        command = shlex.split(named)
    except ValueError:
        return []
    return [] if not command or command[0] == "cat" or shutil.which(command[0]) is None else command
