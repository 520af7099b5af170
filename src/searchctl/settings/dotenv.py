"""Read a .env file: `NAME=value` lines, optional `export`, quotes also over several lines, comments; nothing is expanded."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

from searchctl.errors import ConfigError
from searchctl.translation import _

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the file's variables. Raises ConfigError when it can't be read.

    Lines that set none are passed over, with a warning that names their number.
    """
    from dotenv import dotenv_values  # 8 ms, and most folders have no such file

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            _("can't read {path}: {error}; correct it or move it away").format(path=path, error=error)
        ) from error
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None and _NAME.fullmatch(name)}
