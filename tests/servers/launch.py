"""How a server is started: its configuration for one run, and the command line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers.catalogue import Distribution


def prepare(home: Path, run: Path) -> None:
    """Lay out the folder `run`, which takes everything the server writes, with the distribution's own configuration."""
    shutil.copytree(home / "config", run / "config")
    for folder in ("data", "logs", "tmp"):
        (run / folder).mkdir()
    options = run / "config" / "jvm.options"
    kept = [line for line in options.read_text().splitlines() if "file=" not in line]  # logs of the collector
    options.write_text("\n".join(kept) + "\n")


def configure(distribution: Distribution, run: Path, settings: Mapping[str, object]) -> None:
    """Write the settings of one run, on top of those that every test node has; None takes one of these away."""
    lines = {
        "cluster.name": "searchctl-tests",
        "node.name": distribution.name,
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "path.data": run / "data",
        "path.logs": run / "logs",
        "cluster.routing.allocation.disk.threshold_enabled": "false",  # a full disk must not turn indexes read-only
        **settings,
    }
    (run / "config" / f"{distribution.product}.yml").write_text(
        "".join(f"{key}: {value}\n" for key, value in lines.items() if value is not None)
    )


@dataclass(frozen=True, slots=True)
class Java:
    """How a server's Java runs. A `quick` one compiles less: it starts in half the time, and answers more slowly later."""

    home: Path
    heap: str
    quick: bool

    @property
    def options(self) -> list[str]:
        """The virtual machine's options."""
        return [f"-Xms{self.heap}", f"-Xmx{self.heap}", *(["-XX:TieredStopAtLevel=1"] if self.quick else [])]


def command(distribution: Distribution, home: Path, run: Path, java: Java) -> list[str]:
    """Return the command line of the server itself."""
    if distribution.product == "elasticsearch":
        return [str(home / "bin" / "elasticsearch")]
    manager = "-Djava.security.manager=allow" if distribution.major < 3 else "--enable-native-access=ALL-UNNAMED"
    return [
        str(java.home / "bin" / "java"),
        *java.options,
        manager,
        f"-Djava.io.tmpdir={run}/tmp",
        f"-Dopensearch.path.home={home}",
        f"-Dopensearch.path.conf={run}/config",
        "-Dopensearch.distribution.type=zip",
        "-Dopensearch.bundled_jdk=false",
        "-Dio.netty.noUnsafe=true",
        "-Dlog4j.shutdownHookEnabled=false",
        "-Dlog4j2.disable.jmx=true",
        "--add-modules",
        "jdk.incubator.vector",
        "-cp",
        f"{home}/lib/*",
        "org.opensearch.bootstrap.OpenSearch",
    ]


def environment(distribution: Distribution, run: Path, java: Java) -> dict[str, str]:
    """Return the environment of the server."""
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("ES_", "OPENSEARCH_", "JAVA_", "_JAVA"))
    }
    if distribution.product == "opensearch":
        return kept
    return kept | {
        "ES_JAVA_HOME": str(java.home),
        "ES_JAVA_OPTS": " ".join(java.options),
        "CLI_JAVA_OPTS": "-XX:TieredStopAtLevel=1",  # of the launcher, whose work is short
        "ES_PATH_CONF": str(run / "config"),
        "ES_TMPDIR": str(run / "tmp"),
    }
