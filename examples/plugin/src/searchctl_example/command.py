"""A command: `searchctl titles`. It takes the same global options as the others."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.listing import print_listing


@click.command("titles", cls=Command, examples=("searchctl titles", "searchctl titles --index talks -k 100"))
@click.option("-k", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@framed
def command(frame: Frame, k: int) -> None:
    """List the titles of an index, as they lie in it."""
    with frame.open_index() as index:
        entries = (entry for batch in index.engine.scan(index.name) for entry in batch)
        rows = [
            {"id": entry.document.id, "title": entry.document.title}
            for entry, _ in zip(entries, range(k), strict=False)
        ]
    if frame.for_programs:
        print_listing(frame, "titles", "title", "titles", rows)
        return
    for row in rows:
        click.echo(f"{row['id']}  {row['title']}")
