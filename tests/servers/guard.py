"""Keeps one server running as long as its owner lives. Run as a script: guard.py FOLDER COMMAND...

The owner holds this process's stdin. A line "stop" ends the server in order, "kill" at once; when the owner is gone, however
it went, the server is killed and FOLDER removed. Whatever the server prints goes to FOLDER/log.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_STOP_SECONDS = 60


def main() -> int:
    """Run the server to its end and return its exit code."""
    folder, command = Path(sys.argv[1]), sys.argv[2:]
    server = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        **_identity(),
    )
    orphaned = threading.Event()
    threading.Thread(target=_obey, args=(server, orphaned), daemon=True).start()
    assert server.stdout is not None
    with (folder / "log").open("ab", buffering=0) as log:
        while (
            text := server.stdout.read1()
        ):  # ends with the last process that can write, not the first: then the data is free
            log.write(text)
    code = server.wait()
    if orphaned.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code


def _obey(server: subprocess.Popen[bytes], orphaned: threading.Event) -> None:
    order = sys.stdin.readline().strip()
    if order == "stop":
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(_STOP_SECONDS)
    if not order:
        orphaned.set()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)


def _identity() -> dict[str, Any]:
    """Both servers refuse to run as root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


if __name__ == "__main__":
    sys.exit(main())
