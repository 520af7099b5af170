"""`searchctl train siamese`: an encoder from labelled texts, or from questions with answers."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.choices import choice
from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.train.options import schedule_options, train_and_print
from searchctl.encoders import DEFAULT_ENCODER
from searchctl.training.losses import LabelLoss, PairLoss
from searchctl.training.settings import Schedule


@click.command(
    "siamese",
    cls=Command,
    examples=(
        "searchctl train siamese pairs.jsonl -o ./my-encoder",
        "searchctl train siamese tickets.jsonl --from ./model -o ./my-encoder --epochs 3 --batch 32",
        "searchctl train siamese pairs.jsonl --from ./model -o ./my-encoder --loss triplet --margin 0.2",
        "searchctl train siamese pairs.jsonl --from ./model -o ./my-encoder --dry-run",
    ),
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "base",
    default=DEFAULT_ENCODER,
    show_default=True,
    metavar="MODEL",
    help="Model to begin with: a sentence-transformers or Hugging Face folder.",
)
@click.option(
    "--loss",
    type=choice(LabelLoss, PairLoss),
    help="What is learnt by [default: batch-hard-soft-margin for labels, multiple-negatives for pairs].",
)
@click.option(
    "--margin",
    type=float,
    metavar="X",
    help="Of losses that have one; distance is 1 - cosine [default: 0.3; contrastive: 0.5].",
)
@click.option(
    "--negatives",
    type=click.IntRange(0, 16),
    default=1,
    show_default=True,
    help="Hard negatives a pair; missing ones are mined.",
)
@click.option(
    "--lora",
    is_flag=True,
    help="Train small matrices beside the layers: less memory, for models from 300 million weights on.",
)
@click.option("--all-weights", is_flag=True, help="Also train the word embeddings, which takes far more memory.")
@schedule_options()
@framed
def siamese_command(
    frame: Frame,
    path: Path,
    base: str,
    loss: str | None,
    margin: float | None,
    negatives: int,
    lora: bool,
    all_weights: bool,
    schedule: Schedule,
    out: Path,
    dry_run: bool,
) -> None:
    """Train an encoder: texts of one label, or a question and its answer, come to lie near each other.

    FILE is JSON Lines: {"text": …, "label": …}, or {"query": …, "positive": …} with perhaps "negatives", "document" (what the
    answer is part of) and "score" from 0 to 1. A part of the documents is held out; the best model on it is kept.
    """
    from searchctl.training.siamese import SiameseSettings, siamese_recipe

    settings = SiameseSettings(loss, margin, negatives, lora, all_weights)
    recipe = siamese_recipe(path, base, settings)
    train_and_print(frame, recipe, schedule, out, dry_run, "searchctl reembed --encoder {out} --dry-run")
