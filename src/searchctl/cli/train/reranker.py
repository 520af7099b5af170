"""`searchctl train reranker`: a cross-encoder from questions with answers and near misses."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.train.options import schedule_options, train_and_print
from searchctl.encoders import DEFAULT_ENCODER
from searchctl.training.settings import Schedule


@click.command(
    "reranker",
    cls=Command,
    examples=(
        "searchctl train reranker pairs.jsonl --from ./model -o ./my-reranker --dry-run",
        "searchctl train reranker pairs.jsonl -o ./my-reranker",
        "searchctl evaluate data/shop --modes hybrid,hybrid+./my-reranker",
    ),
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "base",
    default=DEFAULT_ENCODER,
    show_default=True,
    metavar="MODEL",
    help="Model to begin with: an encoder or a cross-encoder, as a folder.",
)
@click.option(
    "--negatives",
    type=click.IntRange(1, 16),
    default=3,
    show_default=True,
    help="Texts that don't answer, for each that does.",
)
@click.option(
    "--weight",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="How much it counts against the fused order.",
)
@click.option("--all-weights", is_flag=True, help="Also train the word embeddings, which takes far more memory.")
@schedule_options(max_tokens=192, rate=3e-5)
@framed
def reranker_command(
    frame: Frame,
    path: Path,
    base: str,
    negatives: int,
    weight: float,
    all_weights: bool,
    schedule: Schedule,
    out: Path,
    dry_run: bool,
) -> None:
    """Train a cross-encoder, which reads a question and a text together: for --rerank.

    FILE is JSON Lines of pairs with negatives, as searchctl train pairs writes them. A part of the documents is held out.
    """
    from searchctl.training.reranker import RerankerSettings, reranker_recipe

    recipe = reranker_recipe(path, base, RerankerSettings(negatives, weight, all_weights))
    train_and_print(frame, recipe, schedule, out, dry_run, "searchctl evaluate DATA --modes hybrid,hybrid+{out}")
