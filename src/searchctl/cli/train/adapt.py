"""`searchctl train adapt`: an encoder adapted to texts without questions or labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.train.options import schedule_options, train_and_print
from searchctl.encoders import DEFAULT_ENCODER
from searchctl.training.settings import Schedule

if TYPE_CHECKING:
    from searchctl.training.adapt import AdaptMethod


@click.command(
    "adapt",
    cls=Command,
    examples=(
        "searchctl train adapt corpus.jsonl --from ./model -o ./my-encoder --dry-run",
        "searchctl train adapt corpus.jsonl -o ./my-encoder",
        "searchctl train adapt corpus.jsonl --from ./model -o ./my-encoder --method tsdae --batch 8",
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
    "--method",
    type=click.Choice(["inverse-cloze", "tsdae"]),
    default="inverse-cloze",
    show_default=True,
    help="A sentence looks for its text, or a text is written anew from its vector.",
)
@schedule_options()
@framed
def adapt_command(
    frame: Frame, path: Path, base: str, method: str, schedule: Schedule, out: Path, dry_run: bool
) -> None:
    """Adapt an encoder to texts of a field, without any questions or labels.

    FILE is JSON Lines: {"text": …} with perhaps a "title", as a corpus. With inverse-cloze each text gives one of its sentences as a
    question for the rest. With tsdae most words are deleted, and the encoder's vector must be enough to write the text
    anew. Either is measured by sentences looking for held-out texts. It's worth less than pairs that people judged.
    """
    from searchctl.training.adapt import adapt_recipe

    recipe = adapt_recipe(path, base, cast("AdaptMethod", method), schedule.seed)
    train_and_print(frame, recipe, schedule, out, dry_run, "searchctl evaluate DATA --encoder {out}")
