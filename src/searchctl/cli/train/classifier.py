"""`searchctl train classifier`: a transformer with a head, from labelled texts."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.train.options import schedule_options, train_and_print
from searchctl.training.settings import Schedule

USE = "searchctl route predict TEXTS.jsonl --classifier {out}"


@click.command(
    "classifier",
    cls=Command,
    examples=(
        "searchctl train classifier tickets.jsonl --from ./model -o ./my-classifier --dry-run",
        "searchctl train classifier tickets.jsonl --from ./model -o ./my-classifier --epochs 5",
        "searchctl train classifier tickets.jsonl --from ./model -o ./my-classifier --outside oos",
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
    help="Model to begin with: a Hugging Face or sentence-transformers folder.",
)
@click.option("--outside", metavar="LABEL", help="Label of texts that belong to none, as in oos: they get none.")
@click.option("--all-weights", is_flag=True, help="Also train the word embeddings, which takes far more memory.")
@schedule_options(epochs=10.0, rate=5e-5, held_out=0.2)
@framed
def classifier_command(
    frame: Frame,
    path: Path,
    base: str,
    outside: str | None,
    all_weights: bool,
    schedule: Schedule,
    out: Path,
    dry_run: bool,
) -> None:
    """Train a classifier: a whole transformer with a head, on texts with one label each, or several.

    LABELLED is JSON Lines: {"text": …, "label": …} or {"text": …, "labels": […]}. Half of what is held out stops the training
    and calibrates the confidences, the other half is for nothing but the figures in the report. It wants dozens of texts a label;
    with fewer, the router (no training) and `train setfit` are usually better.
    """
    from searchctl.training.classifier import classifier_recipe

    recipe = classifier_recipe(path, base, outside=outside, all_weights=all_weights)
    train_and_print(frame, recipe, schedule, out, dry_run, USE)
