"""`searchctl improve`: a better encoder for an index, if one can be proven."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import GATE_MISSED, say, say_error
from searchctl.cli.interrupt import stop_on_interrupt
from searchctl.cli.operations import Stages, end_interrupted, hint, open_as_is
from searchctl.cli.output import print_json, print_pairs
from searchctl.cli.train.options import schedule_options, train_and_print
from searchctl.errors import UsageError
from searchctl.training.settings import Schedule, Watch
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.evaluation.comparison import IndexComparison
    from searchctl.training.improve import ImproveReport


@click.command(
    "improve",
    cls=Command,
    examples=(
        "searchctl improve --index shop --judgments data/shop -o ./shop-encoder",
        "searchctl improve --index shop --judgments clicks.jsonl --from ./model -o ./shop-encoder --no-apply",
        "searchctl improve --index shop --from ./model -o ./shop-encoder",
        "searchctl rollback --index shop",
    ),
)
@click.option(
    "--from",
    "base",
    metavar="MODEL",
    help="Model to begin with, as a folder with weights [default: the index's own encoder].",
)
@click.option(
    "--judgments",
    "judgements",
    type=click.Path(path_type=Path),
    metavar="DATA",
    help="Judged or clicked queries: BEIR, TREC or JSON Lines.",
)
@click.option("--split", metavar="NAME", help="Judgements of a BEIR folder [default: train].")
@click.option(
    "--known-items",
    type=click.IntRange(20),
    default=200,
    show_default=True,
    metavar="N",
    help="Without --judgments, judge by N questions made from documents.",
)
@click.option("--titles/--no-titles", default=True, show_default=True, help="Use titles as questions for their texts.")
@click.option(
    "--negatives", type=click.IntRange(0, 16), default=1, show_default=True, help="Hard negatives for each pair."
)
@click.option("--apply/--no-apply", default=True, show_default=True, help="Re-embed the index if it's proven better.")
@schedule_options()
@framed
def command(
    frame: Frame,
    base: str | None,
    judgements: Path | None,
    split: str | None,
    known_items: int,
    titles: bool,
    negatives: int,
    apply: bool,
    schedule: Schedule,
    out: Path,
    dry_run: bool,
) -> None:
    """Train an encoder on an index, and take it only if it's proven better.

    Three tenths of the documents are held out: nothing of them is learnt. Pairs are mined from the others, an encoder is trained on
    them, and both encoders answer questions on documents that neither training nor stopping has seen. Only where hybrid search gains
    by more than chance (ndcg@10, p < 0.05) is the index re-embedded, which is gated once more and can be rolled back.

    Exit code 5: not proven. Then nothing has changed but the folder.
    """
    from searchctl.evaluation.dataset import read_dataset
    from searchctl.training.improve import Improvement, improve, mine_recipe, split_judged
    from searchctl.training.index_pairs import PairMining
    from searchctl.training.siamese import SiameseSettings

    if split and judgements is None:
        raise UsageError(f"--split {split} names judgements; say of what with --judgments DATA")
    judged = None
    if judgements is not None:
        judged = read_dataset(judgements, split or ("train" if judgements.is_dir() else None))
    mining = PairMining(titles=titles, labels=False, negatives=max(negatives, 1), seed=schedule.seed)
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="searchctl-improve-") as folder, open_as_is(frame) as index:
            plan = Improvement(
                base or _own_encoder(frame),
                Path(folder) / "out",
                SiameseSettings(negatives=negatives),
                schedule,
                mining,
            )
            with Stages(frame) as stages:
                tell = _teller(stages)
                _ignored, recipe = mine_recipe(index, split_judged(judged, schedule.seed), plan, tell)
            train_and_print(frame, recipe, schedule, out, True, "")
        return
    plan = Improvement(
        base or _own_encoder(frame), out, SiameseSettings(negatives=negatives), schedule, mining, known_items, apply
    )
    with open_as_is(frame) as index, stop_on_interrupt() as stop, Stages(frame) as stages:
        watch = Watch(stages.counting("steps"), stop)
        report = improve(index, judged, plan, watch, _teller(stages))
    if report.interrupted:
        end_interrupted(frame)
    _print(frame, report, out)
    if report.verdict == "not proven" or (report.reembedded is not None and report.reembedded.missed):
        click.get_current_context().exit(GATE_MISSED)


def _own_encoder(frame: Frame) -> str:
    with open_as_is(frame) as index:
        stamp = index.schema.encoder
    if stamp is None:
        raise UsageError(
            _("index '{index}' has no vectors to improve; add them: searchctl vectorize").format(
                index=frame.settings.index
            )
        )
    return stamp.name


def _teller(stages: Stages) -> Callable[[str, int, int], None]:
    return lambda noun, done, total: stages.counting(noun)(done, total)


def _print(frame: Frame, report: ImproveReport, out: Path) -> None:
    if frame.reports_json:
        print_json("improvement", report.to_json())
        return
    if frame.quiet:
        return
    trial, card = report.trial, report.training.card
    assert trial is not None and card is not None
    pairs = [
        (_("mined"), ", ".join(f"{count:,} pairs by {source}" for source, count in report.mined.sources.items())),
        (_("learnt"), card["measured"]["learnt"]),
        (_("compared among"), _("{documents:,} documents of the index").format(documents=trial.documents)),
        *_lines(_("unseen documents"), trial.unseen),
        *(_lines(_("seen documents"), trial.seen) if trial.seen else []),
        (_("verdict"), _verdict(report)),
    ]
    print_pairs(pairs)
    if trial.unseen.dataset.caveat:
        say(_("note: {caveat}").format(caveat=trial.unseen.dataset.caveat))
    if report.left_out:
        say(
            _("note: {left_out:,} judged questions have documents on both sides and weren't used").format(
                left_out=report.left_out
            )
        )
    for sentence in report.reembedded.missed if report.reembedded else ():
        say_error(sentence)
    if report.reembedded is not None and report.reembedded.moved is not None:
        say(
            _("next: {hint}; go back with: {hint2}").format(
                hint=hint(frame, "search", _("your question")), hint2=hint(frame, "rollback")
            )
        )
    elif report.verdict == "proven" and report.reembedded is None:
        say(_("next: {hint}").format(hint=hint(frame, "reembed", "--encoder", str(out))))


def _lines(what: str, comparison: IndexComparison) -> list[tuple[str, str]]:
    lines = [(what, _("{count:,} questions").format(count=len(comparison.dataset.queries)))]
    for one in comparison.differences:
        change = one.change
        lines.append(
            (
                f"  {one.mode} {one.metric}",
                f"{one.old:.4f} -> {one.new:.4f}, {change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f}), p = {one.p_value:.4f}",
            )
        )
    return lines


def _verdict(report: ImproveReport) -> str:
    if report.verdict == "not proven":
        return _(
            "not proven: on documents it hasn't seen the gain could be chance, or is none; the index stays as it is"
        )
    if report.reembedded is None:
        return _("proven better on unseen documents; the index stays as it is, since --no-apply was given")
    if report.reembedded.moved is None:
        return _("proven on a part of the index and not on the whole; it stays as it is")
    return _("proven better on unseen documents; the index uses it now as {after}").format(
        after=report.reembedded.moved.after
    )
