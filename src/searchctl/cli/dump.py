"""`searchctl dump`: write an index to portable files."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import INTERRUPTED, say
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import hint, open_as_is
from searchctl.cli.output import print_json, print_pairs, size_of
from searchctl.cli.progress import Meter
from searchctl.translation import _, number


@click.command(
    "dump",
    cls=Command,
    examples=(
        "searchctl dump backup/2026-11-23",
        "searchctl dump shop --engine opensearch://localhost:9200 --index shop",
        "searchctl dump shop --plain",
        "searchctl restore shop --engine ./another",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--plain", is_flag=True, help="Don't compress the documents.")
@framed
def command(frame: Frame, folder: Path, plain: bool) -> None:
    """Write documents, passages, vectors and the stamp of an index into a new folder.

    It holds JSON Lines, a safetensors file and a manifest with checksums, and is there whole or not at all. Searching and
    loading go on meanwhile.
    """
    from searchctl.ingest.copying import Monitor
    from searchctl.lifecycle.dump import dump

    with open_as_is(frame) as index, Meter(frame, _("documents"), _("writing")) as meter, stop_on_interrupt() as stop:
        report = dump(index.engine, index.name, folder, Monitor(meter.update, stop), compress=not plain)
    if report is None:
        say(_("searchctl: interrupted; nothing was kept"))
        click.get_current_context().exit(INTERRUPTED)
        return
    if frame.reports_json:
        print_json(
            "dump",
            {
                "path": str(report.path),
                "documents": report.documents,
                "vectors": report.vectors,
                "size": report.size,
            },
        )
    elif not frame.quiet:
        print_pairs(
            [
                (_("dump"), str(report.path)),
                (_("documents"), number(report.documents)),
                (_("vectors"), number(report.vectors)),
                (_("size"), size_of(report.size)),
            ]
        )
        say(_("next: {hint}").format(hint=hint(frame, "restore", str(report.path), index="NEW")))
