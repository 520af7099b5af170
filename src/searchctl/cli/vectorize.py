"""`searchctl vectorize`: add the vectors that are missing, to searchctl's own index or to one that others made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say, say_error
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import end_interrupted, hint, open_as_is
from searchctl.cli.output import count_of, duration_of, print_json, print_pairs
from searchctl.cli.progress import Meter
from searchctl.errors import UsageError

if TYPE_CHECKING:
    from searchctl.lifecycle.foreign import ForeignIndex, ForeignPlan, ForeignReport, Reading, Work
    from searchctl.lifecycle.vectorize import VectorizeReport


@click.command(
    "vectorize",
    cls=Command,
    examples=(
        "searchctl ingest docs/ --defer-vectors && searchctl vectorize",
        "searchctl vectorize products --engine elasticsearch://localhost:9200 --text description --title name --dry-run",
        "searchctl vectorize products --engine opensearch://localhost:9200 --docs-per-second 50",
        "searchctl vectorize products --engine opensearch://localhost:9200 --follow 60 --changed-by updated_at",
    ),
)
@click.argument("source", required=False, metavar="[INDEX]")
@click.option("--text", "text_fields", metavar="FIELDS", help="Fields that hold the text, a comma between them.")
@click.option("--title", "title_field", metavar="FIELD", help="Field that holds the title; '' for none.")
@click.option("--docs-per-second", type=click.FloatRange(0.01), metavar="N", help="Take up no more than that.")
@click.option(
    "--follow", type=click.FloatRange(0.1), metavar="SECONDS", help="Then look for changes so often, until Ctrl-C."
)
@click.option("--changed-by", metavar="FIELD", help="Time or version that grows with every change; quickens --follow.")
@click.option("--dry-run", is_flag=True, help="Say what would be done to INDEX, with estimates, and change nothing.")
@framed
def command(
    frame: Frame,
    source: str | None,
    text_fields: str | None,
    title_field: str | None,
    docs_per_second: float | None,
    follow: float | None,
    changed_by: str | None,
    dry_run: bool,
) -> None:
    """Add vectors to documents that have none.

    Without INDEX: to those of searchctl's own index that were stored with --defer-vectors.

    With INDEX, one on a server that somebody else made and goes on feeding: in place on Elasticsearch, and on OpenSearch where
    index.knn is on; else in a copy with the same settings and mapping, which takes over the name when it is complete, while
    the old index stays for searchctl rollback. Documents whose text changed are found by a hash. Running the same command again
    resumes.
    """
    from searchctl.ingest.copying import Watch
    from searchctl.lifecycle.foreign import Reading

    if source is None:
        if text_fields or title_field is not None or follow or changed_by or dry_run:
            raise UsageError("these options are for an index that others made; name it: searchctl vectorize INDEX")
        _own(frame, docs_per_second)
        return
    texts = tuple(filter(None, (one.strip() for one in (text_fields or "").split(","))))
    index = _open(frame, source, Reading(title_field, texts, changed_by))
    try:
        if dry_run:
            _print_plan(frame, index.plan())
            return
        with stop_on_interrupt() as stop:
            with Meter(frame, "documents") as meter:
                watch = Watch(meter.update, stop, docs_per_second)
                report = index.run(watch)
            _print(frame, source, report)
            if report.interrupted:
                end_interrupted(frame)
            if follow is not None:
                quiet = Watch(None, stop, docs_per_second)
                index.follow(report.index, quiet, follow, lambda work: _tell(frame, work))
    finally:
        index.engine.close()


def _own(frame: Frame, rate: float | None) -> None:
    from searchctl.ingest.copying import Watch
    from searchctl.lifecycle.vectorize import encode_deferred

    with open_as_is(frame) as index, Meter(frame, "documents") as meter, stop_on_interrupt() as stop:
        report: VectorizeReport = encode_deferred(index, Watch(meter.update, stop, rate))
    if frame.json:
        print_json({"encoded": report.encoded, "waiting": report.waiting, "seconds": round(report.seconds, 3)})
    elif not frame.quiet:
        print_pairs([("encoded", count_of(report.encoded, "document")), ("time", duration_of(report.seconds))])
    if report.interrupted:
        end_interrupted(frame)


def _open(frame: Frame, source: str, reading: Reading) -> ForeignIndex:
    from searchctl.encoders import DEFAULT_ENCODER, open_encoder
    from searchctl.engines import open_engine
    from searchctl.index import encoder_stamp
    from searchctl.lifecycle.foreign import ForeignIndex

    name = frame.settings.encoder or DEFAULT_ENCODER
    encoder = open_encoder(name)
    engine = open_engine(frame.settings.engine, frame.settings.connection)
    return ForeignIndex(engine, source, encoder_stamp(name, encoder), encoder, reading)


def _print_plan(frame: Frame, plan: ForeignPlan) -> None:
    if frame.json:
        print_json(
            {
                "index": plan.index,
                "version": plan.version,
                "title": plan.layout.title or None,
                "text": list(plan.layout.text),
                "documents": plan.documents,
                "waiting": plan.waiting,
                "stale": plan.stale,
                "seconds": round(plan.seconds, 3),
            }
        )
        return
    where = (
        f"a copy, {plan.version}, that takes over the name (k-NN can't be switched on later, nor a second encoder added)"
        if plan.version
        else "in place: the fields passages and searchctl are added to the mapping"
    )
    print_pairs(
        [
            ("index", plan.index),
            ("where", where),
            ("title", plan.layout.title or "none"),
            ("text", ", ".join(plan.layout.text)),
            ("documents", f"{plan.documents:,}, {plan.waiting:,} without vectors, {plan.stale:,} with outdated ones"),
            ("encoding", f"about {duration_of(plan.seconds)}"),
        ]
    )
    if not frame.quiet:
        say("nothing was changed")


def _print(frame: Frame, name: str, report: ForeignReport) -> None:
    work, moved = report.work, report.moved
    if frame.json:
        print_json(
            {
                "index": report.index,
                "documents": report.documents,
                "encoded": work.encoded,
                "stale": work.stale,
                "copied": work.copied,
                "deleted": work.deleted,
                "refused": [{"id": one.id, "reason": one.reason} for one in work.refused],
                "seconds": round(report.seconds, 3),
                "moved": {"name": moved.name, "before": moved.before, "after": moved.after} if moved else None,
                "interrupted": report.interrupted,
            }
        )
        return
    for one in work.refused[:10]:
        say_error(f"document {one.id!r} got no vectors: {one.reason}")
    if frame.quiet:
        return
    pairs = [
        ("index", report.index),
        ("documents", f"{report.documents:,}"),
        ("encoded", f"{work.encoded:,}, {work.stale:,} of them because their text had changed"),
        ("time", duration_of(report.seconds)),
    ]
    if work.copied or work.deleted:
        pairs.insert(2, ("copied", f"{work.copied:,}"))
    if moved is not None:
        pairs.append(("in use", f"{moved.name} is {moved.after} now (before: {moved.before})"))
    print_pairs(pairs)
    if not report.interrupted:
        back = f"; go back with: {hint(frame, 'rollback', index=name)}" if moved is not None else ""
        say(f"next: {hint(frame, 'search', 'your question', index=name)}{back}")


def _tell(frame: Frame, work: Work) -> None:
    if not frame.quiet and (work.encoded or work.stale or work.refused):
        changed = f", {work.stale:,} of them because their text had changed" if work.stale else ""
        say(f"searchctl: {count_of(work.encoded, 'document')} encoded{changed}")
