"""Addresses to listen on: `HOST:PORT`, and whether other machines can reach it."""

from __future__ import annotations

from searchctl.errors import UsageError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # names of this machine


def address(listen: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; raises UsageError."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"can't listen on '{listen}'; write HOST:PORT, as in 127.0.0.1:8765")
    return host.strip("[]") or "127.0.0.1", int(port)


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine only."""
    return host.strip("[]") in LOOPBACK or host.startswith("127.")


def loopback_address(listen: str) -> tuple[str, int]:
    """Return host and port where nobody but this machine can ask; raises UsageError for others."""
    host, port = address(listen)
    if not is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines, and this has no tokens; listen on 127.0.0.1:{port}"
        )
    return host, port
