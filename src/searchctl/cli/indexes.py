"""`searchctl indexes`: what there is on an engine."""

from __future__ import annotations

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.listing import print_listing
from searchctl.cli.output import print_table, size_of
from searchctl.translation import _, number


@click.command(
    "indexes",
    cls=Command,
    examples=(
        "searchctl indexes",
        "searchctl indexes --engine opensearch://localhost:9200",
        "searchctl indexes --json | jq -r .indexes[].index",
    ),
)
@framed
def command(frame: Frame) -> None:
    """List the indexes of an engine: how much they hold and which encoder made their vectors."""
    from searchctl.engines import open_engine
    from searchctl.errors import SearchctlError

    engine = open_engine(frame.settings.engine, frame.settings.connection)
    try:
        found = []
        for info in engine.indexes():
            try:
                stamp = engine.schema(info.name).encoder
                encoder = stamp.name if stamp else None
            except SearchctlError:  # damaged, or of a newer searchctl: it is there all the same
                encoder = None
            found.append((info, encoder))
    finally:
        engine.close()
    where = frame.public(frame.settings.engine)
    if frame.for_programs:
        values = (
            {
                "index": info.name,
                "documents": info.documents,
                "passages": info.passages,
                "size": info.size,
                "encoder": encoder,
                "aliases": list(info.aliases),
            }
            for info, encoder in found
        )
        print_listing(frame, "indexes", "index", "indexes", values, engine=where)
        return
    rows = [
        [
            info.name,
            number(info.documents),
            number(info.passages),
            size_of(info.size),
            encoder or "-",
            ", ".join(info.aliases),
        ]
        for info, encoder in found
    ]
    if rows:
        print_table([_("index"), _("documents"), _("passages"), _("size"), _("encoder"), _("other names")], rows)
    elif not frame.quiet:
        say(_("no indexes in {engine}; make one with: searchctl ingest FOLDER").format(engine=where))
