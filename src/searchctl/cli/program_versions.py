"""`searchctl --version`: what is installed, read from package metadata so that nothing heavy is imported."""

from __future__ import annotations

import platform

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.output import print_json
from searchctl.translation import _

_PACKAGES = ("searchctl", "tantivy", "faiss-cpu", "onnxruntime", "tokenizers", "numpy")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide results; "missing" where one isn't installed."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def print_versions(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print the versions and stop."""
    if not value or ctx.resilient_parsing:
        return
    _print(versions())
    ctx.exit()


@click.command("version", cls=Command, examples=("searchctl version", "searchctl version --json"))
@framed
def command(frame: Frame) -> None:
    """Print the versions of searchctl and what it runs on."""
    from searchctl.encoders import DEFAULT_ENCODER

    found = versions()
    if frame.for_programs:
        own = found.pop("searchctl")
        print_json("versions-installed", {"searchctl": own, "packages": found, "encoder": DEFAULT_ENCODER})
        return
    _print(found)


def _print(found: dict[str, str]) -> None:
    from searchctl.encoders import DEFAULT_ENCODER

    click.echo(f"searchctl {found.pop('searchctl')}")
    for name, number in found.items():
        click.echo(f"{name} {number}")
    click.echo(_("encoder {DEFAULT_ENCODER}").format(DEFAULT_ENCODER=DEFAULT_ENCODER))
