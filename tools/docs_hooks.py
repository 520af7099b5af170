"""Pages of the site that are made: the help of every command, and the guides that stand at the root of the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from searchctl.cli import main

ROOT = Path(__file__).parents[1]
GUIDES = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/results.md")
_LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the commands' help, and the guides under their own names."""
    files.append(File.generated(config, "reference/cli.md", content="\n".join(_commands())))
    for guide in GUIDES:
        files.append(File.generated(config, guide, content=(ROOT / guide).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at the site's pages; what has none there, as a folder of the sources, is shown as plain words."""
    name = page.file.src_uri
    place = (ROOT / name).parent if name in GUIDES else (Path(config.docs_dir) / name).parent

    def pointed(link: re.Match[str]) -> str:
        target, anchor = (place / link[1]).resolve(), link[2] or ""
        for home in (Path(config.docs_dir), ROOT):
            if target.is_relative_to(home):
                uri = target.relative_to(home).as_posix()
                if files.get_file_from_path(uri) is not None:
                    up = "../" * name.count("/")
                    return f"]({up}{uri}{anchor})"
        return "]" if target.exists() else link[0]

    return _LINK.sub(pointed, markdown)


def _commands() -> Iterator[str]:
    yield "# Commands\n\nWhat `--help` says of each command.\n"
    yield from _help(main, click.Context(main, info_name="searchctl", terminal_width=100), 2)


def _help(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    yield f"{'#' * level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _help(below, click.Context(below, context, info_name=name), min(level + 1, 4))
