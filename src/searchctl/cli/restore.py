"""`searchctl restore`: make an index from a dump."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import end_interrupted, hint
from searchctl.cli.output import print_json, print_pairs
from searchctl.cli.progress import Meter
from searchctl.translation import _


@click.command(
    "restore",
    cls=Command,
    examples=(
        "searchctl restore backup/2026-11-23",
        "searchctl restore shop --engine elasticsearch://localhost:9200 --index shop",
        "searchctl restore backup/2026-11-23 --replace",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--replace", "replace_index", is_flag=True, help="Replace an index that has this name.")
@framed
def command(frame: Frame, folder: Path, replace_index: bool) -> None:
    """Make an index from a dump of this or another engine; nothing is encoded again.

    The checksums are compared first. The index appears when it is complete; with --replace the one before stays for
    searchctl rollback. Running the same command again resumes.
    """
    from searchctl.engines import open_engine
    from searchctl.ingest.copying import Monitor
    from searchctl.lifecycle.restore import restore

    engine = open_engine(frame.settings.engine, frame.settings.connection)
    try:
        with Meter(frame, _("documents"), _("writing")) as meter, stop_on_interrupt() as stop:
            monitor = Monitor(meter.update, stop)
            report = restore(engine, frame.settings.index, folder, monitor, replace_index=replace_index)
    finally:
        engine.close()
    if report.moved is None:
        end_interrupted(frame)
        return
    if frame.reports_json:
        print_json(
            "restored",
            {
                "name": report.moved.name,
                "version": report.version,
                "documents": report.documents,
                "written": report.written,
                "before": report.moved.before,
            },
        )
    elif not frame.quiet:
        was = f" (before: {report.moved.before})" if report.moved.before else ""
        print_pairs(
            [
                (
                    _("in use"),
                    _("{name} is {version} now{was}").format(name=report.moved.name, version=report.version, was=was),
                ),
                (
                    _("documents"),
                    _("{documents:,}, {written:,} written now").format(
                        documents=report.documents, written=report.written
                    ),
                ),
            ]
        )
        say(_("next: {hint}").format(hint=hint(frame, "search", _("your question"))))
