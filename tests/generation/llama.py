"""A real llama.cpp server with a real small model, in a process and an environment of its own: `make test-llm` makes that."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

INTERPRETER = "SEARCHCTL_TEST_LLM"  # of the environment with the server and the model
_START = 120.0  # seconds


class LlamaServer:
    """A server in a process of its own, which can be killed and started again at the same address."""

    def __init__(self, *, embedding: bool = False) -> None:
        if INTERPRETER not in os.environ:
            pytest.skip(
                "needs a llama.cpp server and a small model: make test-llm makes an environment of its own for them"
            )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        program = str(Path(__file__).with_name("llama_program.py"))
        self._words = [os.environ[INTERPRETER], program, str(self.port), *(["embedding"] if embedding else [])]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(self._words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + _START
        while True:
            assert self._process.poll() is None and time.monotonic() < until, "the server doesn't start"
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (URLError, OSError):
                time.sleep(0.1)

    def kill(self) -> None:
        """Kill it on the spot."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart_after(self, seconds: float) -> threading.Thread:
        """Kill it after so many seconds, and start it again; returns the thread that does."""

        def turn() -> None:
            time.sleep(seconds)
            self.kill()
            self.start()

        thread = threading.Thread(target=turn)
        thread.start()
        return thread


@contextmanager
def running_llama(**settings: Any) -> Iterator[LlamaServer]:
    """Run a server."""
    server = LlamaServer(**settings)
    try:
        server.start()
        yield server
    finally:
        server.kill()
