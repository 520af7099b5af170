"""`searchctl route apply`: labels written back into an index."""

from __future__ import annotations

import click

from searchctl.cli.completions import complete_index
from searchctl.cli.context import Command, Frame, as_text, framed
from searchctl.cli.failures import INTERRUPTED, say
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.output import count_of, print_json, print_table
from searchctl.cli.progress import Meter
from searchctl.cli.route.context import open_router
from searchctl.cli.where import where_of, where_option
from searchctl.translation import _


@click.command(
    "apply",
    cls=Command,
    examples=(
        "searchctl route apply tickets",
        "searchctl route apply tickets --target-precision 0.95 --where lang=en",
        "searchctl route apply tickets --dry-run",
    ),
)
@click.argument("name", metavar="INDEX", shell_complete=complete_index)
@where_option("Only documents like this: ")
@click.option("--target-precision", type=float, metavar="P", help="Give a label only where it's right this often.")
@click.option("--threshold", type=float, metavar="P", help="Give a label from this confidence on.")
@click.option("--batch", type=click.IntRange(1), default=128, show_default=True, help="Documents stored together.")
@click.option("--dry-run", is_flag=True, help="Count what each label would get; store nothing.")
@framed
def apply_command(
    frame: Frame,
    name: str,
    where: tuple[str, ...],
    target_precision: float | None,
    threshold: float | None,
    batch: int,
    dry_run: bool,
) -> None:
    """Write `route_label`, `route_confidence` and `route_model` into the documents of INDEX, on the same engine.

    Run it again to go on after an interruption, and to label what is new. Filter by it: search --where route_label=LABEL.
    """
    from searchctl.index import Index
    from searchctl.routing.apply import apply
    from searchctl.routing.decide import RouteSettings

    settings = RouteSettings(target_precision, threshold)
    conditions = where_of(where)
    with (
        open_router(frame) as router,
        Index(router.index.engine, as_text(name)) as index,
        Meter(frame, _("documents"), _("labelling")) as meter,
        stop_on_interrupt() as stop,
    ):
        report = apply(
            router,
            index,
            settings,
            where=conditions,
            batch=batch,
            dry_run=dry_run,
            on_progress=meter.update,
            stop=stop,
        )
    if frame.reports_json:
        print_json(
            "labelling",
            {
                "labelled": report.labelled,
                "abstained": report.abstained,
                "done_before": report.done_before,
                "labels": report.labels,
                "interrupted": report.interrupted,
                "stamp": report.stamp,
                "dry_run": dry_run,
            },
        )
    else:
        print_table([_("label"), _("documents")], [[label, str(count)] for label, count in report.labels.items()])
        if not frame.quiet:
            before = (
                _(", {done_before} done before").format(done_before=report.done_before) if report.done_before else ""
            )
            say(
                _("{labels} given, {abstained} documents without one{before}").format(
                    labels=count_of(report.labelled, "label"), abstained=report.abstained, before=before
                )
            )
    if report.interrupted:
        say(_("searchctl: interrupted; what is stored is kept. Type the same command to go on"))
        click.get_current_context().exit(INTERRUPTED)
