"""What a terminal shows along the README's first path, as text: `python tools/captures.py` writes docs/captures anew.

`python tools/captures.py russian` writes the Russian path alone.

Each command runs with a pseudo-terminal of its own. Times and scores, which differ from run to run and from machine to machine,
are written as `…`; colours and what a progress line overwrites are left out.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "captures"
SIZES = ((80, 24), (120, 40))
COMMANDS = (
    "searchctl ingest ingest/demo",
    'searchctl search "will you take my old fridge away"',
    'searchctl search "Заберёте старый холодильник?" --where lang=en -k 3',
    'searchctl search "washing machine shows E17" --explain -k 2',
    'searchctl search "what is the capital of Mongolia"',
    'searchctl search "reset my password" --short -k 3',
    "searchctl indexes",
)
RUSSIAN_SIZE = (80, 24)
RUSSIAN_COMMANDS = (
    "searchctl help indexes",
    "searchctl ingest ingest/demo",
    'searchctl search "стиральная машина пишет E17" -k 2',
    'searchctl search "столица Монголии"',
    "searchctl info",
    'searchctl route add оплата/возврат "Верните деньги за чайник" "Когда придут деньги?"',
    'searchctl route add доставка/опоздание "Курьер не приехал" "Где моя посылка?"',
    'searchctl route predict "Деньги до сих пор не вернули"',
    "searchctl evaluate ingest/demo --index default --modes hybrid,lexical -q",
    "searchctl serch",
)
_ERASED = re.compile(r"[^\n]*\n\r?\x1b\[1A\r?\x1b\[2K|^.*\x1b\[2K", re.MULTILINE)  # a progress line
_SPINNING = re.compile(r"^[\u2800-\u28ff] .*\n", re.MULTILINE)  # one that was overwritten in another way
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\].*?(?:\x07|\x1b\\))")
_DIFFERS = re.compile(
    r"(?m)(?:\d+ (?:min|мин) )?\d[\d,\xa0]*(?:\.\d+)?(?= (?:ms|s|MB|kB|мс|с|МБ|КБ)(?:\b|$))"
    r"|-?\b\d+[.,]\d{2,}|\b\d+\.\d(?=\s{2,}|$)|\d[\d.,]*(?=/[sс])"
    r"|(?<= of )\d+(?= or more)|(?<= из )\d+(?= или больше)"  # a document at the edge may count or not
)


def shown(command: str, folder: Path, columns: int, lines: int, language: str = "en") -> str:
    """Return what a command shows on a terminal of this size, with the `$` line that was typed."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "PAGER", "LESS")}
    environ |= {"TERM": "xterm-256color", "NO_COLOR": "1", "SEARCHCTL_PAGER": "cat", "PYTHONIOENCODING": "utf-8"}
    environ["SEARCHCTL_LANG"] = language
    process = subprocess.Popen(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=folder,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environ,
        start_new_session=True,
    )
    os.close(follower)
    read = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # Linux's sign that nobody writes any more
            break
        if not part:
            break
        read += part
    os.close(leader)
    process.wait(60)
    return f"$ {command}\n{plain(read.decode('utf-8', 'replace'))}"


def plain(text: str) -> str:
    """Return what stays on the screen, without colours and without what differs from run to run."""
    lines = _ESCAPE.sub("", _ERASED.sub("", text.replace("\r\n", "\n"))).replace("\r", "").split("\n")
    kept = _SPINNING.sub("", "\n".join(line.rstrip() for line in lines))
    return re.sub(r"… {2,}", "…  ", _DIFFERS.sub("…", kept)).rstrip() + "\n"


def capture(folder: Path, commands: Sequence[str], columns: int, lines: int, language: str = "en") -> str:
    """Return all commands of a path, one after the other, in a folder with the demo and perhaps its index."""
    return "\n".join(shown(command, folder, columns, lines, language) for command in commands)


def main() -> None:
    """Write docs/captures anew."""
    FOLDER.mkdir(exist_ok=True)
    paths = [("readme", COMMANDS, size, "en") for size in SIZES] + [("russian", RUSSIAN_COMMANDS, RUSSIAN_SIZE, "ru")]
    for name, commands, (columns, lines), language in paths:
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "ingest").symlink_to(ROOT / "ingest")
            text = capture(Path(place), commands, columns, lines, language)
        (FOLDER / f"{name}-{columns}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
