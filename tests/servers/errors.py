"""What can go wrong when a test node is assembled or started."""

from __future__ import annotations


class ServerError(Exception):
    """A node can't be had; the message says what is missing and what to install or set."""
