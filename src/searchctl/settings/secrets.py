"""Keep secrets out of everything that is printed or logged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
_USERINFO = re.compile(r"(?<=://)(?:(?!://)\S)*@|(?<=:/)(?!/)\S*:\S*@")
_SHORTEST = 4  # masking shorter values would garble every message and so give them away


def mask_urls(text: str) -> str:
    """Replace the user information of every URL in the text: `https://ann:pw@host` becomes `https://***@host`."""
    return _USERINFO.sub(f"{MASK}@", text)


def passwords_in(text: str) -> tuple[str, ...]:
    """Return what may be a password in an address, however badly that is written: what stands between a colon and an @."""
    userinfo, at, _ = text.rpartition("@")
    if not at:
        return ()
    userinfo = userinfo.rpartition("://")[2] if "://" in userinfo else userinfo
    _, colon, word = userinfo.partition(":")
    return (word.lstrip("/"),) if colon and word.lstrip("/") else ()


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace the given secrets, as they are or percent-encoded, and the user information of every URL."""
    forms = {
        form
        for secret in secrets
        if len(secret) >= _SHORTEST
        for form in (secret, quote(secret, safe=""), quote_plus(secret))
    }
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return mask_urls(text)
