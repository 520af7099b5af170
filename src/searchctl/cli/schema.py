"""`searchctl schema`: the JSON Schema of what commands print."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import click
from click.shell_completion import CompletionItem

from searchctl.cli.context import Command, Frame, framed
from searchctl.errors import UsageError
from searchctl.suggest import did_you_mean
from searchctl.translation import _


def schemas() -> dict[str, Any]:
    """Return the JSON Schema of all kinds of objects, which stand under `$defs`."""
    found: dict[str, Any] = json.loads((files("searchctl.cli") / "schemas.json").read_text(encoding="utf-8"))
    return found


def kinds() -> list[str]:
    """Return the kinds of objects that commands print."""
    return [name for name, one in schemas()["$defs"].items() if "schema" in one.get("properties", {})]


def _complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name) for name in kinds() if name.startswith(incomplete)]


@click.command("schema", cls=Command, examples=("searchctl schema hit", "searchctl schema > searchctl.schema.json"))
@click.argument("kind", required=False, shell_complete=_complete)
@framed
def command(frame: Frame, kind: str | None) -> None:
    """Print the JSON Schema of what commands print in a pipe and with --json: of all kinds of objects, or of one."""
    whole = schemas()
    if kind is not None:
        name = kind.partition("/")[0]
        if name not in kinds():
            hint = did_you_mean(name, kinds(), _("list them with: searchctl schema | jq '.\"$defs\" | keys'"))
            raise UsageError(_("no kind '{name}'; {hint}").format(name=name, hint=hint))
        whole = {"$schema": whole["$schema"], "$ref": f"#/$defs/{name}", "$defs": whole["$defs"]}
    click.echo(json.dumps(whole, ensure_ascii=False, indent=1))
