"""How a load looks: the plan before, the report after, each on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Frame
from searchctl.cli.failures import say
from searchctl.cli.output import count_of, duration_of, on_terminal, print_json, print_pairs, printable, size_of
from searchctl.types import Json

if TYPE_CHECKING:
    from searchctl.ingest.load import IngestReport
    from searchctl.ingest.plan import Plan
    from searchctl.types import Entry

_EXCERPT = 160  # characters of a document that a plan shows


def print_report(frame: Frame, report: IngestReport, *, deferred: bool = False) -> None:
    """Print what a load came to, and what to type next: with `deferred` the vectors are still to be made."""
    if frame.json:
        letters = str(report.dead_letters) if report.dead_letters else None
        counts = {name: getattr(report, name) for name in ("read", "written", "unchanged", "dead", "pruned")}
        seconds = round(report.seconds, 3)
        print_json(
            {
                **counts,
                "seconds": seconds,
                "interrupted": report.interrupted,
                "dead_letters": letters,
                "first_failure": report.first_failure,
                "misfits": dict(report.misfits),
                "first_misfit": report.first_misfit,
            }
        )
        return
    if frame.quiet:
        return
    rate = report.written / report.seconds if report.seconds else 0.0
    pairs = [
        ("read", count_of(report.read, "document")),
        ("written", f"{report.written:,}"),
        ("unchanged", f"{report.unchanged:,}"),
        ("time", f"{duration_of(report.seconds)}, {rate:,.0f} documents/s"),
    ]
    if report.pruned:
        pairs.insert(3, ("pruned", f"{report.pruned:,}"))
    if report.dead:
        where = f", in {report.dead_letters}" if report.dead_letters else ""
        pairs.insert(3, ("failed", f"{report.dead:,}{where}"))
    if report.misfits:
        names = ", ".join(f"{name} {count:,}" for name, count in report.misfits.items())
        pairs.insert(3, ("left out", f"{count_of(sum(report.misfits.values()), 'value')} of fields: {names}"))
    print_pairs(pairs)
    if report.first_misfit:
        say(
            f"searchctl: {printable(report.first_misfit)}; the documents are stored, filters don't find such values. "
            "Another type can be declared in a recipe, under [fields.types]"
        )
    if report.first_failure:
        say(f"searchctl: {'it' if report.dead == 1 else 'the first'} failed: {printable(report.first_failure)}")
    if report.interrupted:
        return
    if report.dead and report.dead_letters:
        say(f"next: correct what failed and run: {frame.hint('ingest', str(report.dead_letters))}")
    elif deferred and report.written:
        say(f"next: {frame.hint('vectorize')}; until then these documents are found by their words only")
    elif report.written or report.unchanged:
        say(f"next: {frame.hint('search', 'your question')}")


def print_plan(frame: Frame, plan: Plan) -> None:
    """Print what a load would do, and the first documents as they would be stored."""
    if frame.json:
        print_json(_plan_json(plan))
        return
    print_pairs(
        [
            ("files", f"{plan.files:,}"),
            ("documents", f"{plan.documents:,}"),
            ("passages", f"about {plan.passages:,}"),
            ("failing", f"{plan.dead:,}"),
            ("time", f"about {duration_of(plan.seconds)}"),
            ("disk", f"about {size_of(plan.disk)}"),
            ("memory", f"about {size_of(plan.memory)}"),
        ]
    )
    for entry in plan.first:
        click.echo()
        _print_entry(entry)
    for failure in plan.failures:
        click.echo(printable(f"\nwould fail: {failure.source} at {failure.position}: {failure.reason}"))
    if not frame.quiet and on_terminal():
        say("nothing was stored")


def _print_entry(entry: Entry) -> None:
    document = entry.document
    text = document.text if len(document.text) <= _EXCERPT else document.text[:_EXCERPT] + "…"
    pairs = [("id", document.id), ("title", document.title or "-"), ("text", text.replace("\n", " "))]
    pairs += [("passages", f"{len(entry.passages):,}"), ("fields", ", ".join(map(str, document.fields)) or "-")]
    print_pairs(pairs)


def _plan_json(plan: Plan) -> Json:
    return {
        "files": plan.files,
        "documents": plan.documents,
        "passages": plan.passages,
        "dead": plan.dead,
        "seconds": round(plan.seconds, 3),
        "disk": plan.disk,
        "memory": plan.memory,
        "first": [
            {
                "id": entry.document.id,
                "title": entry.document.title,
                "text": entry.document.text,
                "fields": dict(entry.document.fields),
                "passages": [{"start": one.start, "end": one.end} for one in entry.passages],
            }
            for entry in plan.first
        ],
        "failures": [
            {"source": one.source, "position": one.position, "id": one.id, "reason": one.reason}
            for one in plan.failures
        ],
    }
