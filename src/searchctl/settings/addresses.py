"""Addresses to listen on: `HOST:PORT`, and whether other machines can reach it."""

from __future__ import annotations

from searchctl.errors import UsageError
from searchctl.translation import _

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # names of this machine


def address(listen: str, *, any_port: bool = False) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, `[::1]:PORT` or `:PORT`, which is of this machine only; raises UsageError.

    With `any_port`, port 0 lets the system choose one.
    """
    host, colon, port = listen.rpartition(":")
    name = host.removeprefix("[").removesuffix("]")
    bare = ":" in name and not host.startswith("[")  # an IPv6 address whose last part would be taken for the port
    if not colon or bare or not (port.isascii() and port.isdigit()) or not (not any_port) <= int(port) < 65536:
        raise UsageError(
            _("can't --listen on '{listen}'; write HOST:PORT, as in 127.0.0.1:8765, or [::1]:8765").format(
                listen=listen
            )
        )
    return name or "127.0.0.1", int(port)


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine only."""
    return host.strip("[]") in LOOPBACK or host.startswith("127.")


def loopback_address(listen: str) -> tuple[str, int]:
    """Return host and port where nobody but this machine can ask; raises UsageError for others."""
    host, port = address(listen)
    if not is_loopback(host):
        raise UsageError(
            _("{host} can be reached from other machines, and this has no tokens; listen on 127.0.0.1:{port}").format(
                host=host, port=port
            )
        )
    return host, port
