"""What a running gateway was told."""

from __future__ import annotations

from dataclasses import dataclass

from searchctl.errors import UsageError
from searchctl.gateway.policies import Policies

LISTEN = "127.0.0.1:9201"
BUDGET_MS = 1000


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How the gateway answers.

    `budget_ms` is the longest a hybrid answer may take before the app gets the plain one, and the longest that the answer to a
    write waits for vectors. `shadow` in [0, 1] is the share of searches that are computed both ways and answered lexically, None
    for hybrid answers; `share` is the share of sessions that get hybrid answers. With `embed_writes` written documents get their
    vectors on the way. `record` is a file that takes every search. `certificate` and `key` are for TLS towards the apps.
    """

    host: str = "127.0.0.1"
    port: int = 9201
    policies: Policies = Policies()
    budget_ms: int = BUDGET_MS
    shadow: float | None = None
    share: float = 1.0
    record: str | None = None
    embed_writes: bool = False
    certificate: str | None = None
    key: str | None = None
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.budget_ms < 1:
            raise UsageError(f"a budget of {self.budget_ms} ms leaves no time; give 1 or more")
        for name, value in (("shadow", self.shadow), ("share", self.share)):
            if value is not None and not 0.0 <= value <= 1.0:
                raise UsageError(f"--{name} {value} isn't a share; give a number from 0 to 1")
        if (self.certificate is None) != (self.key is None):
            raise UsageError("TLS needs a certificate and its key; give both --tls-cert and --tls-key")
