"""Tells schemathesis how to send JSON Lines; loaded by its command line."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def json_lines(context: Any, value: Any) -> bytes:
    """Return the body as it was made."""
    return str(value).encode("utf-8", "surrogatepass")
