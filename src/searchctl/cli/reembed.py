"""`searchctl reembed`: change an index's encoder without downtime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import GATE_MISSED, say, say_error
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import Stages, end_interrupted, hint, open_as_is
from searchctl.cli.output import count_of, duration_of, print_json, print_pairs, size_of
from searchctl.errors import UsageError
from searchctl.schema import PassageSettings
from searchctl.translation import _, number
from searchctl.types import Json

if TYPE_CHECKING:
    from searchctl.encoders.base import Encoder
    from searchctl.evaluation.comparison import Difference
    from searchctl.index import Index
    from searchctl.lifecycle.reembed import Judging, ReembedPlan, ReembedReport
    from searchctl.schema import EncoderStamp


@click.command(
    "reembed",
    cls=Command,
    examples=(
        "searchctl reembed --encoder ./my-model",
        'searchctl reembed --encoder ./my-model --judgments data/shop --gate "ndcg@10>=-0.01"',
        'searchctl reembed --encoder ./my-model --known-items 500 --gate "vector:ndcg@10>=0"',
        "searchctl reembed --passage-size 128",
        "searchctl reembed --encoder ./my-model --dry-run",
        "searchctl rollback",
    ),
)
@click.option(
    "--passage-size",
    type=click.IntRange(16),
    metavar="N",
    help="Cut texts into passages of N tokens [default: as before].",
)
@click.option(
    "--judgments", "judgements", type=click.Path(path_type=Path), metavar="DIR", help="Judged queries to try both with."
)
@click.option(
    "--known-items",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    metavar="N",
    help="Without --judgments, try both with N queries made from the documents; 0 for no trial.",
)
@click.option(
    "--gate",
    multiple=True,
    metavar="GATE",
    help='Least allowed difference to the old version, as in "ndcg@10>=-0.01"; repeatable.',
)
@click.option(
    "--docs-per-second", type=click.FloatRange(0.01), metavar="N", help="Encode at most N documents a second."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, with estimates; change nothing.")
@framed
def command(
    frame: Frame,
    passage_size: int | None,
    judgements: Path | None,
    known_items: int,
    gate: tuple[str, ...],
    docs_per_second: float | None,
    dry_run: bool,
) -> None:
    """Change an index's encoder, or the size of its passages, without downtime.

    A new version of the index is filled while the old one answers, tried with judged queries, and then takes over the
    index's name. The old one stays: go back with searchctl rollback. Running the same command again resumes.

    Exit code 5: a gate wasn't met. Then the old version stays in use, and the new one is kept, since encoding is what
    costs: look into it, or run the command again with other gates, or drop it with searchctl rollback --drop.
    """
    from searchctl.evaluation.gates import parse_difference_gate
    from searchctl.lifecycle.reembed import Judging

    if frame.settings.encoder is None and passage_size is None:
        raise UsageError(
            _("say which encoder to change to: searchctl reembed --encoder NAME, or which passages: --passage-size N")
        )
    passages = PassageSettings().resized(passage_size) if passage_size else None
    judging = Judging(judgements, known_items, tuple(parse_difference_gate(one) for one in gate))
    if judging.gates and judgements is None and not known_items:
        raise UsageError(_("a gate needs queries; leave out --known-items 0, or give judged ones with --judgments DIR"))
    if dry_run:
        _print_plan(frame, _plan(frame, passages))
        return
    report = _run(frame, judging, docs_per_second, passages)
    _print(frame, report)
    if report.interrupted:
        end_interrupted(frame)
    if report.missed:
        for sentence in report.missed:
            say_error(sentence)
        if not frame.quiet:
            say(_after_missing(frame, report))
        click.get_current_context().exit(GATE_MISSED)


def _encoder(frame: Frame, index: Index, passages: PassageSettings | None) -> tuple[EncoderStamp, Encoder]:
    """Return the encoder that was asked for, else the index's own; say what won't fit it."""
    from searchctl.encoders import open_encoder
    from searchctl.index import encoder_stamp
    from searchctl.lifecycle.fit import fitted

    stamp = index.schema.encoder
    name = frame.settings.encoder or (stamp.name if stamp else None)
    if name is None:
        raise UsageError(
            _("index '{name}' has no vectors; say which encoder to make them with: --encoder NAME").format(
                name=index.name
            )
        )
    encoder = fitted(index, open_encoder(name))
    for note in () if frame.quiet else _notes(index, encoder, passages):
        say(_("note: {note}").format(note=note))
    return encoder_stamp(name, encoder), encoder


def _notes(index: Index, encoder: Encoder, passages: PassageSettings | None) -> Iterator[str]:
    from searchctl.lifecycle.fit import unread_remark

    schema = index.schema
    if remark := unread_remark(index, encoder):
        yield remark
    if passages is None and schema.passages.size > encoder.max_tokens:
        yield (
            _(
                "{name} reads {max_tokens} tokens, and passages have up to {size}; that it reads them whole "
                "takes --passage-size {max_tokens}"
            ).format(name=encoder.name, max_tokens=encoder.max_tokens, size=schema.passages.size)
        )
    if schema.fusion is not None or schema.relevance or schema.rerank_depth is not None:
        yield _(
            "what was tuned stays, though for the vectors there were; tune again afterwards (searchctl info shows it)"
        )


def _run(frame: Frame, judging: Judging, rate: float | None, passages: PassageSettings | None) -> ReembedReport:
    from searchctl.ingest.copying import Monitor
    from searchctl.lifecycle.reembed import reembed

    with open_as_is(frame) as index:
        stamp, encoder = _encoder(frame, index, passages)
        with stop_on_interrupt() as stop, Stages(frame) as stages:
            stages.begin(_("preparing"))
            monitor = Monitor(stages.counting(_("documents"), _("encoding")), stop, rate)
            answers = stages.counting(_("answers"), _("trying both versions"))
            return reembed(index, stamp, encoder, judging, monitor, passages=passages, on_trial=answers)


def _plan(frame: Frame, passages: PassageSettings | None) -> ReembedPlan:
    from searchctl.lifecycle.reembed import plan_reembed

    with open_as_is(frame) as index:
        return plan_reembed(index, *_encoder(frame, index, passages), passages)


def _print_plan(frame: Frame, plan: ReembedPlan) -> None:
    if frame.for_programs:
        print_json(
            "reembed-plan",
            {
                "version": plan.version,
                "documents": plan.documents,
                "seconds": round(plan.seconds, 3),
                "disk": plan.disk,
            },
        )
        return
    print_pairs(
        [
            (_("new version"), plan.version),
            (_("documents"), number(plan.documents)),
            (_("time"), _("about {duration}").format(duration=duration_of(plan.seconds))),
            (_("disk"), _("about {size} more, as long as both versions are kept").format(size=size_of(plan.disk))),
        ]
    )
    if not frame.quiet:
        say(_("nothing was changed"))


def _print(frame: Frame, report: ReembedReport) -> None:
    if frame.reports_json:
        print_json("reembed", _as_json(report))
        return
    if frame.quiet:
        return
    pairs = [
        (_("version"), report.version),
        (
            _("documents"),
            _("{documents:,}, {encoded:,} encoded now").format(documents=report.documents, encoded=report.encoded),
        ),
        (_("time"), duration_of(report.seconds)),
    ]
    for difference in report.trial.differences if report.trial else ():
        pairs.append((f"{difference.mode} {difference.metric}", _difference(difference)))
    if report.moved is not None:
        was = f" (before: {report.moved.before})" if report.moved.before else ""
        pairs.append(
            (
                _("in use"),
                _("{name} is {after} now{was}").format(name=report.moved.name, after=report.moved.after, was=was),
            )
        )
    print_pairs(pairs)
    if report.trial is not None:
        say(_about_trial(report))
    if report.moved is not None:
        say(
            _("next: {hint}; go back with: {hint2}").format(
                hint=hint(frame, "search", _("your question")), hint2=hint(frame, "rollback")
            )
        )


def _difference(difference: Difference) -> str:
    change = difference.change
    return (
        f"{difference.old:.4f} -> {difference.new:.4f}, {change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f}), "
        f"p = {difference.p_value:.4f}"
    )


def _about_trial(report: ReembedReport) -> str:
    assert report.trial is not None
    dataset = report.trial.dataset
    caveat = "".join(f"; note: {note}" for note in (dataset.caveat, dataset.left_out) if note)
    absent = (
        _("; {documents} not in the index").format(documents=count_of(report.trial.absent, "judged document"))
        if report.trial.absent
        else ""
    )
    return _("tried with {queries} of {name}{absent}{caveat}").format(
        queries=count_of(len(dataset.queries), "query", "queries"), name=dataset.name, absent=absent, caveat=caveat
    )


def _after_missing(frame: Frame, report: ReembedReport) -> str:
    return _(
        "the old version stays in use; {version} is kept, since its vectors are paid for:\n  look into "
        "it: {hint}\n  use it all the same: the same command without --gate\n  drop it: {hint2}"
    ).format(
        version=report.version,
        hint=hint(frame, "search", _("your question"), index=report.version),
        hint2=hint(frame, "rollback", "--drop", report.version),
    )


def _as_json(report: ReembedReport) -> Json:
    moved = report.moved
    return {
        "version": report.version,
        "documents": report.documents,
        "encoded": report.encoded,
        "seconds": round(report.seconds, 3),
        "trial": report.trial.to_json() if report.trial else None,
        "missed": list(report.missed),
        "moved": {"name": moved.name, "before": moved.before, "after": moved.after} if moved else None,
        "interrupted": report.interrupted,
    }
