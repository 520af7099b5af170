"""`searchctl mcp`: search as tools for agents."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.program_versions import versions
from searchctl.errors import MissingExtra
from searchctl.translation import _


@click.command(
    "mcp",
    cls=Command,
    examples=("searchctl mcp", "searchctl mcp --engine ./my-index --http 127.0.0.1:8766"),
)
@click.option(
    "--http", "listen", metavar="HOST:PORT", help="Listen there instead of talking on standard input and output."
)
@click.option("--all-indexes/--one-index", default=True, help="Offer all of the engine's indexes, or only --index.")
@framed
def command(frame: Frame, listen: str | None, all_indexes: bool) -> None:
    """Offer search, suggest, similar, get, answer and route as tools of the Model Context Protocol.

    Without --http it speaks on standard input and output, as desktop agents start it. Nothing can be changed through it.
    """
    try:
        from searchctl.service.indexes import Offer, OpenIndexes
        from searchctl.service.tools import make_tools
    except ImportError as error:
        raise MissingExtra("searchctl mcp", "mcp") from error
    from searchctl.settings.addresses import loopback_address

    names = None if all_indexes else (frame.settings.index, "routes")
    indexes = OpenIndexes(Offer(frame.settings.engine, frame.settings.connection, names))
    indexes.index(frame.settings.index)  # what is missing is told before an agent waits for it
    server = make_tools(indexes, frame.settings.index, versions()["searchctl"])
    try:
        if listen is None:
            server.run("stdio")
            return
        host, port = loopback_address(listen)
        if not frame.quiet:
            say(_("searchctl: tools at http://{listen}/mcp (Ctrl-C ends it)").format(listen=listen))
        server.run("streamable-http", host=host, port=port)
    finally:
        indexes.close()
