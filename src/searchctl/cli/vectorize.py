"""`searchctl vectorize`: add the vectors that are missing, to searchctl's own index or to one that others made."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import DEAD_LETTERS, say, say_error
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import end_interrupted, hint, open_as_is
from searchctl.cli.output import count_of, duration_of, print_json, print_pairs
from searchctl.cli.progress import Meter, phase_name
from searchctl.errors import SearchctlError, UsageError
from searchctl.translation import _, number

if TYPE_CHECKING:
    from searchctl.engines.base import Reading
    from searchctl.lifecycle.foreign import ForeignIndex, ForeignPlan, ForeignReport, Work
    from searchctl.lifecycle.vectorize import VectorizeReport
    from searchctl.sources import Failure
    from searchctl.types import Document


@click.command(
    "vectorize",
    cls=Command,
    examples=(
        "searchctl ingest docs/ --defer-vectors && searchctl vectorize",
        "searchctl vectorize products --engine elasticsearch://localhost:9200 --text description --title name --dry-run",
        "searchctl vectorize products --engine opensearch://localhost:9200 --match 'name^3,description' --docs-per-second 50",
        "searchctl vectorize products --engine opensearch://localhost:9200 --follow 60 --changed-by updated_at",
        "searchctl vectorize products --engine opensearch://localhost:9200 --remove",
    ),
)
@click.argument("source", required=False, metavar="[INDEX]")
@click.option("--text", "text_fields", metavar="FIELDS", help="Fields that hold the text, a comma between them.")
@click.option("--title", "title_field", metavar="FIELD", help="Field that holds the title; '' for none.")
@click.option(
    "--match", "match_fields", metavar="FIELDS", help="Fields to look for words in, as in name^3,description."
)
@click.option(
    "--match-body",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Your own query as JSON in their place; {{query}} stands for the words.",
)
@click.option(
    "--docs-per-second", type=click.FloatRange(0.01), metavar="N", help="Encode at most N documents a second."
)
@click.option(
    "--follow",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="Keep running: look for changes every so many seconds, until Ctrl-C.",
)
@click.option(
    "--changed-by",
    metavar="FIELD",
    help="Field that grows with every change, as a time or version; speeds --follow up.",
)
@click.option("--in-place", is_flag=True, help="Store vectors in the documents themselves, not beside them.")
@click.option("--remove", is_flag=True, help="Remove the vectors of INDEX and all that was added with them.")
@click.option(
    "--dry-run", is_flag=True, help="Show what would be done to INDEX, and what could go wrong; change nothing."
)
@framed
def command(
    frame: Frame,
    source: str | None,
    text_fields: str | None,
    title_field: str | None,
    match_fields: str | None,
    match_body: Path | None,
    docs_per_second: float | None,
    follow: float | None,
    changed_by: str | None,
    in_place: bool,
    remove: bool,
    dry_run: bool,
) -> None:
    """Add vectors to documents that have none.

    Without INDEX, to documents of searchctl's own index: those stored with --defer-vectors, or by a load that was interrupted.

    INDEX is an index, an alias, a data stream or a pattern on a server, written by others. Its vectors are stored in a separate
    index beside it, and INDEX itself stays as it is. Searches by the name of INDEX then use both. Documents whose text changed
    are found by a hash. Running the same command again resumes.
    """
    from searchctl.engines.base import Reading

    foreign = (text_fields, title_field, match_fields, match_body, follow, changed_by, in_place, remove, dry_run)
    if source is None:
        if any(option not in (None, False) for option in foreign):
            raise UsageError(_("these options are for an index that others made; name it: searchctl vectorize INDEX"))
        _own(frame, docs_per_second)
        return
    reading = Reading(title_field, _listed(text_fields), changed_by, _listed(match_fields), _body(match_body))
    index = _open(frame, source, reading, in_place=in_place)
    try:
        if remove:
            _remove(frame, index)
        elif dry_run:
            _print_plan(frame, index.plan())
        else:
            _run(frame, index, docs_per_second, follow)
    finally:
        index.engine.close()


def _listed(fields: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in (fields or "").split(","))))


def _body(file: Path | None) -> str:
    """Return the owner's query on one line; raises UsageError where it isn't one."""
    if file is None:
        return ""
    text = file.read_text(encoding="utf-8")
    try:
        body = json.loads(text)
    except ValueError as error:
        raise UsageError(
            _("{file} holds no JSON ({error}); write a query as for the server's _search").format(
                file=file, error=error
            )
        ) from error
    query = body.get("query", body) if isinstance(body, dict) else None
    if not isinstance(query, dict) or "{{query}}" not in text:
        raise UsageError(
            _(
                '{file} holds no query with a place for the words; write one like {{"match": {{"name": '
                '"{{{{query}}}}"}}}}'
            ).format(file=file)
        )
    return json.dumps(query, ensure_ascii=False)


def _run(frame: Frame, index: ForeignIndex, rate: float | None, follow: float | None) -> None:
    from searchctl.ingest.copying import Monitor

    with stop_on_interrupt() as stop:
        with Meter(frame, _("documents"), _("encoding")) as meter:
            report = index.run(Monitor(meter.update, stop, rate))
        _print(frame, report)
        if report.interrupted:
            end_interrupted(frame)
        if follow is not None:
            index.follow(Monitor(None, stop, rate), follow, lambda work: _tell(frame, work))
    if report.work.refused:
        click.get_current_context().exit(DEAD_LETTERS)


def _remove(frame: Frame, index: ForeignIndex) -> None:
    removed = index.remove()
    if frame.reports_json:
        print_json("vectors-removed", {"index": index.name, "removed": removed})
    elif not frame.quiet:
        what = (
            _("none had vectors")
            if not removed
            else _("vectors of {documents} were taken away").format(documents=count_of(removed, "document"))
        )
        say(f"searchctl: '{index.name}': {what}")


def _own(frame: Frame, rate: float | None) -> None:
    from searchctl.ingest.copying import Monitor
    from searchctl.lifecycle.vectorize import encode_deferred

    with open_as_is(frame) as index, Meter(frame, _("documents"), _("encoding")) as meter, stop_on_interrupt() as stop:
        report: VectorizeReport = encode_deferred(
            index,
            Monitor(meter.update, stop, rate),
            bury=_say_failure,
            on_phase=lambda phase: meter.name(phase_name(phase)),
        )
    if frame.reports_json:
        print_json(
            "vectorized", {"encoded": report.encoded, "waiting": report.waiting, "seconds": round(report.seconds, 3)}
        )
    elif not frame.quiet:
        print_pairs([(_("encoded"), count_of(report.encoded, "document")), (_("time"), duration_of(report.seconds))])
    if report.remark and not frame.quiet:
        say(_("note: {remark}").format(remark=report.remark))
    if report.interrupted:
        end_interrupted(frame)
    if report.failed:
        click.get_current_context().exit(DEAD_LETTERS)


def _say_failure(failure: Failure, document: Document) -> None:
    message = _("document {id} got no vectors: {reason}")
    say_error(message.format(id=repr(document.id), reason=failure.reason))


def _open(frame: Frame, source: str, reading: Reading, *, in_place: bool) -> ForeignIndex:
    from searchctl.encoders import DEFAULT_ENCODER, open_encoder
    from searchctl.engines import open_engine
    from searchctl.index import encoder_stamp
    from searchctl.lifecycle.foreign import ForeignIndex

    name = frame.settings.encoder or DEFAULT_ENCODER
    encoder = open_encoder(name)
    engine = open_engine(frame.settings.engine, frame.settings.connection)
    with ExitStack() as failed:
        failed.callback(engine.close)
        index = ForeignIndex(engine, source, encoder_stamp(name, encoder), encoder, reading, in_place=in_place)
        failed.pop_all()
    return index


def _print_plan(frame: Frame, plan: ForeignPlan) -> None:
    if frame.for_programs:
        print_json(
            "vectorize-plan",
            {
                "index": plan.index,
                "vectors": plan.home,
                "title": plan.layout.title or None,
                "text": list(plan.layout.text),
                "documents": plan.documents,
                "waiting": plan.waiting,
                "seconds": round(plan.seconds, 3),
                "findings": [asdict(finding) for finding in plan.findings],
            },
        )
        return
    beside = _("in the index {home}, beside {index}, which stays as it is").format(home=plan.home, index=plan.index)
    pairs = [
        (_("index"), plan.index),
        (
            _("vectors"),
            beside if plan.layout.beside else _("in the documents: the fields passages and searchctl are added"),
        ),
        (_("title"), plan.layout.title or "none"),
        (_("text"), ", ".join(plan.layout.text)),
        (
            _("documents"),
            _("{documents:,}, {waiting:,} without vectors of what they say").format(
                documents=plan.documents, waiting=plan.waiting
            ),
        ),
        (_("encoding"), _("about {duration}").format(duration=duration_of(plan.seconds))),
    ]
    for finding in plan.findings:
        advice = f"; {finding.fix}" if finding.fix else ""
        pairs.append((finding.level, f"{finding.subject}: {finding.message}{advice}"))
    print_pairs(pairs)
    if not frame.quiet:
        say(_("nothing was changed"))


def _print(frame: Frame, report: ForeignReport) -> None:
    work = report.work
    if frame.reports_json:
        print_json(
            "vectorized-index",
            {
                "index": report.index,
                "vectors": report.home,
                "documents": report.documents,
                "encoded": work.encoded,
                "deleted": work.deleted,
                "refused": [{"id": refusal.id, "reason": refusal.reason} for refusal in work.refused],
                "seconds": round(report.seconds, 3),
                "interrupted": report.interrupted,
            },
        )
        return
    for refusal in work.refused[:10]:
        say_error(_("document {id!r} got no vectors: {reason}").format(id=refusal.id, reason=refusal.reason))
    if frame.quiet:
        return
    pairs = [
        (_("index"), report.index),
        (_("vectors"), report.home),
        (_("documents"), number(report.documents)),
        (_("encoded"), number(work.encoded)),
        (_("time"), duration_of(report.seconds)),
    ]
    if work.deleted:
        pairs.insert(4, (_("gone"), number(work.deleted)))
    if work.refused:
        pairs.insert(4, (_("refused"), number(len(work.refused))))
    print_pairs(pairs)
    if not report.interrupted and not work.refused:
        say(_("next: {hint}").format(hint=hint(frame, "search", _("your question"), index=report.index)))


def _tell(frame: Frame, work: Work | SearchctlError) -> None:
    if isinstance(work, SearchctlError):
        say_error(_("{public}; trying again").format(public=frame.public(str(work))))
    elif not frame.quiet and (work.encoded or work.deleted or work.refused):
        refused = _(", {count:,} refused").format(count=len(work.refused)) if work.refused else ""
        gone = _(", {deleted:,} gone").format(deleted=work.deleted) if work.deleted else ""
        say(
            _("searchctl: {documents} encoded{gone}{refused}").format(
                documents=count_of(work.encoded, "document"), gone=gone, refused=refused
            )
        )
