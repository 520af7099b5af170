"""What `searchctl doctor` says of plugins: each is loaded, and one that can't be used is named with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from searchctl.cli.lazy import load_command
from searchctl.encoders import is_own_encoder
from searchctl.engines.base import Finding
from searchctl.errors import PluginError
from searchctl.plugins import Plugin, PluginKind, plugins
from searchctl.rerankers import is_own_reranker
from searchctl.sources.formats import is_own_format, load_formats
from searchctl.translation import _


def examine_plugins(is_own_command: Callable[[str], bool]) -> list[Finding]:
    """Load every plugin there is and say how that went; nothing where there is none."""
    owners: dict[PluginKind, Callable[[str], bool]] = {
        "encoders": is_own_encoder,
        "formats": is_own_format,
        "rerankers": is_own_reranker,
        "commands": is_own_command,
    }
    broken = load_formats()[1]
    sound, problems = [], []
    for kind, is_own in owners.items():
        for plugin in plugins(kind, is_own):
            try:
                _check(plugin, broken)
                sound.append(f"{plugin.name} ({kind}, {plugin.package} {plugin.version})")
            except PluginError as error:
                problems.append(Finding("warning", "plugins", str(error)))
    return [*([Finding("ok", "plugins", ", ".join(sound))] if sound else []), *problems]


def _check(plugin: Plugin, broken_formats: Mapping[Plugin, PluginError]) -> None:
    """Load a plugin; raises PluginError where it isn't what its group asks for."""
    if plugin in broken_formats:
        raise broken_formats[plugin]
    if plugin.kind == "commands":
        load_command(plugin)
    elif plugin.kind != "formats" and not callable(loaded := plugin.load()):
        raise plugin.failure(_("it can't be called: {name}").format(name=type(loaded).__name__))
