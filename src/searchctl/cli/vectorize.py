"""`searchctl vectorize`: add the vectors that are missing."""

from __future__ import annotations

import click

from searchctl.cli.frame import Command, Frame, framed
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import end_interrupted, open_as_is
from searchctl.cli.output import duration_of, print_json, print_pairs
from searchctl.cli.progress import Meter


@click.command(
    "vectorize",
    cls=Command,
    examples=(
        "searchctl ingest docs/ --defer-vectors && searchctl vectorize",
        "searchctl vectorize --docs-per-second 50",
    ),
)
@click.option("--docs-per-second", type=click.FloatRange(0.01), metavar="N", help="Encode no more than that.")
@framed
def command(frame: Frame, docs_per_second: float | None) -> None:
    """Add vectors to the documents that were stored with --defer-vectors.

    Running the same command again resumes.
    """
    from searchctl.filling import Watch
    from searchctl.vectorize import encode_deferred

    with open_as_is(frame) as index, Meter(frame, "documents") as meter, stop_on_interrupt() as stop:
        report = encode_deferred(index, Watch(meter.update, stop, docs_per_second))
    if frame.json:
        print_json({"encoded": report.encoded, "waiting": report.waiting, "seconds": round(report.seconds, 3)})
    elif not frame.quiet:
        print_pairs([("encoded", f"{report.encoded:,} documents"), ("time", duration_of(report.seconds))])
    if report.interrupted:
        end_interrupted(frame)
