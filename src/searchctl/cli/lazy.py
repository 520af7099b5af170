"""Groups of commands that import the module of the one that is called, and no other."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from searchctl.cli.context import GroupWithExamples
from searchctl.plugins import Plugin, plugins
from searchctl.suggest import did_you_mean
from searchctl.translation import _


class LazyGroup(GroupWithExamples):
    """Knows its commands by `commands`: name to module and summary.

    A module's `attribute` is the command; `{name}` in it stands for the command's name. `refused` has advice for names that
    people try and that are no commands; `sections` are the headings under which the help lists the names. With `takes_plugins` there
    are also the commands of other packages.
    """

    def __init__(
        self,
        *args: Any,
        commands: Mapping[str, tuple[str, str]],
        attribute: str = "command",
        refused: Mapping[str, str] | None = None,
        sections: Mapping[str, Sequence[str]] | None = None,
        takes_plugins: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self._sections = sections or {"Commands": tuple(commands)}
        self._known = commands
        self._attribute = attribute
        self._refused = refused or {}
        self._takes_plugins = takes_plugins

    def is_own(self, name: str) -> bool:
        """Tell whether a command is this group's own, not a plugin's."""
        return name in self._known

    def _plugins(self) -> dict[str, Plugin]:
        known = plugins("commands", self.is_own) if self._takes_plugins else ()
        return {plugin.name: plugin for plugin in known if not plugin.problem}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the table's order, then those of plugins."""
        return [*self._known, *self._plugins()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return the command."""
        if cmd_name not in self._known:
            plugin = self._plugins().get(cmd_name)
            return None if plugin is None else load_command(plugin)
        module = importlib.import_module(self._known[cmd_name][0])
        command: click.Command = getattr(module, self._attribute.format(name=cmd_name))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with the nearest name."""
        if args and args[0] not in self._known and not args[0].startswith("-") and args[0] not in self._plugins():
            own = "" if ctx.parent is None else f"{ctx.info_name} "
            hint = did_you_mean(
                args[0], self.list_commands(ctx), _("see: {command}").format(command=f"searchctl {own}--help")
            )
            advice = _(self._refused.get(args[0], "")) or hint
            raise click.UsageError(
                _("no command '{name}'; {advice}").format(name=f"{own}{args[0]}", advice=advice), ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section without importing any."""
        brought = self._plugins()
        width = max(map(len, (*self._known, *brought)))
        for title, names in self._sections.items():
            with formatter.section(_(title)):
                formatter.write_dl([(name.ljust(width), _(self._known[name][1])) for name in names])
        if brought:
            with formatter.section(_("Plugins")):
                origin = _("From the package {package}.")
                formatter.write_dl(
                    [(name.ljust(width), origin.format(package=brought[name].package)) for name in brought]
                )

    def said(self) -> list[str]:
        """Return what the help and the errors of this group say beside the help of its commands, for catalogues."""
        return [*self._sections, *(summary for _module, summary in self._known.values()), *self._refused.values()]

    @property
    def own_commands(self) -> tuple[str, ...]:
        """The names of the commands that come with searchctl."""
        return tuple(self._known)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Complete names of commands without importing any."""
        names = [
            CompletionItem(name, help=_(summary))
            for name, (_module, summary) in self._known.items()
            if name.startswith(incomplete)
        ]
        names += [CompletionItem(name) for name in self._plugins() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)


def load_command(plugin: Plugin) -> click.Command:
    """Return a plugin's command; raises PluginError."""
    command = plugin.load()
    if not isinstance(command, click.Command):
        raise plugin.failure(_("it is no click.Command but {name}").format(name=type(command).__name__))
    return command
