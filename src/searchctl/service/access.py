"""Who may do what: bearer tokens with rights on indexes, and what a browser on another page may ask."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from searchctl.errors import ConfigError
from searchctl.settings.addresses import is_loopback

Right: TypeAlias = Literal["read", "write"]
_LEAST_LENGTH = 16  # characters of a token: a shorter one can be guessed
_MEANS_MORE = re.compile(r"[*?\[\]<>{}]|^[-+_]")


class _TokenEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str
    indexes: tuple[str, ...] = ("*",)
    rights: tuple[Right, ...] = ("read",)
    name: str = ""


class _TokenFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: list[_TokenEntry]


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights on the indexes whose names fit one of the patterns (`*` and `?` as in file names)."""

    name: str
    indexes: tuple[str, ...]
    rights: frozenset[Right]

    def allows(self, index: str, right: Right) -> bool:
        """Tell whether this right is held on this index, or on all of those that are named with commas between."""
        return right in self.rights and all(map(self._fits, index.split(",")))

    def _fits(self, name: str) -> bool:
        """Tell whether a pattern means this name. What a server would take for a pattern itself may mean more: it fits `*` alone."""
        means_itself = not _MEANS_MORE.search(name)
        return any(pattern == "*" or (means_itself and fnmatchcase(name, pattern)) for pattern in self.indexes)


class Gatekeeper:
    """Knows the tokens, by their hashes only. Without tokens everyone may read, and write if the service is writable."""

    def __init__(self, grants: Sequence[tuple[bytes, Grant]], *, writable: bool) -> None:
        self._grants = tuple(grants)
        self._everyone = Grant("everyone", ("*",), frozenset(("read", "write") if writable else ("read",)))
        self._writable = writable

    @property
    def needs_token(self) -> bool:
        """Whether a request has to come with a token."""
        return bool(self._grants)

    def grant(self, authorization: str | None) -> Grant | None:
        """Return what an Authorization header allows; None where it is missing or unknown."""
        if not self._grants:
            return self._everyone
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            return None
        digest = _digest(token.strip())
        known = [grant for held, grant in self._grants if hmac.compare_digest(held, digest)]
        if not known:
            return None
        grant = known[0]
        return grant if self._writable else Grant(grant.name, grant.indexes, grant.rights - {"write"})


def read_tokens(path: Path) -> list[tuple[bytes, Grant]]:
    """Read a TOML file of `[[token]]` tables with `token`, `indexes`, `rights` and perhaps `name`; raises ConfigError."""
    try:
        entries = msgspec.toml.decode(path.read_bytes(), type=_TokenFile).token
    except OSError as error:
        raise ConfigError(f"can't read the tokens in {path}: {error.strerror or error}") from error
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ConfigError(f'{path} is no file of tokens: {error}; write [[token]] tables with token = "…"') from error
    if not entries:
        raise ConfigError(f"{path} holds no token; write at least one [[token]] table")
    for number, entry in enumerate(entries, 1):
        if len(entry.token) < _LEAST_LENGTH:
            raise ConfigError(
                f"token {number} in {path} is shorter than {_LEAST_LENGTH} characters; "
                "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
    return [
        (
            _digest(entry.token),
            Grant(entry.name or f"token {number}", entry.indexes, frozenset(entry.rights)),
        )
        for number, entry in enumerate(entries, 1)
    ]


def foreign_origin(origin: str | None, host: str, allowed: Sequence[str]) -> bool:
    """Tell whether a browser sent this request for a page of another address that isn't among the `allowed` origins."""
    if not origin or origin in allowed or "*" in allowed:
        return False
    return origin.split("://", 1)[-1].lower() != host.lower()


def strange_host(host: str, listening: str) -> bool:
    """Tell whether a request to a service on loopback names another host, as DNS rebinding does."""
    if not is_loopback(listening):
        return False
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return not is_loopback(name)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
