"""How searches are answered, index by index: the table [gateway] of searchctl.toml and what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, get_args

from searchctl.errors import ConfigError, UsageError
from searchctl.gateway.steps import Mode, Policy, RerankPolicy
from searchctl.schema import FusionSettings
from searchctl.search.rerank import DEEPEST

MODES: tuple[Mode, ...] = get_args(Mode)
_KEYS = ("mode", "fields", "weights", "min_coverage", "min_relevance", "repair", "rerank")


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy of every index: of the first pattern that fits its name, else the usual one."""

    usual: Policy = Policy()
    patterns: tuple[tuple[str, Policy], ...] = ()

    def of(self, index: str) -> Policy:
        """Return the policy of what an app names, which may be several indexes: one that is off switches all off."""
        policies = [self._of_one(name) for name in index.split(",")]
        return next((policy for policy in policies if policy.mode == "off"), policies[0])

    def _of_one(self, name: str) -> Policy:
        return next((policy for pattern, policy in self.patterns if fnmatchcase(name, pattern)), self.usual)

    @property
    def rerankers(self) -> set[str]:
        """Return the names of what reorders the best, of any index."""
        policies = (self.usual, *(policy for _, policy in self.patterns))
        return {policy.rerank.name for policy in policies if policy.rerank is not None}

    def with_rerank(self, name: str | None) -> Policies:
        """Return the policies with another usual reranker, as in "maxsim:10"; None changes nothing. Raises ConfigError."""
        return self if name is None else replace(self, usual=replace(self.usual, rerank=read_rerank(name)))

    def with_mode(self, mode: Mode | None) -> Policies:
        """Return the policies with another usual mode; None changes nothing."""
        return self if mode is None else replace(self, usual=replace(self.usual, mode=mode))


def read_policies(table: Mapping[str, Any], origin: str) -> Policies:
    """Read `[gateway]` and `[gateway.indexes.PATTERN]`; raises ConfigError naming what isn't understood."""
    named = table.get("indexes", {})
    if not isinstance(named, Mapping):
        raise ConfigError(f"{origin}: 'gateway.indexes' must hold tables, written as [gateway.indexes.\"shop-*\"]")
    usual = _policy({key: value for key, value in table.items() if key != "indexes"}, Policy(), f"{origin} [gateway]")
    patterns = tuple(
        (pattern, _policy(found, usual, f'{origin} [gateway.indexes."{pattern}"]')) for pattern, found in named.items()
    )
    return Policies(usual, patterns)


def _policy(table: Any, base: Policy, origin: str) -> Policy:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{origin}: must be a table")
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f"{origin}: no setting '{key}'; there are: {', '.join(_KEYS)}")
    mode = table.get("mode", base.mode)
    if mode not in MODES:
        raise ConfigError(f"{origin}: no mode '{mode}'; choose one of: {', '.join(MODES)}")
    return Policy(
        mode,
        _weights(table["weights"], origin) if "weights" in table else base.fusion,
        _names(table["fields"], origin) if "fields" in table else base.fields,
        _share(table, "min_coverage", base.least_coverage, origin),
        _share(table, "min_relevance", base.least_relevance, origin),
        _switch(table, "repair", base.repair, origin),
        read_rerank(table["rerank"], f"{origin}: ") if "rerank" in table else base.rerank,
    )


def _switch(table: Mapping[str, Any], key: str, usual: bool, origin: str) -> bool:
    value = table.get(key, usual)
    if not isinstance(value, bool):
        raise ConfigError(f"{origin}: '{key}' must be true or false, found {value!r}")
    return value


def read_rerank(value: Any, origin: str = "") -> RerankPolicy | None:
    """Read what reorders the best: its name, with or without `:DEPTH`, as in `searchctl search --rerank`; "" for nothing."""
    if not isinstance(value, str):
        raise ConfigError(f'{origin}: \'rerank\' must be a name, as in "maxsim" or "maxsim:20"; found {value!r}')
    if not value:
        return None
    name, _, depth = value.rpartition(":")
    if not (name and depth.isdigit()):
        return RerankPolicy(value)
    if not 2 <= int(depth) <= DEEPEST:
        raise ConfigError(f"{origin}'rerank' of {depth} documents; give 2 to {DEEPEST}")
    return RerankPolicy(name, int(depth))


def _weights(value: Any, origin: str) -> FusionSettings:
    if not (isinstance(value, list) and len(value) == 2 and all(isinstance(one, (int, float)) for one in value)):
        raise ConfigError(f"{origin}: 'weights' must be two numbers, words first, as in [0.5, 0.5]; found {value!r}")
    try:
        return FusionSettings("weighted", float(value[0]), float(value[1]))
    except UsageError as error:
        raise ConfigError(f"{origin}: {error}") from error


def _names(value: Any, origin: str) -> tuple[str, ...]:
    if not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise ConfigError(f'{origin}: \'fields\' must be a list of names, as in ["name", "description"]')
    return tuple(value)


def _share(table: Mapping[str, Any], key: str, usual: float, origin: str) -> float:
    value = table.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ConfigError(f"{origin}: '{key}' must be a number from 0 to 1, found {value!r}")
    return float(value)
