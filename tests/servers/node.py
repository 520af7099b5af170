"""One running server: start, stop, kill, start again on the same data."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.servers.assemble import assemble
from tests.servers.catalogue import Distribution
from tests.servers.errors import ServerError
from tests.servers.java import find_java
from tests.servers.launch import Java, command, configure, environment, prepare
from tests.servers.security import Security, secure

_GUARD = Path(__file__).with_name("guard.py")
_START_SECONDS = 180
_LOG_LINES = 40


class Node:
    """A node of its own on 127.0.0.1, with data of its own. `security` is set on a secured one (Elasticsearch only).

    `together` are the settings by which it is one of several (see `Cluster`).
    """

    def __init__(
        self,
        distribution: Distribution,
        *,
        port: int | None = None,
        heap: str = "1g",
        secured: bool = False,
        quick: bool = False,
        together: Mapping[str, object] | None = None,
    ) -> None:
        if secured and distribution.product != "elasticsearch":
            raise ServerError(f"{distribution.name} can't be secured: its security plugin isn't on Maven Central")
        self.distribution = distribution
        self.security: Security | None = None
        self._java = Java(find_java(*distribution.java), heap, quick)
        self._home = assemble(distribution)
        self._port = port or free_port()
        self._guard: subprocess.Popen[bytes] | None = None
        self._run = Path(tempfile.mkdtemp(prefix=f"searchctl-{distribution.name}-"))
        settings: dict[str, object] = {"http.port": self._port, "transport.port": free_port()}
        prepare(self._home, self._run)
        if secured:
            self.security, more = secure(self._run / "config")
            settings |= more
        elif distribution.product == "elasticsearch":
            settings["xpack.security.enabled"] = "false"
        settings |= together or {}
        configure(distribution, self._run, settings)

    @property
    def url(self) -> str:
        """Its address, without user and password."""
        return f"{'https' if self.security else 'http'}://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it answers; raises ServerError with the end of its log."""
        _hand_over(self._run)
        with (self._run / "log").open("ab") as log:
            self._guard = subprocess.Popen(
                [
                    sys.executable,
                    str(_GUARD),
                    str(self._run),
                    *command(self.distribution, self._home, self._run, self._java),
                ],
                env=environment(self.distribution, self._run, self._java),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._ended_within(0.2):
                log_end = self.log()
                self.close()
                raise ServerError(f"{self.distribution.name} did not start; its log ends:\n{log_end}")

    def stop(self) -> None:
        """End it in order; its data stay."""
        self._order("stop")

    def kill(self) -> None:
        """End it as a power cut would, by SIGKILL; its data stay."""
        self._order("kill")

    def close(self) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self._run, ignore_errors=True)

    def log(self) -> str:
        """Return the end of what it has printed."""
        try:
            lines = (self._run / "log").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-_LOG_LINES:])

    def __enter__(self) -> Node:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _order(self, word: str) -> None:
        guard, self._guard = self._guard, None
        if guard is None:
            return
        assert guard.stdin is not None
        with contextlib.suppress(BrokenPipeError), guard.stdin:
            guard.stdin.write(f"{word}\n".encode())
            guard.stdin.flush()
            guard.wait()

    def _ended_within(self, seconds: float) -> bool:
        assert self._guard is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(seconds)
            return True
        return False

    def _answers(self) -> bool:
        request = urllib.request.Request(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s")
        context = None
        if self.security:
            context = ssl.create_default_context(cafile=self.security.authority)
            secret = b64encode(f"{self.security.user}:{self.security.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {secret}")
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as response:
                return bool(response.status == 200)
        except OSError:
            return False


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _hand_over(folder: Path) -> None:
    """Give everything in the folder to `nobody` where the server will run as that user."""
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "nobody")
