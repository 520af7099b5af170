"""`searchctl pipeline`: OpenSearch's own hybrid search, for clients that want it."""

from __future__ import annotations

import json

import click

from searchctl.cli.choices import choice
from searchctl.cli.context import Command, Frame, GroupWithExamples, framed
from searchctl.cli.failures import say
from searchctl.cli.output import echo, print_json
from searchctl.engines.base import Technique
from searchctl.translation import _


@click.group(
    "pipeline",
    cls=GroupWithExamples,
    examples=("searchctl pipeline install --engine opensearch://localhost:9200 --method rrf",),
)
def command() -> None:
    """Set up OpenSearch's own hybrid search, for clients that send it themselves.

    searchctl merges both searches itself and doesn't need this. Compare the two: searchctl evaluate DIR --modes hybrid,native
    """


@command.command(
    "install",
    cls=Command,
    examples=(
        "searchctl pipeline install --engine opensearch://localhost:9200",
        "searchctl pipeline install --engine opensearch://localhost:9200 --method rrf --name shop-rrf",
    ),
)
@click.option(
    "--method", type=choice(Technique), default="weighted", show_default=True, help="How both searches are merged."
)
@click.option("--name", metavar="NAME", help="Name of the pipeline [default: searchctl-METHOD].")
@click.option(
    "--lexical", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Weight of the words, with weighted."
)
@framed
def install_command(frame: Frame, method: Technique, name: str | None, lexical: float) -> None:
    """Write a search pipeline to OpenSearch, and show a query that uses it.

    It takes OpenSearch 2.10 or later with the plugin neural-search.
    """
    from searchctl.engines import open_engine
    from searchctl.lifecycle.pipeline import install

    engine = open_engine(frame.settings.engine, frame.settings.connection)
    try:
        made = install(engine, method, name or f"searchctl-{method}", lexical=lexical)
    finally:
        engine.close()
    if frame.for_programs:
        print_json("pipeline", {"name": made.name, "pipeline": made.body, "example": made.example})
        return
    echo(made.name)
    if not frame.quiet:
        say(
            _("use it: POST {index}/_search?search_pipeline={name}\n").format(
                index=frame.settings.index, name=made.name
            )
            + json.dumps(made.example, ensure_ascii=False, indent=1)
        )
