"""`searchctl tune`: fit an index's settings to judged queries."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.failures import say
from searchctl.cli.frame import Command, Frame, framed
from searchctl.cli.output import print_json, print_pairs


@click.command(
    "tune",
    cls=Command,
    examples=(
        "searchctl tune judged.jsonl",
        "searchctl tune data/shop --split train --index shop --dry-run",
        "searchctl tune --known-items 200 --metric mrr@10",
    ),
)
@click.argument("data", required=False, type=click.Path(path_type=Path), metavar="[DATA]")
@click.option("--split", metavar="NAME", help="Judgements of a BEIR folder [default: test, else dev, else train].")
@click.option("--metric", default="ndcg@10", show_default=True, help="What to raise.")
@click.option("--known-items", type=click.IntRange(1), metavar="N", help="Make N queries from the documents instead.")
@click.option("--dry-run", is_flag=True, help="Report, and change nothing.")
@framed
def command(
    frame: Frame, data: Path | None, split: str | None, metric: str, known_items: int | None, dry_run: bool
) -> None:
    """Fit how an index joins its legs to judged queries.

    DATA holds judged queries: BEIR, TREC or JSON Lines; without it, queries are made from the index's own documents. The
    gain is measured on queries the choice never saw, and only a significant one is written into the index.
    """
    from searchctl.evaluate import known_items_of_index
    from searchctl.evaluation.dataset import read_dataset
    from searchctl.metrics import parse_metric
    from searchctl.tune import apply, tune

    wanted = parse_metric(metric)
    with frame.open_index() as index:
        dataset = known_items_of_index(index, known_items or 200) if data is None else read_dataset(data, split)
        report = tune(index, dataset, wanted)
        written = report.significant and not dry_run
        if written:
            apply(index, report.best)
    if frame.json:
        print_json({**report.to_json(), "written": written, "caveat": dataset.caveat or None})
        return
    before, best, gain = report.before, report.best, report.gain
    print_pairs(
        [
            (
                "before",
                f"{before.method}, {before.lexical:g} lexical + {before.vector:g} vector: {report.before_mean:.4f}",
            ),
            ("best", f"{best.method}, {best.lexical:g} lexical + {best.vector:g} vector: {report.after_mean:.4f}"),
            ("gain", f"{gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}), p = {report.p_value:.4f}"),
            ("measured", f"{report.metric} on {report.queries} queries, each with a choice made without it"),
            (
                "written",
                "yes" if written else "no, a dry run" if report.significant else "no, the gain could be chance",
            ),
        ]
    )
    if dataset.caveat and not frame.quiet:
        say(f"note: {dataset.caveat}")
