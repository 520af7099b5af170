"""Fetches artifacts and what they need at run time, by Maven."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.errors import ServerError

_PROJECT = '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>searchctl.tests</groupId>'


def fetch(folder: Path, sets: Mapping[str, Sequence[str]]) -> dict[str, list[Path]]:
    """Return the files of each named set of artifacts (`group:name:version`, jars with their dependencies, or
    `group:name:version:zip`, alone), all resolved in one run of Maven inside `folder`."""
    if not shutil.which("mvn"):
        raise ServerError(
            "needs Maven to fetch the servers' parts, and there is no mvn on PATH; install it (Debian: apt install maven)"
        )
    modules = "".join(f"<module>{name}</module>" for name in sets)
    (folder / "pom.xml").write_text(
        f"{_PROJECT}<artifactId>all</artifactId><version>1</version><packaging>pom</packaging><modules>{modules}</modules></project>"
    )
    for name, artifacts in sets.items():
        (folder / name).mkdir()
        dependencies = "".join(_dependency(artifact) for artifact in artifacts)
        (folder / name / "pom.xml").write_text(
            f"{_PROJECT}<artifactId>{name}</artifactId><version>1</version><dependencies>{dependencies}</dependencies></project>"
        )
    command = [
        "mvn",
        "-q",
        "-B",
        "-f",
        str(folder / "pom.xml"),
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise ServerError(f"Maven could not fetch the servers' parts:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return {name: sorted((folder / name / "target" / "dependency").iterdir()) for name in sets}


def _dependency(artifact: str) -> str:
    group, name, version, *kind = artifact.split(":")
    alone = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    return (
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>"
        + (f"<type>{kind[0]}</type>{alone}" if kind else "")
        + "</dependency>"
    )
