"""Read a .env file: `NAME=value` lines, optional `export`, quotes and comments; nothing is expanded."""

from __future__ import annotations

import re
from pathlib import Path

from searchctl.errors import ConfigError

_LINE = re.compile(
    r"""\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*
    (?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(.*?))\s*(?:(?:^|(?<=\s))\#.*)?""",
    re.VERBOSE,
)


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the file's variables; lines that set none are passed over. Raises ConfigError when it can't be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't read {path}: {error}; correct it or move it away") from error
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match:
            name, double, single, bare = match.groups()
            found[name] = bare if double is single else single if double is None else re.sub(r"\\(.)", r"\1", double)
    return found
