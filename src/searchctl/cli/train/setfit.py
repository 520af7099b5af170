"""`searchctl train setfit`: an encoder and a linear head, from a handful of labelled texts."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.train.classifier import USE
from searchctl.cli.train.options import schedule_options, train_and_print
from searchctl.training.settings import Schedule


@click.command(
    "setfit",
    cls=Command,
    examples=(
        "searchctl train setfit tickets.jsonl --from ./model -o ./my-classifier --dry-run",
        "searchctl train setfit tickets.jsonl --from ./model -o ./my-classifier --rounds 10",
        "searchctl route predict new.jsonl --classifier ./my-classifier --target-precision 0.95",
        "searchctl route evaluate tickets.jsonl test.jsonl --shots 10 --with ./my-classifier",
    ),
)
@click.argument("path", metavar="LABELLED", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "base",
    required=True,
    metavar="MODEL",
    help="Encoder to begin with: a sentence-transformers or Hugging Face folder.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="Pairs of each kind, alike and not, that each text gets.",
)
@click.option("--outside", metavar="LABEL", help="Label of texts that belong to none, as in oos: they get none.")
@click.option("--all-weights", is_flag=True, help="Also train the word embeddings, which takes far more memory.")
@schedule_options(held_out=0.2, evaluations=4)
@framed
def setfit_command(
    frame: Frame,
    path: Path,
    base: str,
    rounds: int,
    outside: str | None,
    all_weights: bool,
    schedule: Schedule,
    out: Path,
    dry_run: bool,
) -> None:
    """Train a classifier from a handful of texts a label: SetFit's recipe, pairs of texts and then a linear head.

    LABELLED is JSON Lines: {"text": …, "label": …} or {"text": …, "labels": […]}. Half of what is held out stops the training
    and calibrates the confidences, the other half is for nothing but the figures in the report.
    """
    from searchctl.training.setfit import setfit_recipe

    recipe = setfit_recipe(path, base, rounds=rounds, outside=outside, all_weights=all_weights)
    train_and_print(frame, recipe, schedule, out, dry_run, USE)
