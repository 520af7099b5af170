"""Finds a JDK of the version that a server needs."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.servers.errors import ServerError

_SYSTEM = ("/usr/lib/jvm/*", "/usr/java/*", "/opt/java/*", "/Library/Java/JavaVirtualMachines/*/Contents/Home")
_VARIABLE = re.compile(r"JAVA_HOME|JDK_HOME|JAVA_?\d+_HOME|JAVA_HOME_\d+(_\w+)?")
_VERSION = re.compile(r'JAVA_VERSION="(?:1\.)?(\d+)')


def find_java(lowest: int, highest: int) -> Path:
    """Return the home of the oldest JDK between the two versions: in JAVA_HOME and its kin, the system's folders, or on PATH."""
    found = {home: version for home in _homes() if (version := _version(home))}
    fitting = [home for home, version in found.items() if lowest <= version <= highest]
    if fitting:
        return min(fitting, key=lambda home: found[home])
    seen = ", ".join(sorted({str(version) for version in found.values()})) or "none"
    raise ServerError(
        f"needs a JDK from {lowest} to {highest}, found {seen}; install one (Debian: apt install openjdk-{lowest}-jdk-headless, "
        f"or https://adoptium.net), or let JAVA_HOME or JAVA{lowest}_HOME point at it"
    )


def _homes() -> Iterator[Path]:
    for name, value in os.environ.items():
        if value and _VARIABLE.fullmatch(name):
            yield Path(value)
    for pattern in _SYSTEM:
        root, _, rest = pattern.partition("*")
        yield from sorted(Path(root).glob("*" + rest))
    if java := shutil.which("java"):
        yield Path(java).resolve().parents[1]


def _version(home: Path) -> int | None:
    release = home / "release"
    if not (home / "bin" / "java").exists() or not release.exists():
        return None
    found = _VERSION.search(release.read_text())
    return int(found[1]) if found else None
