"""Plugins: other packages' encoders, source formats, rerankers and commands, found by their entry points.

A plugin's module is imported when the plugin is used, not because it is installed. One that can't be used is named with the
reason and left out; it stops neither the program nor other plugins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any, Literal, TypeAlias, get_args

from searchctl.errors import PluginError
from searchctl.translation import _

PluginKind: TypeAlias = Literal["encoders", "formats", "rerankers", "commands"]
PLUGIN_KINDS: tuple[PluginKind, ...] = get_args(PluginKind)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point: `address` is `module:object` in `package`. A `problem` says why it is left out."""

    kind: PluginKind
    name: str
    package: str
    version: str
    address: str
    problem: str = ""

    def load(self) -> Any:
        """Import the module and return the object; raises PluginError, whatever the module raises."""
        if self.problem:
            raise self.failure(self.problem)
        module, _colon, attributes = self.address.partition(":")
        try:
            loaded: Any = import_module(module.strip())
            for attribute in filter(None, attributes.strip().split(".")):
                loaded = getattr(loaded, attribute)
        except Exception as error:
            raise self.failure(f"{type(error).__name__}: {error}") from error
        return loaded

    def failure(self, reason: str) -> PluginError:
        """Return the error which names the plugin and says why it can't be used."""
        message = _(
            "the plugin '{name}' ({kind}) of the package {package} can't be used: {reason}; update or remove the package: "
            "pip install --upgrade {package}, pip uninstall {package}"
        )
        return PluginError(message.format(name=self.name, kind=self.kind, package=self.package, reason=reason))


def plugins(kind: PluginKind, is_own: Callable[[str], bool]) -> tuple[Plugin, ...]:
    """Return all plugins of a kind, by name, also those with a problem.

    `is_own` tells which names are searchctl's own; a plugin can't take one of these, nor that of a package before it in the
    alphabet.
    """
    listed: list[Plugin] = []
    for plugin in _installed(kind):
        holder = next((other.package for other in listed if other.name == plugin.name and not other.problem), None)
        problem = ""
        if not _NAME.fullmatch(plugin.name):
            problem = _("its name has to be small letters, digits, - and _")
        elif is_own(plugin.name):
            problem = _("searchctl itself has that name")
        elif holder is not None:
            problem = _("the package {package} has that name").format(package=holder)
        listed.append(replace(plugin, problem=problem))
    return tuple(listed)


def plugin_named(kind: PluginKind, name: str, is_own: Callable[[str], bool]) -> Plugin | None:
    """Return the plugin of that name which isn't left out."""
    return next((plugin for plugin in plugins(kind, is_own) if plugin.name == name and not plugin.problem), None)


@cache
def _installed(kind: PluginKind) -> tuple[Plugin, ...]:
    from importlib.metadata import entry_points  # only where plugins are asked for: reading all metadata takes a while

    listed = {
        Plugin(kind, point.name, point.dist.name, point.dist.version, point.value)
        for point in entry_points(group=f"searchctl.{kind}")
        if point.dist is not None
    }
    return tuple(sorted(listed, key=lambda plugin: (plugin.name, plugin.package)))
