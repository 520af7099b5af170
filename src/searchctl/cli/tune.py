"""`searchctl tune`: fit an index's settings to judged queries."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.operations import Stages, hint
from searchctl.cli.output import print_json, print_pairs
from searchctl.errors import UsageError
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.tuning.choice import Choice
    from searchctl.tuning.tune import TuneReport


@click.command(
    "tune",
    cls=Command,
    examples=(
        "searchctl tune judged.jsonl",
        "searchctl tune data/shop --split train --index shop --dry-run",
        "searchctl tune judged.jsonl --rerank maxsim --passages 64,128,384",
        "searchctl tune judged.jsonl --bm25 --engine opensearch://localhost:9200",
        "searchctl tune --known-items 200 --metric mrr@10",
        "searchctl tune --reset",
    ),
)
@click.argument("data", required=False, type=click.Path(path_type=Path), metavar="[DATA]")
@click.option("--split", metavar="NAME", help="Judgements of a BEIR folder [default: test, else dev, else train].")
@click.option("--metric", default="ndcg@10", show_default=True, help="Metric to improve.")
@click.option("--known-items", type=click.IntRange(1), metavar="N", help="Make N queries from the documents instead.")
@click.option("--rerank", metavar="NAME", help="Also find how deep this reranker should go.")
@click.option(
    "--bm25",
    is_flag=True,
    help="On a server: also try BM25's k1 and b, on a copy without vectors; writing them closes the index for a moment.",
)
@click.option(
    "--passages", metavar="SIZES", help="Also try passages of these sizes, as in 64,128; encodes all each time."
)
@click.option("--dry-run", is_flag=True, help="Report only; change nothing.")
@click.option("--reset", "back", is_flag=True, help="Undo earlier tuning, and do nothing else.")
@framed
def command(
    frame: Frame,
    data: Path | None,
    split: str | None,
    metric: str,
    known_items: int | None,
    rerank: str | None,
    bm25: bool,
    passages: str | None,
    dry_run: bool,
    back: bool,
) -> None:
    """Fit an index's settings to judged queries.

    DATA holds judged queries: BEIR, TREC or JSON Lines; without it, queries are made from the index's own documents. It always
    tries how both searches are merged and, where people judged, what relevance means. Each gain is measured on queries
    that the choice never saw; only significant ones are stored in the index, and searches use them. See them with:
    searchctl info.
    """
    from searchctl.evaluation.dataset import read_dataset
    from searchctl.evaluation.evaluate import known_items_of_index
    from searchctl.evaluation.metrics import parse_metric
    from searchctl.tuning.tune import Tuning, apply, reset, tune

    if back:
        if data or known_items or rerank or bm25 or passages or dry_run:
            raise UsageError("--reset takes back what was tuned, and tunes nothing; leave the other options out")
        with frame.open_index() as index:
            reset(index)
        if not frame.quiet:
            say(_("searches use the defaults again"))
        return
    wanted, sizes = parse_metric(metric), _sizes(passages)
    with frame.open_index() as index:
        dataset = known_items_of_index(index, known_items or 200) if data is None else read_dataset(data, split)
        reranker = index.reranking(rerank).reranker if rerank else None
        with Stages(frame) as stages:
            stages.begin(_("preparing"))
            report = tune(
                index,
                dataset,
                wanted,
                Tuning(reranker, bm25, sizes),
                on_progress=lambda what, done, total: stages.counting(what, _("trying"))(done, total),
            )
        written = () if dry_run else apply(index, report)
    if frame.for_programs:
        print_json(
            "tuning",
            {**report.to_json(), "written": bool(written), "settings": list(written), "caveat": dataset.caveat or None},
        )
        return
    print_pairs(_lines(report, written))
    if frame.quiet:
        return
    notes = [*report.notes, *filter(None, (dataset.caveat, dataset.left_out))]
    if report.passages is not None and report.passages.significant:
        size = str(report.passages.best.size)
        notes.append(
            _("passages of another size take new vectors: {hint}").format(
                hint=hint(frame, "reembed", "--passage-size", size)
            )
        )
    if reranker is not None and "rerank" in written:
        notes.append(_("searches rerank when told to, so deep from now on: --rerank {name}").format(name=reranker.name))
    for note in notes:
        say(_("note: {note}").format(note=note))


def _sizes(text: str | None) -> tuple[int, ...]:
    try:
        sizes = tuple(int(size) for size in text.split(",")) if text else ()
    except ValueError:
        sizes = (0,)
    if any(size < 16 for size in sizes):
        raise UsageError(
            _("'{text}' aren't sizes of passages; give numbers of tokens from 16 on, as in: --passages 64,128").format(
                text=text
            )
        )
    return sizes


def _lines(report: TuneReport, written: tuple[str, ...]) -> list[tuple[str, str]]:
    lines = [
        (
            "measured",
            _("{metric} on {queries} queries, each with a choice made without it").format(
                metric=report.metric, queries=report.queries
            ),
        )
    ]
    for name in ("fusion", "rerank", "bm25", "passages", "relevance"):
        choice = getattr(report, name)
        if choice is not None:
            lines += _choice(name, choice)
            lines.append(("written", _outcome(name, choice, written)))
    return lines


def _choice(name: str, choice: Choice[Any]) -> list[tuple[str, str]]:
    gain = choice.gain
    measure = _("agrees with the judgements ") if name == "relevance" else ""
    return [
        ("", ""),
        (name, f"{shown(name, choice.before)}: {measure}{choice.before_mean:.4f}"),
        ("best", f"{shown(name, choice.best)}: {measure}{choice.after_mean:.4f}"),
        ("gain", f"{gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}), p = {choice.p_value:.4f}"),
    ]


def shown(name: str, setting: Any) -> str:
    """Return a setting as people read it; `name` is a field of `TuneReport`."""
    if name == "fusion":
        return _("{method}, {lexical:g} lexical + {vector:g} vector").format(
            method=setting.method, lexical=setting.lexical, vector=setting.vector
        )
    if name == "rerank":
        return _("the first {setting} reordered").format(setting=setting) if setting else _("none reordered")
    if name == "bm25":
        return f"k1 {setting.k1:g}, b {setting.b:g}"
    if name == "passages":
        return _("{size} tokens, {overlap} shared").format(size=setting.size, overlap=setting.overlap)
    return ", ".join(f"{part} {number:.2f}" for part, number in asdict(setting).items())


def _outcome(name: str, choice: Choice[Any], written: tuple[str, ...]) -> str:
    if name in written:
        return "yes"
    if not choice.significant:
        return _("no, what is set is best") if choice.best == choice.before else _("no, the gain could be chance")
    return _("no, it takes new vectors") if name == "passages" else _("no, a dry run")
