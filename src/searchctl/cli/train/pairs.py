"""`searchctl train pairs`: what to train on, mined from an index."""

from __future__ import annotations

import json
from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.cli.operations import Stages
from searchctl.cli.output import count_of, print_json, print_pairs, refuse_overwriting
from searchctl.errors import UsageError
from searchctl.files import replacing
from searchctl.translation import _


@click.command(
    "pairs",
    cls=Command,
    examples=(
        "searchctl train pairs --index shop -o pairs.jsonl",
        "searchctl train pairs --index shop --judgments data/shop --split train --no-titles -o pairs.jsonl",
        "searchctl train siamese pairs.jsonl --from ./model -o ./my-encoder",
    ),
)
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="JSON Lines to write."
)
@click.option(
    "--judgments",
    "judgements",
    type=click.Path(path_type=Path),
    metavar="DATA",
    help="Judged or clicked queries: BEIR, TREC or JSON Lines.",
)
@click.option(
    "--split", metavar="NAME", help="Judgements of a BEIR folder; keep those you'll test with apart [default: train]."
)
@click.option("--titles/--no-titles", default=True, show_default=True, help="Use titles as questions for their texts.")
@click.option("--labels/--no-labels", default=True, show_default=True, help="Use texts of one label as alike.")
@click.option(
    "--negatives", type=click.IntRange(0, 16), default=3, show_default=True, help="Most hard negatives for each pair."
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 0.9),
    default=0.05,
    show_default=True,
    help="No negative is nearer than (1 - X) times the answer's cosine.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Pairs of titles, and of labels, at most.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed.")
@framed
def pairs_command(
    frame: Frame,
    out: Path,
    judgements: Path | None,
    split: str | None,
    titles: bool,
    labels: bool,
    negatives: int,
    margin: float,
    limit: int,
    seed: int,
) -> None:
    """Mine pairs to train on from an index.

    Titles are questions for their texts; judged queries have their answers; texts of a label are alike. Near neighbours
    by words and by meaning that are none of these become hard negatives, unless they are so near that they may be answers.
    Each line says what it was made of.
    """
    from searchctl.evaluation.dataset import read_dataset
    from searchctl.training.index_pairs import PairMining, mine_pairs

    if split and judgements is None:
        raise UsageError(f"--split {split} names judgements; say of what with --judgments DATA")
    refuse_overwriting([out], [judgements])
    judged = None
    if judgements is not None:
        judged = read_dataset(judgements, split or ("train" if judgements.is_dir() else None))
    mining = PairMining(titles, labels, negatives, margin, limit, seed)
    with frame.open_index() as index, Stages(frame) as stages:
        mined = mine_pairs(index, mining, judged, tell=stages.counting(_("questions"), _("mining")))
    with replacing(out) as draft, draft.open("w", encoding="utf-8") as file:
        for pair in mined.pairs:
            file.write(json.dumps(pair.to_json(), ensure_ascii=False) + "\n")
    without = sum(not pair.negatives for pair in mined.pairs)
    if frame.reports_json:
        print_json(
            "training-pairs",
            {
                "out": str(out),
                "pairs": len(mined.pairs),
                "sources": mined.sources,
                "doubtful": mined.doubtful,
                "without_negatives": without,
            },
        )
        return
    if frame.quiet:
        return
    sources = ", ".join(f"{count:,} by {source}" for source, count in mined.sources.items())
    print_pairs(
        [
            (_("pairs"), _("{count:,} in {out}: {sources}").format(count=len(mined.pairs), out=out, sources=sources)),
            (
                _("negatives"),
                _("{count:,}; {pairs} without").format(
                    count=sum(len(pair.negatives) for pair in mined.pairs), pairs=count_of(without, "pair")
                ),
            ),
            (
                _("doubtful"),
                _("{texts} left out that may be answers nobody judged").format(
                    texts=count_of(mined.doubtful, "near text")
                ),
            ),
        ]
    )
    say(_("next: searchctl train siamese {out} --from MODEL -o my-encoder --dry-run").format(out=out))
